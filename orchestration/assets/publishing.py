"""The version that readers see, as an asset; the audit's checks are its asset checks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration import audit, checks, pipeline, status, terminal
from orchestration.assets.answers import check_result
from orchestration.assets.session import Session
from orchestration.errors import PublishRefused
from orchestration.orchestrator import POOL

PUBLISHED = dg.AssetKey(["published"])


def published_asset(marts: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """Return the asset that stands for the published file."""

    @dg.asset(
        key=PUBLISHED,
        deps=marts,
        check_specs=[dg.AssetCheckSpec(check.check_id, asset=PUBLISHED, description=f"Rule {check.rule}. Fails if {check.means}.") for check in audit.CHECKS],
        group_name="published",
        kinds={"duckdb"},
        pool=POOL,
        description="The audited version that dashboards, reports and analysts read: one DuckDB file, and the pointer to it.",
    )
    def published(context: dg.AssetExecutionContext, session: Session) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        with session.step(context) as progress:
            try:
                outcome = pipeline.publish(session.home, {}, progress)
            except PublishRefused as refused:
                for answer in checks.audited(refused.reasons):
                    yield check_result(answer, PUBLISHED)
                raise
            yield dg.MaterializeResult(asset_key=PUBLISHED, metadata=_metadata(outcome, status.read(session.home)))
            for answer in checks.audited([]):
                yield check_result(answer, PUBLISHED)

    return published


def _metadata(outcome: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    rows = [{"table": table, "rows": count} for table, count in outcome["row_counts"].items()]
    return {
        "dagster/row_count": sum(outcome["row_counts"].values()),
        "file": dg.MetadataValue.path(outcome["path"]),
        "version": outcome["version"],
        "is new": bool(outcome["is_new"]),
        "as of": outcome["as_of"],
        "known at": outcome["known_at"],
        "tables": _table(rows),
        "receivable": _table(state["receivable"]),
        "differences to the general ledger": _table(state["gl_differences"]),
        "rejects": _table(state["rejects"]),
        "exceptions": _table(state["exceptions"]),
    }


def _table(records: Sequence[Mapping[str, Any]]) -> dg.MetadataValue[Any]:
    """Return records as a table; amounts stay the exact text that they are, never a float."""
    if not records:
        return dg.MetadataValue.text("none")
    rows = [{name: value if isinstance(value, int) else terminal.text(value) for name, value in record.items()} for record in records]
    return dg.MetadataValue.table([dg.TableRecord(row) for row in rows], schema=dg.TableSchema([dg.TableColumn(name) for name in records[0]]))
