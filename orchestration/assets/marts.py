"""The dbt assets: every seed, model and data test of the project. One build makes them all, for the file of marts is replaced whole."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import dbt_assets

from orchestration import meta, pipeline
from orchestration.assets.session import Session
from orchestration.dbt import BuildFailed
from orchestration.errors import ArwError, PublishRefused
from orchestration.orchestrator import POOL
from orchestration.settings import Home

UNIQUE_ID = "dagster_dbt/unique_id"
BUILT, PASSED = "success", "pass"


class BuildConfig(dg.Config):
    """How to build: as of which date (YYYY-MM-DD; none: the newest drop's), and whether to derive everything again."""

    as_of: str | None = None
    full_refresh: bool = False


@dataclass(frozen=True)
class Node:
    """What a build did with one node of the project."""

    unique_id: str
    status: str
    seconds: float
    failures: int | None
    message: str
    relation: str


def read_manifest(file: Path) -> dict[str, Any]:
    """Return the parsed project; the definitions never parse it themselves."""
    try:
        manifest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArwError(f"{file} is missing: the definitions are read from it. `arw orchestrate` parses the project before it starts Dagster.") from None
    return with_homes(manifest)


def with_homes(manifest: dict[str, Any]) -> dict[str, Any]:
    """Give each test that reads several models one of them to be shown at: a mart before anything else, else the last by name."""
    for node in manifest["nodes"].values():
        models = [name for name in node["depends_on"]["nodes"] if name.startswith("model.")] if node["resource_type"] == "test" else []
        if models and not node.get("attached_node"):
            home = max(models, key=lambda name: (manifest["nodes"][name]["fqn"][1] == "marts", name))
            node["config"]["meta"] = {**(node["config"].get("meta") or {}), "dagster": {"ref": {"name": manifest["nodes"][home]["name"]}}}
    return manifest


def nodes_of(run_results: Mapping[str, Any]) -> list[Node]:
    """Return what a build did, from dbt's record of it."""
    return [
        Node(
            unique_id=result["unique_id"],
            status=result["status"],
            seconds=result["execution_time"],
            failures=result["failures"],
            message=result["message"] or "",
            relation=result["relation_name"] or "",
        )
        for result in run_results["results"]
    ]


def dbt_build_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Return the dbt project as assets and asset checks."""

    @dbt_assets(manifest=manifest, name="dbt_build", exclude="resource_type:unit_test", pool=POOL)
    def dbt_build(context: dg.AssetExecutionContext, config: BuildConfig, session: Session) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        with session.step(context) as progress:
            as_of = date.fromisoformat(config.as_of) if config.as_of else None
            try:
                built = pipeline.build(session.home, as_of, full_refresh=config.full_refresh, progress=progress)
            except (PublishRefused, BuildFailed):
                # What dbt did up to its end is told all the same: above all, which tests failed.
                yield from _told(context, session.home, {})
                raise
            yield from _told(context, session.home, {"as of": str(built["as_of"]), "known at": str(built["known_at"])})
            _refuse_other_models(context, session.home)

    return dbt_build


def _told(context: dg.AssetExecutionContext, home: Home, metadata: Mapping[str, Any]) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    assets = {spec.metadata.get(UNIQUE_ID): spec.key for spec in context.assets_def.specs if spec.key in context.selected_asset_keys}
    tests = {spec.metadata.get(UNIQUE_ID): spec.key for spec in context.assets_def.check_specs if spec.key in context.selected_asset_check_keys}
    nodes = _nodes(home)
    rows = _row_counts(home, [node for node in nodes if node.unique_id in assets and node.status == BUILT])
    for node in nodes:
        said = {"seconds": round(node.seconds, 2)} | metadata
        if node.unique_id in assets and node.status == BUILT:
            counted = {"dagster/row_count": rows[node.unique_id]} if node.unique_id in rows else {}
            yield dg.MaterializeResult(asset_key=assets[node.unique_id], metadata=said | counted | {"relation": node.relation})
        elif node.unique_id in tests:
            key = tests[node.unique_id]
            said |= {"rows": node.failures or 0} | ({"message": node.message} if node.message else {})
            yield dg.AssetCheckResult(asset_key=key.asset_key, check_name=key.name, passed=node.status == PASSED, metadata=said)


def _nodes(home: Home) -> list[Node]:
    """Return what the build that just ended did; nothing, where dbt did not get as far as recording it."""
    try:
        return nodes_of(json.loads((home.dbt_target / "run_results.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []


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


def _refuse_other_models(context: dg.AssetExecutionContext, home: Home) -> None:
    """Stop where the project has other models by now than the definitions know: Dagster would take the missing ones for skipped."""
    there = {node.unique_id for node in _nodes(home)}
    gone = sorted(spec.key.to_user_string() for spec in context.assets_def.specs if spec.metadata.get(UNIQUE_ID) not in there)
    if gone:
        raise ArwError(
            f"The project has no {', '.join(gone)} any more: it was changed after `arw orchestrate` started. "
            "Nothing was published; the version in force is unchanged. Start `arw orchestrate` again."
        )
