"""The compiled project on any lake, in one DuckDB process: dbt compiles once, and a small ledger is then derived in about a second instead of twenty.

What runs is what dbt compiled, model by model in the order of its manifest, with the raw tables made by the product's own code. What is left out is dbt itself:
contracts, data tests and grants. Those are the business of the tests that run `arw`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
from running import ROOT

from orchestration import lake
from orchestration.extracts import raw
from orchestration.extracts.books import write_books
from orchestration.extracts.contract import systems
from orchestration.extracts.records import DropRecord

# The date that the project is compiled for, and that each replay puts its own in the place of.
STAND_IN = "2999-12-31"
HOOK = "as_of_functions.sql"
# What a table of families keeps, how it and a table of sums are brought up to date, and what is done after one, where a build follows the last.
KEYS = "families.json"
QUERY = "select 'the query of the model'"
# What the published table functions read.
LEDGER = (
    *("fct_ar_events", "dim_item_versions", "fct_dispute_versions", "fct_promise_versions", "dim_collector_assignments"),
    *("dim_aging_buckets", "dim_exchange_rate_versions", "dim_companies", "dim_currencies"),
)


@dataclass(frozen=True)
class Node:
    """A model or seed as dbt compiled it."""

    unique_id: str
    name: str
    relation: str
    kind: str
    file: Path
    sql: str
    depends_on: tuple[str, ...]
    column_types: dict[str, str]


@dataclass(frozen=True)
class Project:
    """The compiled models and seeds by id, and the statements that make the published table functions.

    A project that was compiled to follow derives what changed: then ``derived`` says of each table of families which rows it derives again, and ``remembered``
    how it keeps these as they were; ``added`` is how a table of sums takes up what its query yields.
    """

    nodes: dict[str, Node]
    functions: str
    derived: dict[str, str]
    remembered: dict[str, str]
    added: dict[str, str]
    after: dict[str, str]

    def needed_for(self, names: Iterable[str]) -> list[Node]:
        """Return the named models and everything before them, in an order in which they can be made."""
        wanted, queue = set(), [node.unique_id for node in self.nodes.values() if node.name in set(names)]
        while queue:
            unique_id = queue.pop()
            if unique_id not in wanted:
                wanted.add(unique_id)
                queue += [each for each in self.nodes[unique_id].depends_on if each in self.nodes]
        order = TopologicalSorter({each: [d for d in self.nodes[each].depends_on if d in wanted] for each in sorted(wanted)}).static_order()
        return [self.nodes[unique_id] for unique_id in order]


def compile_project(folder: Path, project: Path = ROOT, *, follows: bool = False) -> Project:
    """Let dbt compile the whole project once, in a process of its own, into ``folder``; as for a build that follows the last one, if asked to."""
    (folder / "home" / "build").mkdir(parents=True)
    environment = os.environ | {"AR_HOME": str(folder / "home"), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "AR_FOLLOWS": "true" if follows else ""}
    done = subprocess.run(
        [sys.executable, __file__, str(folder), str(project)], cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, f"dbt cannot compile the project:\n{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    nodes = {
        unique_id: Node(
            unique_id,
            node["name"],
            node["relation_name"],
            "seed" if node["resource_type"] == "seed" else node["language"] if node["language"] == "python" else node["config"]["materialized"],
            project / node["original_file_path"],
            node.get("compiled_code") or "",
            tuple(node.get("depends_on", {}).get("nodes", ())),
            node["config"].get("column_types") or {},
        )
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }
    families = json.loads((folder / KEYS).read_text(encoding="utf-8")) if follows else {"derived": {}, "remembered": {}, "added": {}, "after": {}}
    return Project(nodes, (folder / HOOK).read_text(encoding="utf-8"), **families)


def _compile(folder: Path, project: Path) -> None:
    """Compile every model, and the hook that makes the table functions, with dbt in this process."""
    from dbt.cli.main import dbtRunner

    options = ["--target-path", str(folder), "--log-path", str(folder), "--project-dir", str(project), "--profiles-dir", str(project)]
    options += ["--vars", json.dumps({"as_of": STAND_IN}), "--no-version-check", "--log-level", "error"]
    models = dbtRunner().invoke(["compile", *options, "--select", "resource_type:model"])
    if not models.success:
        raise SystemExit(str(models.exception or [result.message for result in models.result if result.message]))
    (folder / "manifest.json").rename(folder / "kept.json")
    hook = dbtRunner().invoke(["compile", *options, "--inline", "{{ create_as_of_functions() }}"])
    if not hook.success:
        raise SystemExit(str(hook.exception))
    (folder / HOOK).write_text(hook.result.results[0].node.compiled_code, encoding="utf-8")
    if os.environ.get("AR_FOLLOWS") == "true":
        nodes = json.loads((folder / "kept.json").read_text(encoding="utf-8"))["nodes"].values()
        names = [node["name"] for node in nodes if node["config"].get("materialized") == "family"]
        sums = {node["name"]: node["config"] for node in nodes if node["config"].get("materialized") == "sums"}
        asked = [f"{{{{ is_touched('{name}', family('{name}')[2]) }}}}" for name in names]
        asked += [f"{{% set each = ref('{name}') %}}{{% if execute and remembered_columns('{name}') %}}{{{{ remember(each) }}}}{{% endif %}}" for name in names]
        asked += [f'{{{{ add_difference(ref("{name}"), "{QUERY}", {c["keys"]}, {c["sums"]}, "{c["counted"]}") }}}}' for name, c in sums.items()]
        keys = dbtRunner().invoke(["compile", *options, "--inline", "\0".join([*asked, "{{ touch_new_items(ref('dim_item_versions')) }}"])])
        if not keys.success:
            raise SystemExit(str(keys.exception))
        said = iter(keys.result.results[0].node.compiled_code.split("\0"))
        families = {
            "derived": {name: next(said) for name in names},
            "remembered": {name: remember for name in names if (remember := next(said))},
            "added": {name: next(said) for name in sums},
            "after": {"dim_item_versions": next(said)},
        }
        (folder / KEYS).write_text(json.dumps(families), encoding="utf-8")
    (folder / "kept.json").replace(folder / "manifest.json")


class Books:
    """The raw tables of a lake in memory, as one `arw build` after another would bring them up to it."""

    def __init__(self) -> None:
        self.con = duckdb.connect(":memory:", config={"threads": 1})
        self.con.execute("set TimeZone = 'UTC'")
        for name in ("warehouse", "ar_build"):
            self.con.execute(f"attach ':memory:' as {name}")
        self.con.execute("use warehouse")
        for schema in ("meta", *(f"raw_{system}" for system in systems())):
            self.con.execute(f"create schema warehouse.{schema}")
        self.standing: set[str] = set()

    def __enter__(self) -> Books:
        return self

    def __exit__(self, *_: object) -> None:
        self.con.close()

    def bring_up_to(self, home: Path, landed: Sequence[DropRecord] | None = None) -> None:
        """Bring the raw tables up to the lake of ``home``, or to some of its drops only."""
        records = lake.drops(home) if landed is None else sorted(landed, key=lambda record: record.order)
        self.con.execute("use warehouse")
        # What became of each file is of no interest here, and dear to write every week.
        write_books(self.con, [replace(record, files=()) for record in records], [], [])
        raw.refresh(self.con, home / "lake", records)

    def derive(self, project: Project, as_of: date, names: Iterable[str] = LEDGER) -> duckdb.DuckDBPyConnection:
        """Make the named models and what they need, as of a date; return the connection, set to read the marts as a published file is read."""
        self.con.execute("use warehouse")
        nodes = project.needed_for(names)
        for schema in {node.relation.replace('"', "").rpartition(".")[0] for node in nodes} | {"ar_build.marts", "ar_build.meta"}:
            self.con.execute(f"create schema if not exists {schema}")
        for node in nodes:
            # Views and seeds stand as they are when the raw tables move on, but for what looks at what was touched.
            is_of_this_time = "touched_" in node.sql
            if node.unique_id not in self.standing or is_of_this_time:
                self._make(node, project, as_of)
            if is_of_this_time:
                self.standing.discard(node.unique_id)
            elif node.kind in ("view", "seed"):
                self.standing.add(node.unique_id)
        if HOOK not in self.standing:
            self.con.execute(project.functions)
            self.standing.add(HOOK)
        self.con.execute("use ar_build")
        return self.con

    def _make(self, node: Node, project: Project, as_of: date) -> None:
        kind = "view" if node.kind == "view" else "table"
        if node.kind == "python":
            decided = _load(node.file).model(_Dbt(self.con, project), self.con)
            self.con.execute(f"drop table if exists {node.relation}")
            decided.create(node.relation)
        elif node.kind == "seed":
            types = {column: "varchar" if name == "string" else name for column, name in node.column_types.items()}
            self.con.execute(f"create or replace table {node.relation} as select * from read_csv(?, header = true, types = {types})", [str(node.file)])
        elif derived := project.derived.get(node.name):
            sql = node.sql.replace(STAND_IN, as_of.isoformat())
            if remember := project.remembered.get(node.name):
                self.con.execute(remember)
            self.con.execute(f"delete from {node.relation} where {derived}")
            self.con.execute(f"insert into {node.relation} by name select * from ({sql}\n) as derived where {derived}")
        elif added := project.added.get(node.name):
            self.con.execute(added.replace(QUERY, node.sql.replace(STAND_IN, as_of.isoformat())))
        else:
            self.con.execute(f"create or replace {kind} {node.relation} as ({node.sql.replace(STAND_IN, as_of.isoformat())}\n)")
        if after := project.after.get(node.name):
            self.con.execute(after)


@dataclass(frozen=True)
class _Dbt:
    """What a Python model asks of dbt."""

    con: duckdb.DuckDBPyConnection
    project: Project

    def config(self, **_: Any) -> None:
        """Take the model's configuration; it is in the manifest already."""

    def ref(self, name: str) -> duckdb.DuckDBPyRelation:
        """Return another model's rows."""
        [relation] = [node.relation for node in self.project.nodes.values() if node.name == name]
        return self.con.table(relation)


def _load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_of(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a query by column name."""
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description or []]
    for row in cursor.fetchall():
        yield dict(zip(names, row, strict=True))


if __name__ == "__main__":
    _compile(Path(sys.argv[1]), Path(sys.argv[2]))
