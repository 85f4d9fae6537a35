"""The dbt assets: every seed, model and data test of the project. One build makes them all, for the file of marts is replaced whole."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import dbt_assets

from orchestration import meta, pipeline
from orchestration.assets.session import Session
from orchestration.dbt import LEFT_OUT, BuildFailed
from orchestration.dbt_nodes import Node, read_results, refuse_other_models
from orchestration.errors import PublishRefused
from orchestration.orchestrator import POOL
from orchestration.settings import Home

UNIQUE_ID = "dagster_dbt/unique_id"


class BuildConfig(dg.Config):
    """How to build: as of which date (YYYY-MM-DD; none: the newest drop's), and whether to derive everything again."""

    as_of: str | None = None
    full_refresh: bool = False


def dbt_build_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Return the dbt project as assets and asset checks."""

    @dbt_assets(manifest=manifest, name="dbt_build", exclude=" ".join(LEFT_OUT), pool=POOL)
    def dbt_build(context: dg.AssetExecutionContext, config: BuildConfig, session: Session) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        with session.step(context) as progress:
            as_of = date.fromisoformat(config.as_of) if config.as_of else None
            try:
                built = pipeline.build(session.home, as_of, full_refresh=config.full_refresh, progress=progress)
            except (PublishRefused, BuildFailed):
                # What dbt did up to its end is told all the same: above all, which tests failed.
                yield from _told(context, session.home, {})
                raise
            said = {"as of": str(built["as_of"]), "known at": str(built["known_at"])}
            yield from _told(context, session.home, said)
            refuse_other_models((str(spec.metadata[UNIQUE_ID]) for spec in context.assets_def.specs), session.home.dbt_target / "manifest.json")
            yield from _standing(context, session.home, said)

    return dbt_build


def _told(context: dg.AssetExecutionContext, home: Home, metadata: Mapping[str, Any]) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    assets = {spec.metadata[UNIQUE_ID]: spec.key for spec in context.assets_def.specs if spec.key in context.selected_asset_keys}
    tests = {spec.metadata[UNIQUE_ID]: spec.key for spec in context.assets_def.check_specs if spec.key in context.selected_asset_check_keys}
    nodes = _nodes(home)
    rows = _row_counts(home, [node for node in nodes if node.unique_id in assets and node.was_built])
    for node in nodes:
        said: dict[str, Any] = {"seconds": round(node.seconds, 2), **metadata}
        if node.unique_id in assets and node.was_built:
            counted = {"dagster/row_count": rows[node.unique_id]} if node.unique_id in rows else {}
            yield dg.MaterializeResult(asset_key=assets[node.unique_id], metadata=said | counted | {"relation": node.relation})
        elif node.unique_id in tests:
            key = tests[node.unique_id]
            said |= {"rows": node.failures} | ({"message": node.message} if node.message else {})
            yield dg.AssetCheckResult(asset_key=key.asset_key, check_name=key.name, passed=node.passed, metadata=said)


def _standing(context: dg.AssetExecutionContext, home: Home, metadata: Mapping[str, Any]) -> Iterator[dg.MaterializeResult[Any]]:
    """Tell of the assets that a build that followed the last one left as they stood: not to be told is to be skipped, with all that comes after."""
    done = {node.unique_id for node in _nodes(home)}
    for spec in context.assets_def.specs:
        if spec.key in context.selected_asset_keys and spec.metadata[UNIQUE_ID] not in done:
            yield dg.MaterializeResult(asset_key=spec.key, metadata={"stands": "as the last build left it", **metadata})


def _nodes(home: Home) -> list[Node]:
    return read_results(home.dbt_target / "run_results.json")


def _row_counts(home: Home, nodes: list[Node]) -> dict[str, int]:
    """Return the rows of each table that was built; views are not counted, for that would compute them again."""
    if not nodes:
        return {}
    with duckdb.connect() as con:
        meta.attach(con, home, "warehouse", "ar_build")
        tables = {
            f'"{database}"."{schema}"."{table}"'
            for database, schema, table in con.execute("select database_name, schema_name, table_name from duckdb_tables()").fetchall()
        }
        counted = [node for node in nodes if node.relation in tables]
        return {node.unique_id: int((con.execute(f"select count(*) from {node.relation}").fetchone() or (0,))[0]) for node in counted}
