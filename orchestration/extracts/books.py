"""The books of the loading: which drops there are, what became of each file, which rows were rejected and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.extracts.land import REJECTS_COLUMNS
from orchestration.extracts.records import DropRecord
from orchestration.extracts.rules import literal

DROPS_COLUMNS = """
    drop_id varchar, extracted_at timestamp, books_through date, profile varchar, source_id varchar, path varchar,
    loaded_at timestamp
"""
# One row per drop and feed that it delivered.
DELIVERIES_COLUMNS = """
    drop_id varchar, extracted_at timestamp, source_id varchar, feed varchar, mode varchar, is_scoped boolean
"""
# One row per file (and feed, where a profile makes several feeds of one file). status: landed, duplicate, refused.
AUDIT_COLUMNS = """
    drop_id varchar, system varchar, feed varchar, file varchar, sha256 varchar, bytes bigint, rows_in bigint,
    rows_loaded bigint, rows_rejected bigint, rows_duplicate bigint, status varchar, note varchar, path varchar,
    loaded_at timestamp
"""


def write_books(con: duckdb.DuckDBPyConnection, records: Sequence[DropRecord], attempts: Iterable[Path], rejects: Iterable[Path]) -> None:
    """(Re)write meta.drops, meta.deliveries, meta.load_audit and meta.rejects.

    ``attempts`` are the records of drops that were refused or there already, ``rejects`` the files of rejected rows.
    """
    drops = [[one.drop_id, one.extracted_at, one.books_through, one.profile, one.source_id, one.path, one.loaded_at] for one in records]
    deliveries = [
        [one.drop_id, one.extracted_at, one.source_id, feed, landed["mode"], one.scope_companies is not None or one.scope_posting_from is not None]
        for one in records
        for feed, landed in one.feeds.items()
    ]
    audit = [_audit_row(file, one.drop_id, "landed", one.path, one.loaded_at, file["note"]) for one in records for file in one.files]
    for path in sorted(attempts):
        said = json.loads(path.read_text(encoding="utf-8"))
        loaded_at = datetime.fromisoformat(said["loaded_at"])
        audit += [_audit_row(file, said["drop_id"], said["status"], said["path"], loaded_at, said["note"]) for file in said["files"]]
    _replace(con, "drops", DROPS_COLUMNS, drops)
    _replace(con, "deliveries", DELIVERIES_COLUMNS, deliveries)
    _replace(con, "load_audit", AUDIT_COLUMNS, audit)
    _replace(con, "rejects", REJECTS_COLUMNS, [])
    paths = ", ".join(literal(str(path)) for path in sorted(rejects))
    if paths:
        con.execute(f"insert into meta.rejects by name from read_parquet([{paths}], union_by_name = true)")


def _replace(con: duckdb.DuckDBPyConnection, table: str, columns: str, rows: list[list[Any]]) -> None:
    con.execute(f"create or replace table meta.{table} ({columns})")
    if rows:
        con.executemany(f"insert into meta.{table} values ({', '.join('?' * len(rows[0]))})", rows)


def _audit_row(file: Mapping[str, Any], drop_id: str | None, status: str, path: str, loaded_at: datetime, note: str) -> list[Any]:
    what = [file.get(name) for name in ("system", "feed", "file", "sha256", "bytes")]
    counts = [file.get(name, 0) for name in ("rows_in", "rows_loaded", "rows_rejected", "rows_duplicate")]
    return [drop_id, *what, *counts, status, note or None, path, loaded_at]
