"""Parquet files of a drop: their types are checked against the contract's, then their rows are judged like any others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from orchestration.extracts.errors import BadHeader, BadType, UnreadableFile
from orchestration.extracts.rules import literal, quoted

INTEGERS = frozenset(["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"])
INEXACT = frozenset({"FLOAT", "DOUBLE"})
# What a column of the file may be, by what the contract says it is. Text is judged value by value.
NUMBERS = INTEGERS | {"VARCHAR", "DECIMAL"}
NAMES = INTEGERS | {"VARCHAR"}
MOMENTS = frozenset({"VARCHAR", "DATE", "TIMESTAMP"})
FITTING = {
    "id": NAMES,
    "code": NAMES,
    "text": NAMES,
    "currency": frozenset({"VARCHAR"}),
    "money": NUMBERS,
    "signed_money": NUMBERS,
    "decimal": NUMBERS,
    "rate": NUMBERS,
    "integer": NAMES,
    "date": MOMENTS,
    "timestamp": MOMENTS,
    "boolean": frozenset({"VARCHAR", "BOOLEAN"}),
}


def parquet_columns(
    con: duckdb.DuckDBPyConnection, path: Path, file: str, types: Mapping[str, str], rounding: Mapping[str, int]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of a Parquet file's columns and the SQL of each as text.

    ``types`` are the contract's types of the columns that it knows; ``rounding`` is what the profile allows for columns
    that are no exact numbers.
    """
    try:
        described = con.execute(f"describe select * from read_parquet({literal(str(path))})").fetchall()
    except duckdb.Error as error:
        raise UnreadableFile(file, f"it is no readable Parquet file ({str(error).splitlines()[0]})") from error
    header = tuple(row[0] for row in described)
    if len({name.lower() for name in header}) < len(header):
        raise BadHeader(file, "two of its columns have the same name")
    return header, tuple(_as_text(file, name, kind, types.get(name), rounding.get(name)) for name, kind, *_ in described)


def parquet_relation(path: Path, columns: tuple[str, ...]) -> str:
    """Return a query for the file's rows: columns c0, c1, … as text, and source_line, the number of the row."""
    values = ", ".join(f"{column} as c{i}" for i, column in enumerate(columns))
    return f"(select {values}, file_row_number + 1 as source_line from read_parquet({literal(str(path))}, file_row_number = true))"


def _as_text(file: str, name: str, kind: str, contract_type: str | None, decimals: int | None) -> str:
    column = quoted(name)
    base = kind.split("(")[0].split(" ")[0].split("_")[0]
    if base in INEXACT and decimals is not None:
        return f"cast(cast({column} as decimal(38, {decimals})) as varchar)"
    if contract_type and base not in FITTING[contract_type]:
        raise BadType(file, f"its column {name} is {kind}, which does not hold {contract_type} values exactly")
    if base == "TIMESTAMP":
        moment = f"timezone('UTC', {column})" if "TIME ZONE" in kind else f"cast({column} as timestamp)"
        if contract_type == "date":
            # A date that was written as its midnight; another time of day is no date, and the rule rejects it.
            midnight = f"{moment} = date_trunc('day', {moment})"
            return f"case when {midnight} then cast(cast({moment} as date) as varchar) else cast({moment} as varchar) end"
        return f"cast({moment} as varchar)"
    return f"cast({column} as varchar)"
