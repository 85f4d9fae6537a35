"""What a report says beside its open items: names, policy, comparisons and movements, read from the published version at the moment of freezing.

It is frozen with the items, so that a report that lost its files is written again as it was, never from today's books.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration import open_items

WEEK = timedelta(days=7)
YEAR = timedelta(days=364)  # 52 weeks: the same weekday
TREND_WEEKS = 53

# A debit item; what is open only in base (an exchange difference not yet booked) counts by its base amount.
IS_DEBIT = "(open_amount > 0 or (open_amount = 0 and open_amount_base > 0))"


def days(week_end: date) -> tuple[date, date]:
    """Return the days whose open items the context at ``week_end`` compares with."""
    return week_end - WEEK, week_end - YEAR


def gather(con: duckdb.DuckDBPyConnection, week_end: date, known_at: str, items: Path) -> dict[str, Any]:
    """Return the report's context at ``week_end``, beside the ``items`` frozen, from open books that were reduced to its days; amounts as exact text."""
    with open_items.on_days(con):
        for name, day in zip(("week_ago", "year_ago"), days(week_end), strict=True):
            _keep_open_items(con, name, day)
    return {
        "week_end": week_end.isoformat(),
        "known_at": known_at,
        "companies": _rows(con, "select company_id, name, base_currency from marts.dim_companies order by 1"),
        "customers": _rows(
            con,
            """
            select customer_id, name, coalesce(is_intercompany, false) as is_intercompany from marts.dim_customers
            where customer_id in (select customer_id from read_parquet($items)) order by 1
            """,
            items=str(items),
        ),
        "collectors": _rows(con, "select collector_id, name from marts.dim_collectors order by 1"),
        "buckets": _rows(con, "select bucket_id, label, bucket_order, days_from, days_to from marts.dim_aging_buckets order by bucket_order"),
        "definitions": _rows(con, "select metric_id, label, unit, definition, not_comparable_with from meta.metric_definitions order by rowid"),
        "week_ago": _standing(con, "week_ago", week_end - WEEK),
        "year_ago": _standing(con, "year_ago", week_end - YEAR),
        "past_due_week_ago": _past_due(con, "week_ago"),
        "past_due_year_ago": _past_due(con, "year_ago"),
        "movements": _movements(con, week_end),
        "trend": _trend(con, week_end),
        "group": _group(con, week_end),
    }


def dump(context: dict[str, Any]) -> str:
    """Return the context as text, the same for the same content."""
    return json.dumps(context, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str) + "\n"


def _keep_open_items(con: duckdb.DuckDBPyConnection, name: str, day: date) -> None:
    """Keep the open items of one day, as known now, for the questions that follow."""
    con.execute(
        f"""
        create or replace temp table {name} as
        select
            items.company_id, items.customer_id, items.currency, items.base_currency, items.bucket_id, items.open_amount, items.open_amount_base,
            items.days_past_due, coalesce(customers.is_intercompany, false) as is_intercompany
        from marts.open_items_as_of(date '{day.isoformat()}') as items
        left join marts.dim_customers as customers on customers.customer_id = items.customer_id
        """
    )


def _standing(con: duckdb.DuckDBPyConnection, name: str, day: date) -> dict[str, Any] | None:
    """Return the receivable of another week end, or None from before the first event."""
    (first,) = con.execute("select min(posting_date) from marts.fct_ar_events where known_to > timestamp '9999-12-30'").fetchone() or (None,)
    if first is None or day < first:
        return None
    balances = _rows(
        con,
        f"""
        select
            company_id, currency, base_currency, bucket_id, is_intercompany,
            count(*) as item_count, sum(open_amount) as open_amount, sum(open_amount_base) as open_amount_base,
            coalesce(sum(open_amount_base) filter ({IS_DEBIT}), 0) as gross_base,
            coalesce(sum(open_amount_base) filter ({IS_DEBIT} and days_past_due > 0), 0) as past_due_base,
            coalesce(sum(open_amount_base) filter ({IS_DEBIT} and days_past_due > 90), 0) as over_90_base
        from {name} group by all order by 1, 2, 3, 4, 5
        """,
    )
    return {"day": day.isoformat(), "balances": balances}


def _past_due(con: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    """Return what each customer had past due, intercompany apart, for the change beside this week's."""
    return _rows(
        con,
        f"""
        select company_id, customer_id, sum(open_amount_base) as past_due_base
        from {name} where {IS_DEBIT} and days_past_due > 0 and not is_intercompany group by all order by 1, 2
        """,
    )


def _movements(con: duckdb.DuckDBPyConnection, week_end: date) -> list[dict[str, Any]]:
    """Return what moved in the week, by the roll-forward's columns."""
    return _rows(
        con,
        """
        select company_id, currency, base_currency, movement, sum(amount) as amount, sum(amount_base) as amount_base
        from marts.fct_ar_events
        where known_to > timestamp '9999-12-30' and posting_date > cast($day as date) - 7 and posting_date <= cast($day as date)
        group by all having sum(amount) != 0 or sum(amount_base) != 0 order by 1, 2, 3, 4
        """,
        day=week_end,
    )


def _trend(con: duckdb.DuckDBPyConnection, week_end: date) -> list[dict[str, Any]]:
    """Return the aging of each week of the year up to ``week_end``, in base, without intercompany."""
    return _rows(
        con,
        """
        select week_end, company_id, bucket_id, sum(open_amount_base) as open_amount_base
        from marts.fct_aging_weekly as aging
        left join marts.dim_customers as customers on customers.customer_id = aging.customer_id
        where week_end <= $day and week_end > cast($first as date) and not coalesce(customers.is_intercompany, false)
        group by all order by 1, 2, 3
        """,
        day=week_end,
        first=week_end - TREND_WEEKS * WEEK,
    )


def _group(con: duckdb.DuckDBPyConnection, week_end: date) -> list[dict[str, Any]]:
    """Return the group's figures in the reporting currency; there are some only where the published months end on the week end."""
    return _rows(
        con,
        """
        select metric_id, currency, value, prior_month_value, prior_year_value
        from marts.rpt_executive_kpis
        where company_id = 'ALL' and month_end = $day
            and metric_id in ('net_receivable', 'gross_receivable', 'past_due_amount', 'past_due_ratio', 'over_90_amount', 'unapplied_amount')
        order by 1
        """,
        day=week_end,
    )


def _rows(con: duckdb.DuckDBPyConnection, query: str, **values: object) -> list[dict[str, Any]]:
    cursor = con.execute(query, values or None)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
