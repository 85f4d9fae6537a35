"""Parquet files of a drop: their types are checked against the contract's, then their rows are judged like any others."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.extracts.contract import Column, Feed
from orchestration.extracts.errors import BadHeader, BadType, UnreadableFile
from orchestration.extracts.reading import TextTable
from orchestration.extracts.rules import literal, quoted

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
FITTING = {
    "id": ("VARCHAR", *INTEGERS),
    "code": ("VARCHAR", *INTEGERS),
    "text": ("VARCHAR", *INTEGERS),
    "currency": ("VARCHAR",),
    "money": ("VARCHAR", "DECIMAL", *INTEGERS),
    "signed_money": ("VARCHAR", "DECIMAL", *INTEGERS),
    "decimal": ("VARCHAR", "DECIMAL", *INTEGERS),
    "rate": ("VARCHAR", "DECIMAL", *INTEGERS),
    "integer": ("VARCHAR", *INTEGERS),
    "date": ("VARCHAR", "DATE", "TIMESTAMP"),
    "timestamp": ("VARCHAR", "DATE", "TIMESTAMP"),
    "boolean": ("VARCHAR", "BOOLEAN"),
}


def read_parquet(con: duckdb.DuckDBPyConnection, name: str, path: Path, file: str, feed: Feed) -> TextTable:
    """Read a Parquet file into a new temporary table of text called ``name``."""
    source = f"read_parquet({literal(str(path))}, file_row_number = true)"
    try:
        described = con.execute(f"describe select * exclude (file_row_number) from {source}").fetchall()
        header = tuple(row[0] for row in described)
        columns = ", ".join(
            f"{_as_text(feed, column, kind, file)} as c{i}" for i, (column, kind, *_) in enumerate(described)
        )
        con.execute(
            f"create or replace temp table {name} as "
            f"select {columns}, file_row_number + 1 as source_line from {source} order by file_row_number"
        )
    except duckdb.Error as error:
        raise UnreadableFile(file, f"it is no readable Parquet file ({str(error).splitlines()[0]})") from error
    if len({column.lower() for column in header}) < len(header):
        raise BadHeader(file, "two of its columns have the same name")
    [[rows]] = con.execute(f"select count(*) from {name}").fetchall()
    return TextTable(name=name, file=file, header=header, rows=rows, malformed=0)


def _as_text(feed: Feed, name: str, kind: str, file: str) -> str:
    c = quoted(name)
    column = next((known for known in (*feed.columns, Column("is_deleted", "boolean")) if known.name == name), None)
    if column is None:
        return f"cast({c} as varchar)"
    base = kind.split("(")[0].split(" ")[0].split("_")[0]
    if base not in FITTING[column.type]:
        raise BadType(file, f"its column {name} is {kind}, which does not hold {column.type} values exactly")
    if base == "TIMESTAMP":
        moment = f"timezone('UTC', {c})" if "TIME ZONE" in kind else c
        if column.type == "date":
            return f"case when {moment} = date_trunc('day', {moment}) then cast(cast({moment} as date) as varchar) else cast({moment} as varchar) end"
        return f"cast(cast({moment} as timestamp) as varchar)"
    return f"cast({c} as varchar)"
