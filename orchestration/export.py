"""The published tables as Parquet beside the published file, for tools that do not read DuckDB (docs/how-to/excel-and-power-bi.md).

    published/ar_<version>_parquet/<schema>/<table>.parquet

The folder appears whole or not at all, is never changed afterwards, and goes when its version goes (decision 0015).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration import published
from orchestration.files import emptied, sync
from orchestration.settings import Home

SCHEMAS = ("marts", "meta")


def folder(home: Home, version: str) -> Path:
    """Return the folder of a version's Parquet files."""
    return home.published / f"ar_{version}_parquet"


def write(home: Home, progress: Callable[[str], None]) -> tuple[Path, bool]:
    """Export the version in force unless it is there already; return its folder, and whether it is new."""
    con, version = published.open(home)
    with con:
        target = folder(home, version.name)
        if target.is_dir():
            progress(f"{target.name} is there already")
            return target, False
        progress(f"exporting the tables of {version.name} as Parquet")
        with emptied(home.preparation) as scratch:
            tables = _copy_tables(con, scratch / target.name)
            (scratch / target.name).replace(target)
    sync(home.published)
    progress(f"exported {tables} tables of {version.name} as Parquet")
    return target, True


def _copy_tables(con: duckdb.DuckDBPyConnection, target: Path) -> int:
    """Write every table into ``target``, safely on disk; return how many there are."""
    tables = con.execute(f"select schema_name, table_name from duckdb_tables() where schema_name in {SCHEMAS} order by 1, 2").fetchall()
    for schema in SCHEMAS:
        (target / schema).mkdir(parents=True)
    for schema, table in tables:
        file = target / schema / f"{table}.parquet"
        con.execute(f"copy {schema}.{table} to '{str(file).replace(chr(39), chr(39) * 2)}' (format parquet, compression zstd)")
        sync(file)
    for path in (*(target / schema for schema in SCHEMAS), target):
        sync(path)
    return len(tables)
