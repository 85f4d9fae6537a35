"""The auditor's workpaper of a period: the general ledger beside the subledger, what makes up every difference, and where the figures come from.

It is made from one published version and from nothing else, carries that version's name, and is read back: it adds up, or there is none.
"""

from __future__ import annotations

import calendar
import re
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter.exceptions

from orchestration import published
from orchestration.errors import ArwError, BadUsage
from orchestration.files import sync
from orchestration.meta import OPEN_END
from orchestration.reconciliation import CAUSES
from orchestration.reports import workpaper_sheets
from orchestration.reports.proof import rows_below_headings, sheet_files
from orchestration.settings import Home

Record = dict[str, Any]
ZERO = Decimal(0)


class WorkpaperFailed(ArwError):
    """A workpaper could not be written, or did not add up."""


@dataclass(frozen=True)
class Workpaper:
    """What the workpaper shows; amounts are decimals in the row's currency, positive = the customer owes."""

    periods: tuple[date, ...]
    version: published.Version
    build: Record
    # One per company, account, period end, balance kind and currency; `line` numbers them from 1.
    lines: list[Record]
    # The rows that make up the differences, and the open items at each period end, each with the `line` that it belongs to.
    causes: list[Record]
    items: list[Record]
    rollforward: list[Record]
    customers: list[Record]
    outside: list[Record]
    held: list[Record]
    rejected: list[Record]
    checks: list[Record]
    overrides: list[Record]
    drops: list[Record]

    @property
    def period(self) -> date:
        """The last period end."""
        return self.periods[-1]


def write(home: Home, period: str | None) -> Path:
    """Write the workpaper of a period (YYYY-MM, all its period ends, or YYYY-MM-DD; none: the newest period end) and return its file.

    Raises BadUsage when the text is no period, WorkpaperFailed when no balances were delivered for it or the file does not add up.
    """
    first, last = _days(period)
    paper = _read(home, first, last, period or "the newest period end")
    target = home.reports / paper.period.isoformat() / f"workpaper_{paper.period}_{paper.version.name}.xlsx"
    home.reports.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=home.reports, prefix=".workpaper-") as scratch:
            draft = Path(scratch) / target.name
            workpaper_sheets.write(draft, paper)
            _prove(draft, paper)
            target.parent.mkdir(parents=True, exist_ok=True)
            sync(draft)
            draft.replace(target)
            sync(target.parent)
    except (OSError, ValueError, duckdb.Error, xlsxwriter.exceptions.XlsxWriterException) as error:
        raise WorkpaperFailed(
            f"The workpaper of {paper.period} could not be written: {error}. No file of it was left behind; the published version is unchanged. "
            "Remove the cause and run `arw workpaper` again."
        ) from error
    return target


def _days(period: str | None) -> tuple[date, date]:
    """Return the first and last day that a period end may have."""
    if period is None:
        return date.min, date.max
    try:
        if re.fullmatch(r"\d{4}-\d{2}", period):
            first = date.fromisoformat(f"{period}-01")
            return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])
        return date.fromisoformat(period), date.fromisoformat(period)
    except ValueError:
        raise BadUsage(f"{period!r} is no period; write YYYY-MM or YYYY-MM-DD.") from None


