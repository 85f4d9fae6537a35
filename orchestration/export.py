"""The published tables as Parquet beside the published file, for tools that do not read DuckDB (docs/how-to/excel-and-power-bi.md).

    published/ar_<version>_parquet/<schema>/<table>.parquet

The folder appears whole or not at all, is never changed afterwards, and goes when its version goes (decision 0015).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

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
            tables = _copy_tables(con, scratch / target.name, _same_as_before(home, con, version))
            (scratch / target.name).replace(target)
    sync(home.published)
    progress(f"exported {tables} tables of {version.name} as Parquet")
    return target, True


def _same_as_before(home: Home, con: duckdb.DuckDBPyConnection, version: published.Version) -> dict[str, Path]:
    """Return the files of the newest other version's tables that hold the same content, by table of `marts`: they are linked, not written again."""
    for before in sorted(home.published.glob(f"{published.IN_TURN}.duckdb"), reverse=True):
        there = folder(home, before.stem.removeprefix("ar_"))
        if before == version.file or not there.is_dir():
            continue
        try:
            with duckdb.connect(str(before), read_only=True) as other:
                same = set(_contents(con)) & set(_contents(other))
        except duckdb.Error:
            # Damaged, or of a time when no hashes were kept.
            continue
        return {table: file for table, *_ in same if (file := there / "marts" / f"{table}.parquet").is_file()}
    return {}


def _contents(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Return table, number of rows, hash of its content and the models that gave it its columns."""
    return con.execute(
        """
        select contents.*, models_hash
        from meta.build_info, (
            select table_name, row_count, content_hash from meta.contents
            union all
            select 'fct_aging_snapshots', sum(row_count), string_agg(record_sha256, ' ' order by sequence)
            from meta.snapshots where snapshot_date <= (select as_of from meta.build_info)
        ) as contents
        """
    ).fetchall()


def _copy_tables(con: duckdb.DuckDBPyConnection, target: Path, same: Mapping[str, Path]) -> int:
    """Write every table into ``target``, safely on disk, or link the file in ``same``; return how many there are."""
    tables = con.execute(f"select schema_name, table_name from duckdb_tables() where schema_name in {SCHEMAS} order by 1, 2").fetchall()
    for schema in SCHEMAS:
        (target / schema).mkdir(parents=True)
    # A table has no order that readers could rely on, and keeping one costs time and memory.
    con.execute("set preserve_insertion_order = false")
    for schema, table in tables:
        file = target / schema / f"{table}.parquet"
        if schema == "marts" and table in same:
            file.hardlink_to(same[table])
            continue
        # The lowest level is as small as the others for these tables, and a quarter faster; so is giving up early on a dictionary of names that hardly repeat.
        options = "format parquet, compression zstd, compression_level 1, dictionary_size_limit 10000"
        con.execute(f"copy {schema}.{table} to '{str(file).replace(chr(39), chr(39) * 2)}' ({options})")
        sync(file)
    for path in (*(target / schema for schema in SCHEMAS), target):
        sync(path)
    return len(tables)
