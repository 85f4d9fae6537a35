"""The rows behind a figure, and the sum that shows that they are it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import streamlit as st

from dashboards import components, drilldown, export, filters, formatting, queries, strings, tables
from dashboards.drilldown import Asked, Breakdown, Part, Total
from dashboards.formatting import html
from dashboards.tables import Column
from dashboards.warehouse import Shown
from orchestration.settings import Home

# How each column of the row queries is headed and written.
COLUMNS = {
    column.name: column
    for column in (
        Column("company_id", "Company"),
        Column("customer_id", "Customer id"),
        Column("customer_name", "Customer", link=components.customer_link, is_title=True),
        Column("document", "Document", is_short=True),
        Column("item_type", "Type", "words"),
        Column("document_date", "Document date", "date"),
        Column("posting_date", "Posted", "date"),
        Column("due_date", "Due", "date"),
        Column("days_past_due", "Days past due", "count"),
        Column("days_since_document", "Days since document", "count"),
        Column("bucket", "Bucket", is_short=True),
        Column("event_type", "Event", "words"),
        Column("event_subtype", "Kind", "words"),
        Column("currency", "Currency"),
        Column("open_amount", "Open", "money", "currency"),
        Column("disputed_amount", "Disputed", "money", "currency"),
        Column("original_amount", "Original", "money", "currency"),
        Column("event_amount", "Moved", "money", "currency"),
        Column("order_date", "Ordered", "date"),
        Column("order_amount", "Ordered amount", "money", "currency"),
        Column("base_currency", "Base currency"),
        Column("amount_base", "In base currency", "money", "base_currency"),
        Column("rate", "Rate", "rate"),
        Column("rate_date", "Rate of", "date"),
        Column("month_end", "Month end", "date", is_title=True),
        Column("days", "Days in month", "count"),
        Column("credit_sales", "Credit sales", "money", "currency"),
        Column("left_amount", "Left to cover", "money", "currency"),
        Column("rank", "Rank", "count"),
        Column("past_due_item_count", "Past-due items", "count"),
        Column("oldest_days_past_due", "Oldest, days past due", "count"),
    )
}

# Names the row in the ledger; for files, where rows are looked up again.
ROW_ID = Column("row_id", "Row id")


def render(shown: Shown, home: Home) -> None:
    """Show the figure that the link asks for, how it is made up, and its rows."""
    as_of = date.fromisoformat(shown.as_of)
    try:
        asked = drilldown.asked_from(st.query_params.to_dict(), as_of)
        found = drilldown.breakdown(shown.read, asked)
    except ValueError:
        found = None
    if found is None:
        components.head(strings.ROWS, f"Books as of {formatting.day(as_of)}", shown, home)
        components.state("No such figure", strings.NO_FIGURE)
        return
    components.head(found.title, _where(shown, asked), shown, home)
    components.note(found.definition)
    with st.container(key="card_formula", border=True):
        st.html(_formula(found))
        st.html(_verdict(found))
    part, total = _chosen(found)
    columns = _columns(part, found.currency)
    on_screen = _narrowed(columns)
    with st.container(key="card_rows", border=True):
        components.section(part.label, f"{formatting.count(total.rows)} rows, {part.order}")
        page = filters.page("page", -(-total.rows // drilldown.PAGE_ROWS))
        foot = {on_screen[0].name: "Sum of all rows", "amount": total.amount} if on_screen[0].kind == "text" else {"amount": total.amount}
        st.html(tables.table(on_screen, drilldown.rows(shown.read, part, page), f"Rows of {part.label}", foot, as_cards=True))
        components.downloads(
            f"{asked.figure}_{part.part_id}",
            lambda: [export.Sheet("Rows", columns, drilldown.rows(shown.read, part))],
            [
                ("Figure", found.title),
                ("Of", _where(shown, asked)),
                ("Value", formatting.metric(found.value, found.unit, found.currency)),
                ("Rows of", part.label),
                ("Number of rows", total.rows),
                ("Sum of the rows", total.amount),
                ("Rows and figure", "agree" if found.agrees else "differ"),
            ],
            shown,
        )


def _where(shown: Shown, asked: Asked) -> str:
    names = {row["company_id"]: row["name"] for row in queries.companies(shown.read)}
    told = [names.get(asked.company, asked.company) if asked.figure not in ("chase", "chased", "exposure") else "Accounts to chase", formatting.day(asked.on)]
    if asked.currency:
        told.append(f"{asked.currency} only")
    return " · ".join(told)


def _formula(found: Breakdown) -> str:
    """Write the figure as the sum of its parts, over the sum of the parts below the line."""
    value = formatting.money(found.value, found.currency) if found.unit == "money" else formatting.metric(found.value, found.unit, found.currency)
    above, below = _terms(found, below=False), _terms(found, below=True)
    ratio = f"<div><span>divided by</span> {below}</div>" if below else ""
    return f'<div class="arw-formula"><b>{html(value)}</b><div><span>=</span> {above}</div>{ratio}</div>'


def _terms(found: Breakdown, *, below: bool) -> str:
    told: list[str] = []
    for part, total in zip(found.parts, found.totals, strict=True):
        if part.below == below:
            sign = formatting.MINUS if part.times < 0 else "+" if told else ""
            times = f" \N{MULTIPLICATION SIGN} {abs(part.times)}" if abs(part.times) != 1 else ""
            told.append(f"{sign} {html(_sum(part, total, found.currency))}{times} <span>{html(part.label.lower())}</span>")
    return " ".join(told)


def _sum(part: Part, total: Total, currency: str) -> str:
    match part.unit:
        case "days":
            return formatting.days(total.amount)
        case "amount_days":
            return f"{formatting.money(total.amount, currency)}-days"
        case _:
            return formatting.money(total.amount, currency)


def _verdict(found: Breakdown) -> str:
    if found.value is None:
        reason = strings.NULL_REASONS.get(found.null_reason or "", found.null_reason or "no value")
        return f'<p class="arw-check good">{html(reason[0].upper() + reason[1:])}. The rows of its parts are below.</p>'
    rows = formatting.count(sum(total.rows for total in found.totals))
    if found.agrees:
        return f'<p class="arw-check good"><b>The rows add up.</b> {html(rows)} rows give exactly this figure.</p>'
    computed = found.computed
    gap = f", a difference of {_in_unit(computed - found.value, found)}" if computed is not None else ""
    return (
        f'<p class="arw-check bad"><b>The rows do not add up.</b> {html(rows)} rows give {html(_in_unit(computed, found))}{html(gap)}. '
        "Do not use the figure before that is explained.</p>"
    )


def _in_unit(value: Decimal | None, found: Breakdown) -> str:
    return formatting.money(value, found.currency) if found.unit == "money" else formatting.metric(value, found.unit, found.currency)


def _chosen(found: Breakdown) -> tuple[Part, Total]:
    by_id = {part.part_id: (part, total) for part, total in zip(found.parts, found.totals, strict=True)}
    if len(by_id) == 1:
        return next(iter(by_id.values()))
    labels = {part.part_id: f"{part.label} ({'below' if part.below else 'above'} the line)" for part in found.parts}
    if not any(part.below for part in found.parts):
        labels = {part.part_id: part.label for part in found.parts}
    return by_id[filters.choice("Rows of", "part", list(by_id), labels, next(iter(by_id)))]


def _columns(part: Part, currency: str) -> list[Column]:
    kinds = {"days": Column("amount", "Days counted", "decimal"), "amount_days": Column("amount", f"{currency} \N{MULTIPLICATION SIGN} days", "decimal")}
    return [*(COLUMNS[name] for name in part.columns), ROW_ID, kinds.get(part.unit, Column("amount", f"Amount, {currency}", "money", currency))]


def _narrowed(columns: list[Column]) -> list[Column]:
    """Return the columns for the screen: first what the row is and what it adds."""
    first = ("month_end", "customer_name", "document", "amount")
    shown = [column for column in tables.for_screen(columns) if column is not ROW_ID]
    return sorted(shown, key=lambda column: first.index(column.name) if column.name in first else len(first))
