"""What the published tables and columns mean, written into the file itself as comments: any client shows them beside the names.

Only what has no comment yet gets one, in one pass over the catalog; dbt's own persist_docs would cost a statement per column within the build.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import duckdb
import yaml

from orchestration.database import connect
from orchestration.settings import Home

Said = Mapping[str, str]


def write_models(home: Home) -> None:
    """Comment on the tables of the build that dbt's models make, with what the models say of themselves."""
    manifest = json.loads((home.dbt_target / "manifest.json").read_text(encoding="utf-8"))
    with connect(home.build_file) as con:
        _comment(con, of_models(manifest), {})


def write_others(con: duckdb.DuckDBPyConnection) -> None:
    """Comment on the tables and functions of an open file that no model makes."""
    declared = yaml.safe_load(resources.files(__package__).joinpath("descriptions.yaml").read_text(encoding="utf-8"))
    known: dict[str, str] = {
        f"{schema}.{table}.{column}": comment
        for schema, table, column, comment in con.execute(
            "select schema_name, table_name, column_name, comment from duckdb_columns() where comment is not null and database_name = current_database()"
        ).fetchall()
    }
    said: dict[str, str] = {}
    for table, of_table in declared["tables"].items():
        if "as" in of_table:
            like = of_table["as"] + "."
            said |= {f"{table}.{name.removeprefix(like)}": text for name, text in known.items() if name.startswith(like)}
        said |= {table: of_table["means"]} | {f"{table}.{column}": text for column, text in of_table["columns"].items()}
    _comment(con, said, declared["functions"])


def of_models(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the description of each model's table, as `schema.table`, and of its columns, as `schema.table.column`."""
    said: dict[str, str] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            table = f"{node['schema']}.{node['alias']}"
            said |= {table: node["description"]} | {f"{table}.{name}": column["description"] for name, column in node["columns"].items()}
    return {name: " ".join(text.split()) for name, text in said.items() if text.strip()}


def _comment(con: duckdb.DuckDBPyConnection, said: Said, functions: Said) -> None:
    con.execute("; ".join([*_statements(con, said), *(f"comment on macro table {name} is {_literal(text)}" for name, text in functions.items()), "select 1"]))


def _statements(con: duckdb.DuckDBPyConnection, said: Said) -> Iterator[str]:
    """Yield a statement for each table and column that is described and has no comment yet."""
    here = "database_name = current_database() and comment is null and not internal"
    for schema, table in con.execute(f"select schema_name, table_name from duckdb_tables() where {here}").fetchall():
        if text := said.get(f"{schema}.{table}"):
            yield f'comment on table {schema}."{table}" is {_literal(text)}'
    for schema, table, column in con.execute(f"select schema_name, table_name, column_name from duckdb_columns() where {here}").fetchall():
        if text := said.get(f"{schema}.{table}.{column}"):
            yield f'comment on column {schema}."{table}"."{column}" is {_literal(text)}'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