def _read(home: Home, first: date, last: date, asked: str) -> Workpaper:
    con, version = published.open(home)
    with con:
        ends = [row[0] for row in con.execute("select distinct period_end from marts.rpt_gl_reconciliation order by 1").fetchall()]
        periods = tuple(end for end in ends if first <= end <= last)
        if first == date.min:
            periods = periods[-1:]
        if not periods:
            there = f"the period ends that it delivered are {', '.join(map(str, ends[-12:]))}" if ends else "it delivered none so far"
            raise WorkpaperFailed(f"The general ledger delivered no balances for {asked}: {there}. Nothing was written. Load its gl_balances and publish.")
        con.execute("create temp table periods (period_end date)")
        con.executemany("insert into periods values (?)", [[period] for period in periods])
        con.execute(
            """
            create temp table lines as
            select row_number() over (order by company_id, period_end, receivable_account, balance_kind desc, currency) as line, reconciliation.*
            from marts.rpt_gl_reconciliation as reconciliation semi join periods using (period_end)
            """
        )
        key = "company_id, receivable_account, period_end, balance_kind, currency"
        con.execute("create temp table items as select * from marts.open_items_as_of(date '0001-01-01') limit 0")
        for period in periods:
            con.execute("insert into items select * from marts.open_items_as_of(?)", [period])
        build = _records(con, "select * from meta.build_info")[0]
        moment = build["known_at"] if build["is_as_known_then"] else OPEN_END
        return Workpaper(
            periods=periods,
            version=version,
            build=build,
            lines=_records(con, "select lines.*, companies.name from lines left join marts.dim_companies as companies using (company_id) order by line"),
            causes=_records(
                con,
                f"select line, items.* from marts.rpt_gl_reconciliation_items as items inner join lines using ({key}) order by line, cause, item_number",
            ),
            items=_records(
                con,
                """
                select
                    documents.line as line, bases.line as base_line, items.as_of_date, items.company_id, items.receivable_account, items.customer_id,
                    customers.name as customer_name, items.document_id, items.document_number, items.item_type, items.document_date, items.posting_date,
                    items.due_date, items.currency, items.open_amount, items.base_currency, items.open_amount_base, items.item_id
                from items
                left join marts.dim_customers as customers using (customer_id)
                left join lines as documents
                    on documents.company_id = items.company_id and documents.receivable_account = items.receivable_account
                    and documents.period_end = items.as_of_date and documents.balance_kind = 'document_currency' and documents.currency = items.currency
                left join lines as bases
                    on bases.company_id = items.company_id and bases.receivable_account = items.receivable_account
                    and bases.period_end = items.as_of_date and bases.balance_kind = 'base_total'
                where documents.line is not null or bases.line is not null
                order by documents.line, bases.line, items.customer_id, items.item_id
                """,
            ),
            rollforward=_records(
                con,
                """
                select months.*, sum(events.amount) as events_amount, sum(events.amount_base) as events_amount_base
                from marts.fct_rollforward_monthly as months
                left join marts.fct_ar_events as events
                    on events.company_id = months.company_id and events.currency = months.currency and events.posting_date <= months.month_end
                    and events.known_from <= $moment and events.known_to > $moment
                where last_day(months.month_end) in (select last_day(period_end) from periods)
                group by all order by month_end, company_id, currency
                """,
                {"moment": moment},
            ),
            customers=_records(
                con,
                """
                select comparison.*, customers.name
                from marts.rpt_customer_balance_comparison as comparison left join marts.dim_customers as customers using (customer_id)
                where as_of_date in (select period_end from periods) order by as_of_date, company_id, is_equal, customer_id, currency
                """,
            ),
            outside=_records(con, "select * from meta.amounts_outside order by company_id, currency"),
            held=_records(con, "select * from meta.exceptions where is_held order by company_id, object_type, object_id"),
            rejected=_records(con, "select * from meta.rejects where system = 'ledger' order by drop_id, feed, file, line"),
            checks=_records(con, "select * from meta.check_results order by rule, check_id"),
            overrides=_records(con, "select * from meta.overrides order by overridden_at"),
            drops=_records(con, "select * from meta.drops order by extracted_at, drop_id"),
        )


def _records(con: duckdb.DuckDBPyConnection, query: str, values: Record | None = None) -> list[Record]:
    cursor = con.execute(query, values)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _prove(path: Path, paper: Workpaper) -> None:
    """Refuse a workpaper in which the open items are not the subledger, or the causes and the unexplained rest not the difference."""
    shown: Mapping[str, dict[int, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    with zipfile.ZipFile(path) as book:
        for name, member in sheet_files(book):
            kind = name.rstrip(" 0123456789")
            for what, line_column, amount_column in workpaper_sheets.PROVEN.get(kind, ()):
                for row in rows_below_headings(book, member, line_column, amount_column, rows=len(paper.lines) if kind == workpaper_sheets.SUMMARY else None):
                    if row.get(line_column):
                        shown[what][int(row[line_column])] += Decimal(row[amount_column])
    for line in paper.lines:
        number = line["line"]
        claimed = sum((line[f"{cause}_amount"] for cause in CAUSES), ZERO)
        said = {
            "general ledger": line["gl_amount"],
            "subledger": line["subledger_amount"],
            "open items": line["subledger_amount"],
            "difference": line["gl_amount"] - line["subledger_amount"],
            "causes": claimed,
            "unexplained": line["gl_amount"] - line["subledger_amount"] - claimed,
        }
        for what, amount in said.items():
            if shown[what][number] != amount:
                raise ValueError(f"its {what} of line {number} ({_place(line)}) come to {shown[what][number]}, and {amount} is published")
        if said["unexplained"] != line["unexplained_amount"]:
            raise ValueError(f"line {number} ({_place(line)}) leaves {said['unexplained']}, and {line['unexplained_amount']} is published as unexplained")
    for month in paper.rollforward:
        for suffix in ("", "_base"):
            total = sum((month[f"{name}_amount{suffix}"] for name in ("opening", *workpaper_sheets.MOVEMENTS)), ZERO)
            if not total == month[f"closing_amount{suffix}"] == (month[f"events_amount{suffix}"] or ZERO):
                raise ValueError(f"the roll-forward of {month['company_id']} {month['currency']} {month['month_end']} does not close on its events")


def _place(line: Record) -> str:
    return f"{line['company_id']} {line['receivable_account']} {line['period_end']} {line['balance_kind']} {line['currency']}"
