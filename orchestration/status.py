"""What a reader has to know before trusting a figure: which version is published, how fresh and how sound it is."""

from __future__ import annotations

import json
from typing import Any

import duckdb

from orchestration import published
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
            select company_id, receivable_account, period_end, balance_kind, currency, gl_amount, subledger_amount, difference_amount
            from marts.rpt_gl_reconciliation as gl
            where period_end = (
                select max(period_end) from marts.rpt_gl_reconciliation as newest where newest.company_id = gl.company_id
            )
            order by all
            """,
        )
        status["rejects"] = _records(con, "select feed, reason, count(*) as rows from meta.rejects group by all order by all")
        status["exceptions"] = _records(
            con,
            "select object_type, reason, is_held, currency, count(*) as rows, sum(amount) as amount from meta.exceptions group by all order by all",
        )
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
