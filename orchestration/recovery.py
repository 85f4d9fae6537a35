"""Ends what an earlier orchestrator left behind: runs that are on record as going on, and are not.

Dagster's launcher cannot tell whether a run's process is still there once the server that started it is gone; such a run would hold up
the queue for ever. `arw orchestrate` runs this before it starts anything: then there is no run.
"""

from __future__ import annotations

import dagster as dg

UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def end_left_runs(instance: dg.DagsterInstance) -> list[str]:
    """Put every run that is under way on record as failed (then it is retried), or as canceled if that was asked for; return their ids."""
    left = instance.get_runs(filters=dg.RunsFilter(statuses=UNDER_WAY))
    for run in left:
        if run.status is dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, "The orchestrator ended before this run was canceled.")
        else:
            instance.report_run_failed(run, "The orchestrator ended, and this run with it. What was published before is unchanged.")
    return [run.run_id for run in left]


def main() -> None:
    """End the left runs of the instance in DAGSTER_HOME."""
    with dg.DagsterInstance.get() as instance:
        for run_id in end_left_runs(instance):
            print(f"ended run {run_id}, which an earlier orchestrator left")


if __name__ == "__main__":
    main()
