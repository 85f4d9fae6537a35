"""What a reader has to know before trusting a figure: which version is published, how fresh and how sound it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from orchestration import published
from orchestration.errors import ArwError
from orchestration.settings import Home


def read(home: Home) -> dict[str, Any]:
    """Return the version in force with its checks, GL differences, rejects and exceptions, and the last refusal if one came since."""
    con, version = published.open(home)
    with con:
        status: dict[str, Any] = {"home": str(home.root)} | version.pointer
        status["file"] = str(version.file)
        status["warning"] = version.warning
        status["loaded_at"] = _value(con, "select max(loaded_at) from meta.drops")
        status["drops"] = _value(con, "select count(*) from meta.drops")
        status["checks"] = _records(con, "select check_id, rule, passed, rows, detail, is_overridden from meta.check_results order by rule, check_id")
        status["overrides"] = _records(con, "select * from meta.overrides order by overridden_at desc")
        status["receivable"] = _records(
            con,
            """
            select
                outside.company_id, outside.currency, coalesce(sum(items.open_amount), 0) as net_amount, outside.gross_receivable_amount as gross_amount,
                outside.rejected_amount, outside.held_amount, outside.held_applications_amount
            from meta.amounts_outside as outside
            left join marts.fct_open_items as items on items.company_id = outside.company_id and items.currency = outside.currency
            group by all order by 1, 2
            """,
        )
        status["gl_differences"] = _records(
            con,
            """
            select
                company_id, receivable_account, period_end, balance_kind, currency, gl_amount, subledger_amount, difference_amount, unexplained_amount,
                (
                    select string_agg(cause || ' ' || amount, ', ' order by cause)
                    from (
                        select replace(cause, '_', ' ') as cause, sum(amount) as amount
                        from marts.rpt_gl_reconciliation_items as items
                        where items.company_id = gl.company_id and items.receivable_account = gl.receivable_account
                            and items.period_end = gl.period_end and items.balance_kind = gl.balance_kind and items.currency = gl.currency
                        group by 1
                    )
                ) as causes
            from marts.rpt_gl_reconciliation as gl
            where period_end = (
                select max(period_end) from marts.rpt_gl_reconciliation as newest where newest.company_id = gl.company_id
            )
            order by 1, 2, 3, 4, 5
            """,
        )
        status["rejects"] = _records(con, "select feed, reason, count(*) as rows from meta.rejects group by all order by all")
        status["exceptions"] = _records(
            con,
            "select object_type, reason, is_held, currency, count(*) as rows, sum(amount) as amount from meta.exceptions group by all order by all",
        )
        status["restatements"] = _records(
            con,
            """
            select cause, count(*) as items, count(distinct snapshot_date) as weeks, min(snapshot_date) as first_week, max(snapshot_date) as last_week
            from meta.restatements group by all order by all
            """,
        )
    status["as_known"] = [{name: said[name] for name in ("version", "as_of", "known_at", "published_at")} for said in published.as_known(home)]
    status["last_refusal"] = _last_refusal(home)
    return status


def _last_refusal(home: Home) -> dict[str, Any] | None:
    try:
        refusal: dict[str, Any] = json.loads(home.last_refusal.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return refusal


def _value(con: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = con.execute(query).fetchone()
    return row[0] if row else None


def _records(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def rejects(home: Home, feed: str | None) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return columns and rows of what landing rejected, from the lake: it is there whether or not anything was built."""
    folders = {record.stem: Path(json.loads(record.read_text(encoding="utf-8"))["path"]).name for record in (home.lake / "drops").glob("*.json")}
    if not folders:
        raise ArwError(f"Nothing was loaded into {home.root} yet. `arw load PATH` lands a drop or an inbox.")
    columns = ["drop", "feed", "file", "line", "column", "reason", "text"]
    files = [str(path) for drop_id in folders if (path := home.lake / "rejects" / f"{drop_id}.parquet").is_file()]
    if not files:
        return columns, []
    query = """
        select drop_id, feed, file, line, "column", reason, text from read_parquet($files)
        where feed = coalesce($feed, feed) order by drop_id, system, feed, file, line
    """
    found = duckdb.execute(query, {"files": files, "feed": feed}).fetchall()
    return columns, sorted([(folders[row[0]], *row[1:]) for row in found], key=lambda row: row[0])
