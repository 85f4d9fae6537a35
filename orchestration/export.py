"""The published tables as Parquet beside the published file, for tools that do not read DuckDB (docs/how-to/excel-and-power-bi.md).

    published/ar_<version>_parquet/<schema>/<table>.parquet

The folder appears whole or not at all, is never changed afterwards, and goes when its version goes (decision 0015).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from orchestration import published
from orchestration.files import sync
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
        scratch = home.published / ".tmp" / target.name
        shutil.rmtree(scratch, ignore_errors=True)
        tables = con.execute(f"select schema_name, table_name from duckdb_tables() where schema_name in {SCHEMAS} order by 1, 2").fetchall()
        for schema in SCHEMAS:
            (scratch / schema).mkdir(parents=True)
        for schema, table in tables:
            file = scratch / schema / f"{table}.parquet"
            con.execute(f"copy {schema}.{table} to '{str(file).replace(chr(39), chr(39) * 2)}' (format parquet, compression zstd)")
            sync(file)
    for path in (*(scratch / schema for schema in SCHEMAS), scratch):
        sync(path)
    scratch.replace(target)
    sync(home.published)
    progress(f"exported {len(tables)} tables of {version.name} as Parquet")
    return target, True
