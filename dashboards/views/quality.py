"""Can the figures be trusted: what was loaded, checked, rejected, held, overridden, and how the general ledger compares."""

from __future__ import annotations

from datetime import date

import streamlit as st

from dashboards import components, formatting, freshness, queries, strings, tables
from dashboards.tables import Column
from dashboards.views.executive import OUTSIDE_COLUMNS
from dashboards.warehouse import Record, Shown
from orchestration.settings import Home

CHECK_COLUMNS = [
    Column("check_id", "Check", "words", is_title=True),
    Column("rule", "Rule"),
    Column("result", "Result"),
    Column("rows", "Rows at fault", "count"),
    Column("detail", "Detail"),
]
OVERRIDE_COLUMNS = [
    Column("check_id", "Check", "words", is_title=True),
    Column("overridden_by", "By"),
    Column("because", "Because"),
    Column("overridden_at", "When (UTC)", "moment"),
    Column("rows", "Rows at fault", "count"),
]
GL_COLUMNS = [
    Column("company_id", "Company", is_title=True),
    Column("receivable_account", "Account"),
    Column("period_end", "Period end", "date"),
    Column("balance_kind", "Balance", "words"),
    Column("currency", "Currency"),
    Column("gl_amount", "General ledger", "money", "currency"),
    Column("subledger_amount", "Open items", "money", "currency"),
    Column("difference_amount", "Difference", "money", "currency"),
    Column("unexplained_amount", "Not explained", "money", "currency"),
    Column("result", "Result"),
]
CAUSE_COLUMNS = [
    Column("company_id", "Company"),
    Column("receivable_account", "Account"),
    Column("period_end", "Period end", "date"),
    Column("balance_kind", "Balance", "words"),
    Column("currency", "Currency"),
    Column("cause", "Cause", "words", is_title=True),
    Column("object_type", "What", "words"),
    Column("object_id", "Key"),
    Column("posting_date", "Posted", "date"),
    Column("amount", "Amount", "money", "currency"),
    Column("evidence", "Evidence"),
]
REJECT_COLUMNS = [
    Column("system", "System"),
    Column("feed", "Feed", "words", is_title=True),
    Column("reason", "Reason", "words"),
    Column("rows", "Rows", "count"),
]
EXCEPTION_COLUMNS = [
    Column("object_type", "What", "words", is_title=True),
    Column("reason", "Reason", "words"),
    Column("effect", "Effect"),
    Column("company_id", "Company"),
    Column("currency", "Currency"),
    Column("rows", "Rows", "count"),
    Column("amount", "Amount", "decimal"),
]
DEFINITION_COLUMNS = [
    Column("label", "Metric", is_title=True),
    Column("definition", "Definition"),
    Column("numerator", "Above the line"),
    Column("denominator", "Below the line"),
    Column("not_comparable_with", "Do not compare"),
]


def render(shown: Shown, home: Home) -> None:
    """Show what a reader has to know before trusting a figure."""
    read = shown.read
    loads = queries.loads(read)
    components.head(strings.QUALITY, f"Version {shown.version.name}", shown, home)
    refusal = freshness.last_refusal(home)
    if refusal:
        reasons = "; ".join(f"{reason['check']}: {reason['means']}" for reason in refusal.get("reasons", []))
        components.state("The newest load was not published", f"{refusal['message']}. {reasons}", "arw status")
    pointer, as_of = shown.version.pointer, date.fromisoformat(shown.as_of)
    components.note(
        f"{formatting.count(loads['drops'])} drops, the last read from the sources {formatting.moment(loads['extracted_at'])} and loaded "
        f"{formatting.moment(loads['loaded_at'])} (UTC). Books as of {formatting.day(as_of)}; published at {pointer['published_at']}. "
        f"Fresh: up to {freshness.FRESH_DAYS} days old; ageing: up to {freshness.STALE_DAYS - 1}; stale: from {freshness.STALE_DAYS} days on."
    )
    checks = [row | {"result": _result(row)} for row in queries.checks(read)]
    _card("Audit", "what has to hold before anything is published", CHECK_COLUMNS, checks, "No check is on record.")
    overrides = queries.overrides(read)
    if overrides:
        _card("Overrides", "who let which check pass, and why", OVERRIDE_COLUMNS, overrides, "")
    _card(
        strings.NOT_IN_RECEIVABLE,
        "per company and currency",
        OUTSIDE_COLUMNS,
        queries.outside(read, queries.ALL),
        "Nothing that moves the receivable was rejected or is held.",
    )
    balances = [row | {"result": _tie(row)} for row in queries.gl_differences(read)]
    _card(
        "General ledger",
        "control accounts beside the open items, at the latest period end delivered",
        GL_COLUMNS,
        balances,
        "No control balances were delivered.",
    )
    causes = queries.gl_causes(read)
    if causes:
        _card("What makes up the differences", "with what is not explained, these rows add up to each difference", CAUSE_COLUMNS, causes, "")
    _card("Rejected rows", "arw rejects lists them with file, line and reason", REJECT_COLUMNS, queries.rejects(read), "No row was rejected.")
    exceptions = [row | {"effect": "Held: not counted" if row["is_held"] else "Counted, flagged"} for row in queries.exceptions(read)]
    _card("Exceptions", "rows that depend on something that is missing or does not fit", EXCEPTION_COLUMNS, exceptions, "No exception.")
    _card("Definitions", "what each metric means", DEFINITION_COLUMNS, queries.definitions(read), "")


def _result(row: Record) -> str:
    return "Passed" if row["passed"] else "Failed, overridden" if row["is_overridden"] else "Failed"


def _tie(row: Record) -> str:
    return "Ties" if row["is_reconciled"] else "Explained" if row["is_explained"] else "Differs"


def _card(title: str, told: str, columns: list[Column], records: list[Record], nothing: str) -> None:
    components.section(title, told)
    with st.container(key=f"card_{title.lower().replace(' ', '_')}", border=True):
        if records:
            with st.container(height=480 if len(records) > 12 else "content", border=False, key=f"list_{title.lower().replace(' ', '_')}"):
                st.html(tables.table(tables.for_screen(columns), records, title, as_cards=True))
        else:
            components.note(nothing)
