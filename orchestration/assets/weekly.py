"""The weekly snapshot and its report, as assets: frozen once, written once, caught up where a week was missed."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from orchestration import checks, pipeline, snapshots
from orchestration.assets.answers import check_result
from orchestration.assets.publishing import PUBLISHED
from orchestration.assets.session import Session
from orchestration.checks import Answer
from orchestration.errors import PublishRefused
from orchestration.orchestrator import POOL

SNAPSHOT = dg.AssetKey(["weekly_snapshot"])
REPORT = dg.AssetKey(["weekly_report"])


class SnapshotConfig(dg.Config):
    """Up to which date (YYYY-MM-DD) to freeze weeks; none: all that are complete."""

    as_of: str | None = None


@dg.asset(
    key=SNAPSHOT,
    deps=[PUBLISHED],
    check_specs=[dg.AssetCheckSpec(checks.CHAINED, asset=SNAPSHOT, description="Every frozen week is there, as it was frozen, in one chain of hashes.")],
    group_name="weekly",
    kinds={"parquet"},
    pool=POOL,
    description="The aging of each finished week, item by item, frozen as it was reported.",
)
def weekly_snapshot(context: dg.AssetExecutionContext, config: SnapshotConfig, session: Session) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Freeze the weeks that are due."""
    with session.step(context) as progress:
        home = session.home
        try:
            done = pipeline.freeze(home, date.fromisoformat(config.as_of) if config.as_of else None, progress)
        except PublishRefused as refused:
            yield check_result(Answer(checks.CHAINED, len(refused.reasons), checks.refusal(refused)), SNAPSHOT)
            raise
        yield dg.MaterializeResult(
            asset_key=SNAPSHOT,
            metadata={
                "frozen": ", ".join(str(day) for day in done["frozen"]) or "no week was due",
                "snapshots": done["snapshots"],
                "version": done["version"],
                "folder": dg.MetadataValue.path(home.snapshots),
            },
        )
        faults = snapshots.verify(home)
        yield check_result(Answer(checks.CHAINED, len(faults), "\n".join(f"{fault.record}: {fault.reason}" for fault in faults)), SNAPSHOT)


@dg.asset(
    key=REPORT,
    deps=[SNAPSHOT],
    group_name="weekly",
    kinds={"excel"},
    pool=POOL,
    description="The weekly aging report's files: workbook, PDF and CSV for each frozen week.",
)
def weekly_report(context: dg.AssetExecutionContext, session: Session) -> dg.MaterializeResult[Any]:
    """Write the report files that frozen weeks lack."""
    with session.step(context) as progress:
        written = pipeline.report(session.home, progress)["reports"]
        return dg.MaterializeResult(
            asset_key=REPORT,
            metadata={
                "written": len(written),
                "files": dg.MetadataValue.md("\n".join(f"- `{path}`" for path in written) or "every frozen week had its report"),
                "folder": dg.MetadataValue.path(session.home.reports),
            },
        )
