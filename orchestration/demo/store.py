"""The generator's scratch database: rows wait there, encoded as whole numbers, until they are written as feeds.

DuckDB keeps them compressed and spills to disk, so that memory stays bounded whatever the size asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from orchestration.demo import crm, documents, parties, postings, rates, settlements, words

MEMORY_LIMIT = "1GB"


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open the scratch database in a folder, with the macros that turn numbers into text."""
    connection = duckdb.connect(str(folder / "scratch.duckdb"))
    connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
    connection.execute(f"set temp_directory = '{folder / 'spill'}'")
    connection.execute("set preserve_insertion_order = true")
    for statement in _macros():
        connection.execute(statement)
    return connection


def append(connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, Any]) -> None:
    """Append columns to a table, which the first rows create. Lists are text, arrays are numbers."""
    arrays = {k: np.array(v, dtype=object) if isinstance(v, list) else v for k, v in columns.items()}
    connection.register("incoming", arrays)
    exists = connection.execute("select count(*) from duckdb_tables() where table_name = ?", [table]).fetchone()
    if exists and exists[0]:
        connection.execute(f"insert into {table} by name select * from incoming")
    else:
        connection.execute(f"create table {table} as select * from incoming")
    connection.unregister("incoming")


def pick(name: str, values: list[str]) -> str:
    """Return a macro that turns a position into one of some words; a negative position is empty."""
    words_ = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"create macro {name}(n) as ([{words_}])[nullif(greatest(n, -1), -1) + 1]"


def _macros() -> list[str]:
    return [
        "create macro day_of(n) as case when n >= 0 then date '1970-01-01' + n::integer end",
        "create macro id_of(prefix, n) as case when n >= 0 then prefix || lpad(n::varchar, 8, '0') end",
        # Exact: a whole number of minor units times a power of ten is a decimal, never a float.
        """create macro money(n, minor_units) as case minor_units
            when 2 then (n::decimal(15, 0) * 0.01::decimal(3, 2))::varchar
            when 0 then n::varchar
            when 3 then (n::decimal(14, 0) * 0.001::decimal(4, 3))::varchar end""",
        """create macro rate_text(n, digits) as case digits
            when 4 then (n::decimal(14, 0) * 0.0001::decimal(5, 4))::varchar
            when 5 then (n::decimal(13, 0) * 0.00001::decimal(6, 5))::varchar
            when 6 then (n::decimal(12, 0) * 0.000001::decimal(7, 6))::varchar end""",
        pick("currency_of", [c.code for c in rates.CURRENCIES]),
        "create macro minor_of(n) as ([" + ", ".join(str(c.minor_units) for c in rates.CURRENCIES) + "])[n + 1]",
        "create macro digits_of(n) as ([" + ", ".join(str(c.rate_digits) for c in rates.CURRENCIES) + "])[n + 1]",
        pick("prefix_of", postings.PREFIXES),
        pick("document_type_of", documents.TYPES),
        pick("series_of", ["RE", "DN", "FC", "OB", "JD", "RF", "CN", "OC", "JC"]),
        pick("document_status_of", postings.DOCUMENT_STATUSES),
        pick("receipt_status_of", postings.RECEIPT_STATUSES),
        pick("source_of", postings.SOURCES),
        pick("adjustment_type_of", postings.ADJUSTMENT_TYPES),
        pick("resolution_of", settlements.RESOLUTIONS),
        pick("terms_of", [t.terms_id for t in parties.TERMS]),
        pick("method_of", parties.METHODS),
        pick("product_line_of", words.PRODUCT_LINES),
        pick("bounce_reason_of", words.BOUNCE_REASONS),
        pick("write_off_reason_of", words.WRITE_OFF_REASONS),
        "create macro moment_of(day, minute) as strftime(day_of(day)::timestamp + to_minutes(minute), '%Y-%m-%dT%H:%M:%SZ')",
        "create macro user_of(n) as 'U' || lpad((n + 1)::varchar, 3, '0')",
        pick("channel_of", crm.CHANNELS),
        pick("outcome_of", crm.OUTCOMES),
        pick("note_of", words.NOTES),
        pick("promise_status_of", crm.PROMISE_STATUSES),
        pick("dispute_reason_of", words.DISPUTE_REASONS),
        pick("root_cause_of", words.ROOT_CAUSES),
        pick("insurer_of", words.INSURERS),
        pick("agency_of", words.AGENCIES),
        pick("risk_of", ["A", "B", "C"]),
    ]
