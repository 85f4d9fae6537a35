"""One customer: what it owes, how it pays, what was said."""

from __future__ import annotations

from datetime import date

import streamlit as st

from dashboards import components, export, filters, formatting, queries, strings, tables
from dashboards.drilldown import Asked
from dashboards.formatting import html
from dashboards.tables import Column
from dashboards.warehouse import Record, Shown
from orchestration.settings import Home

SHOWN_ROWS = 100

ITEM_COLUMNS = [
    Column("document", "Document", is_title=True),
    Column("company_id", "Company"),
    Column("item_type", "Type", "words"),
    Column("document_date", "Document date", "date"),
    Column("due_date", "Due", "date"),
    Column("days_past_due", "Days past due", "count"),
    Column("bucket", "Bucket"),
    Column("currency", "Currency"),
    Column("original_amount", "Original", "money", "currency"),
    Column("open_amount", "Open", "money", "currency"),
    Column("disputed_amount", "Disputed", "money", "currency"),
    Column("promised_on", "Promised for", "date"),
]
APPLICATION_COLUMNS = [
    Column("posting_date", "Posted", "date"),
    Column("event_type", "What", "words"),
    Column("document", "Settled document", is_title=True),
    Column("applied_from", "From"),
    Column("applied_from_type", "Kind", "words"),
    Column("currency", "Currency"),
    Column("amount", "Amount", "money", "currency"),
]
PROMISE_COLUMNS = [
    Column("promised_on", "Promised for", "date"),
    Column("outcome", "Outcome", "words", is_title=True),
    Column("currency", "Currency"),
    Column("promised_amount", "Promised", "money", "currency"),
    Column("received_amount", "Received", "money", "currency"),
    Column("document_id", "Document"),
]
DISPUTE_COLUMNS = [
    Column("opened_on", "Opened", "date"),
    Column("closed_on", "Closed", "date"),
    Column("days_open", "Days", "count"),
    Column("reason", "Reason", is_title=True),
    Column("currency", "Currency"),
    Column("disputed_amount", "Disputed", "money", "currency"),
    Column("resolution", "Resolution", "words"),
    Column("document_id", "Document"),
]
BEHAVIOR_COLUMNS = [
    Column("currency", "Currency"),
    Column("paid_amount", "Paid in 12 months", "money", "currency"),
    Column("weighted_days_to_pay", "Days to pay", "days"),
    Column("weighted_days_late", "Days late", "days"),
    Column("late_amount_ratio", "Paid late", "percent"),
]
TIMELINE_COLUMNS = [
    Column("occurred_at", "When (UTC)", "moment"),
    Column("what", "What", is_title=True),
    Column("outcome", "Outcome", "words"),
    Column("currency", "Currency"),
    Column("amount", "Amount", "money", "currency"),
    Column("document_id", "Document"),
    Column("user_name", "By"),
    Column("next_action_on", "Next action", "date"),
]


def render(shown: Shown, home: Home) -> None:
    """Show one customer, or let one be chosen."""
    as_of = date.fromisoformat(shown.as_of)
    read = shown.read
    names = {row["customer_id"]: f"{row['name']} · {row['customer_id']}" for row in queries.customers(read)}
    wanted = st.query_params.get("customer", "")
    customer = queries.customer(read, wanted) if wanted else None
    components.head(customer["name"] if customer else strings.CUSTOMER, _who(customer) if customer else "", shown, home)
    filters.choice("Customer", "customer", ["", *names], {"": "Choose a customer"} | names, "")
    if customer is None:
        told = f"This version has no customer {wanted}." if wanted else strings.NO_CUSTOMER
        components.state("No customer" if wanted else "Which customer?", told)
        return
    _facts(shown, customer, as_of)
    _open_items(shown, customer, as_of)
    left, right = st.columns(2, gap="medium")
    with left:
        _listed("Promises", "", PROMISE_COLUMNS, queries.customer_promises(read, wanted), "No promise on record.", shown)
    with right:
        _listed("Disputes", "", DISPUTE_COLUMNS, queries.customer_disputes(read, wanted), "No dispute on record.", shown)
    timeline = [row | {"what": _event(row)} for row in queries.customer_timeline(read, wanted)]
    told = "touches, dunning notices, promises and disputes, the latest first; what was written is personal and not in the published file"
    _listed("Timeline", told, TIMELINE_COLUMNS, timeline, "Nothing on record.", shown)
    applications = queries.customer_applications(read, wanted, as_of)
    _listed("Applications", "what settled its documents, the latest first", APPLICATION_COLUMNS, applications, "Nothing was applied yet.", shown)


def _who(customer: Record) -> str:
    told = [
        customer["customer_id"],
        customer["country"],
        customer["segment"],
        f"collector {customer['collector_name']}" if customer["collector_name"] else "no collector",
        "on hold" if customer["on_hold"] else None,
        "intercompany" if customer["is_intercompany"] else None,
        "deleted at the source" if customer["is_deleted"] else None,
    ]
    return " · ".join(entry for entry in told if entry)


