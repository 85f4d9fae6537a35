"""Ends what an earlier orchestrator left behind: runs that are on record as going on, and are not.

Dagster's launcher cannot tell whether a run's process is still there once the server that started it is gone; such a run would hold up
the queue for ever. `arw orchestrate` runs this before it starts anything: then the only run there can be is one that outlived its
orchestrator, and that one holds the home.
"""

from __future__ import annotations

import dagster as dg

from orchestration.lock import WarehouseBusy, pipeline_lock
from orchestration.settings import Home, home_at

UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def end_left_runs(instance: dg.DagsterInstance, holder: str) -> list[str]:
    """Put the runs that are under way no more on record as failed (then they are retried), or as canceled if that was asked for; return their ids.

    A run that ``holder`` names works on: it will say itself how it ended.
    """
    left = [run for run in instance.get_runs(filters=dg.RunsFilter(statuses=UNDER_WAY)) if run.run_id not in holder]
    for run in left:
        if run.status is dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, "The orchestrator ended before this run was canceled.")
        else:
            instance.report_run_failed(run, "The orchestrator ended, and this run with it. What was published before is unchanged.")
    return [run.run_id for run in left]


def holder_of(home: Home) -> str:
    """Return who works in the home now, in words; empty if nobody does."""
    try:
        with pipeline_lock(home, "arw orchestrate"):
            return ""
    except WarehouseBusy as busy:
        return str(busy)


def main() -> None:
    """End the left runs of the instance in DAGSTER_HOME."""
    with dg.DagsterInstance.get() as instance:
        for run_id in end_left_runs(instance, holder_of(home_at(None))):
            print(f"ended run {run_id}, which an earlier orchestrator left")


if __name__ == "__main__":
    main()