def _facts(shown: Shown, customer: Record, as_of: date) -> None:
    exposure = queries.exposure(shown.read, customer["ultimate_parent_id"])
    behavior = queries.customer_behavior(shown.read, customer["customer_id"])
    left, right = st.columns([7, 5], gap="medium")
    with left:
        components.section("Where it stands", f"credit of the group of {customer['ultimate_parent_name']}" if exposure else "")
        with st.container(key="card_exposure", border=True):
            st.html(f'<div class="arw-facts">{_exposure(exposure, as_of) if exposure else ""}{_urgency(customer, as_of)}</div>')
            if customer["reasons"]:
                components.note(f"Why it is on the list: {customer['reasons']}.")
    with right:
        components.section("How it pays", "cash of the last twelve months")
        with st.container(key="card_behavior", border=True):
            if behavior:
                st.html(tables.table(tables.for_screen(BEHAVIOR_COLUMNS), behavior, "How it pays", as_cards=True))
            else:
                components.note("No payment was applied in the last twelve months.")


def _exposure(exposure: Record, as_of: date) -> str:
    unit, parent = exposure["currency"], exposure["ultimate_parent_id"]

    def opened(label: str, name: str, state: str | None) -> str:
        address = components.rows_link(Asked("exposure", as_of, customer=parent, state=state))
        amount = html(formatting.money(exposure[name], unit))
        return f'<div><span>{html(label)}</span><a class="arw-value" href="{formatting.attribute(address)}">{amount}</a></div>'

    limit = formatting.money(exposure["credit_limit_amount"], unit) if exposure["credit_limit_amount"] is not None else "none set"
    used = formatting.percent(exposure["credit_utilization_ratio"]) if exposure["credit_utilization_ratio"] is not None else "n/a"
    word = ' <b class="bad">over the limit</b>' if exposure["is_over_limit"] else ""
    return (
        opened("Exposure", "exposure_amount_reporting", None)
        + opened("Receivable", "receivable_amount_reporting", "receivable")
        + opened("Open orders", "open_order_amount_reporting", "open_order")
        + f'<div><span>Credit limit</span><b class="arw-value">{html(limit)}</b></div>'
        + f'<div><span>Used</span><b class="arw-value">{html(used)}</b><div class="arw-tile">{word}</div></div>'
    )


def _urgency(customer: Record, as_of: date) -> str:
    if customer["rank"] is None:
        return '<div><span>Past due</span><b class="arw-value">Nothing</b></div>'
    address = components.rows_link(Asked("chase", as_of, customer=customer["customer_id"]))
    amount = html(formatting.money(customer["past_due_amount_base"], customer["base_currency"]))
    action = strings.ACTIONS.get(customer["suggested_action"], formatting.words(customer["suggested_action"]))
    return (
        f"<div><span>Past due, oldest {html(formatting.count(customer['oldest_days_past_due']))} days</span>"
        f'<a class="arw-value" href="{formatting.attribute(address)}">{amount}</a></div>'
        f'<div><span>Rank on the worklist</span><b class="arw-value">{html(formatting.count(customer["rank"]))}</b></div>'
        f'<div><span>Do next</span><b class="arw-value">{html(action)}</b></div>'
    )


def _open_items(shown: Shown, customer: Record, as_of: date) -> None:
    customer_id = customer["customer_id"]
    aging = queries.customer_aging(shown.read, customer_id, as_of)
    components.section("Open items", f"at {formatting.day(as_of)}")
    with st.container(key="card_items", border=True):
        if not aging:
            components.note("Nothing is open.")
            return
        columns, rows = aging_table(aging, customer_id, as_of)
        st.html(tables.table(tables.for_screen(columns), rows, "Aging by company and currency"))
    _listed("Items", "the oldest first", ITEM_COLUMNS, queries.customer_items(shown.read, customer_id, as_of), "", shown)


def aging_table(aging: list[Record], customer_id: str, as_of: date) -> tuple[list[Column], list[Record]]:
    """Return a customer's aging as a table: a row per company and currency, a column per bucket; each amount opens its items."""
    labels = {row["bucket_id"]: row["label"] for row in sorted(aging, key=lambda row: row["bucket_order"])}
    rows: dict[tuple[str, str], Record] = {}
    for row in aging:
        key = (row["company_id"], row["currency"])
        rows.setdefault(key, {"company_id": row["company_id"], "currency": row["currency"]})[row["bucket_id"]] = row["open_amount"]

    def column(bucket: str, label: str) -> Column:
        opens = components.opens(lambda row: Asked("aging", as_of, row["company_id"], row["currency"], bucket=bucket, customer=customer_id))
        return Column(bucket, label, "money", "currency", link=opens)

    return [Column("company_id", "Company", is_title=True), Column("currency", "Currency"), *(column(*entry) for entry in labels.items())], list(rows.values())


def _event(row: Record) -> str:
    match row["kind"]:
        case "promise":
            return f"Promise for {formatting.day(row['promised_on'])}"
        case "dispute":
            return "Dispute"
        case "dunning_notice":
            return f"Dunning notice, level {row['dunning_level']}, by {row['channel'] or 'letter'}"
        case _:
            return f"{formatting.words(row['channel'])}, {row['direction']}"


def _listed(title: str, told: str, columns: list[Column], records: list[Record], nothing: str, shown: Shown) -> None:
    components.section(title, told)
    name = title.lower()
    with st.container(key=f"card_{name}_list", border=True):
        if not records:
            components.note(nothing)
            return
        with st.container(height=420 if len(records) > 8 else "content", border=False, key=f"list_{name}"):
            st.html(tables.table(tables.for_screen(columns), records[:SHOWN_ROWS], title, as_cards=True))
        if len(records) > SHOWN_ROWS:
            components.note(f"The first {SHOWN_ROWS} of {formatting.count(len(records))} rows; the downloads have all of them.")
        components.downloads(f"customer_{name}", lambda: [export.Sheet(title, columns, records)], [("List", title), ("Number of rows", len(records))], shown)
