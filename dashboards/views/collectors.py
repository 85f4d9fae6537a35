"""Whom to chase, in which order and why: for whoever does it."""

from __future__ import annotations

from datetime import date

import streamlit as st

from dashboards import components, export, filters, formatting, queries, strings, tables
from dashboards.drilldown import Asked
from dashboards.formatting import html
from dashboards.queries import Worklist
from dashboards.tables import Column
from dashboards.warehouse import Record, Shown
from orchestration.settings import Home

PAGE_ROWS = 25


def render(shown: Shown, home: Home) -> None:
    """Show the collectors' page."""
    as_of = date.fromisoformat(shown.as_of)
    components.head(strings.COLLECTORS, f"Ranked by urgency · books as of {formatting.day(as_of)}", shown, home)
    chosen = _filters(shown)
    accounts = [_told(row) for row in queries.worklist(shown.read, chosen)]
    if not accounts:
        components.state("Nothing to chase", strings.NOTHING_PAST_DUE)
        return
    _totals(shown, chosen, as_of)
    components.section("Ranked accounts", f"{formatting.count(len(accounts))} customers with something past due, the most urgent first")
    with st.container(key="card_worklist", border=True):
        page = filters.page("page", -(-len(accounts) // PAGE_ROWS))
        st.html(tables.table(_columns(chosen, as_of), accounts[page * PAGE_ROWS : (page + 1) * PAGE_ROWS], "Accounts to chase", as_cards=True))
        components.note("Call list: every account of this selection, with its reasons. Telephone numbers are personal data and are not in the published file.")
        components.downloads("call_list", lambda: [export.Sheet("Call list", CALL_LIST, accounts)], _about(chosen, as_of, len(accounts)), shown)
    _promises(shown, chosen)
    _disputes(shown, chosen)


def _filters(shown: Shown) -> Worklist:
    read = shown.read
    people = queries.collectors(read)
    buckets = {row["bucket_id"]: row["label"] for row in queries.past_due_buckets(read)}
    segments = queries.segments(read)
    columns = st.columns(4)
    with columns[0]:
        names = {row["collector_id"]: f"{row['name']} ({row['customers']})" for row in people}
        collector = filters.choice("Collector", "collector", ["*", *names], {"*": strings.EVERYTHING} | names, "*")
    with columns[1]:
        segment = filters.choice("Segment", "segment", ["*", *segments], {"*": strings.EVERYTHING, "": strings.NO_SEGMENT}, "*")
    with columns[2]:
        bucket = filters.choice("Past-due bucket", "bucket", ["*", *buckets], {"*": strings.EVERYTHING} | buckets, "*")
    with columns[3]:
        currency = filters.choice("Currency", "currency", ["*", *queries.past_due_currencies(read)], {"*": strings.EVERYTHING}, "*")
    return Worklist(*(None if value == "*" else value for value in (collector, segment, bucket, currency)))


def _told(row: Record) -> Record:
    """Put the codes of an account into words."""
    action = row["suggested_action"]
    promise = f"For {formatting.day(row['promised_on'])}" if row["promised_on"] else "Broken" if row["has_broken_promise"] else ""
    return row | {
        "action": strings.ACTIONS.get(action, formatting.words(action)),
        "reason": row["reasons"][:1].upper() + row["reasons"][1:],
        "promise": promise,
        "dispute": "In part" if row["has_dispute"] else "",
    }


def _columns(chosen: Worklist, as_of: date) -> list[Column]:
    def chase(row: Record) -> Asked:
        return Asked("chase", as_of, customer=row["customer_id"])

    def chase_chosen(row: Record) -> Asked:
        return Asked("chase", as_of, customer=row["customer_id"], worklist=chosen)

    selected = Column("selected_amount", "Of it in this selection", "coded", "selected_currency", link=components.opens(chase_chosen))
    return [
        Column("rank", "Rank", "count"),
        Column("customer_name", "Customer", link=components.customer_link, is_title=True),
        Column("past_due_amount_base", "Past due", "coded", "base_currency", link=components.opens(chase)),
        *([selected] if chosen.bucket or chosen.currency else []),
        Column("reason", "Why", is_wide=True),
        Column("action", "Do next"),
        Column("promise", "Promise"),
        Column("dispute", "Disputed"),
        Column("last_touch_at", "Last touch", "date"),
        Column("next_action_on", "Next action", "date"),
        Column("collector_name", "Collector"),
    ]


CALL_LIST = [
    Column("rank", "Rank", "count"),
    Column("score", "Score", "decimal"),
    Column("customer_id", "Customer id"),
    Column("customer_name", "Customer"),
    Column("segment", "Segment"),
    Column("collector_id", "Collector id"),
    Column("collector_name", "Collector"),
    Column("base_currency", "Currency"),
    Column("past_due_amount_base", "Past due", "money", "base_currency"),
    Column("past_due_item_count", "Past-due items", "count"),
    Column("oldest_days_past_due", "Oldest, days past due", "count"),
    Column("disputed_amount_base", "Disputed", "money", "base_currency"),
    Column("unapplied_amount_base", "Open credits", "money", "base_currency"),
    Column("selected_currency", "Currency of selection"),
    Column("selected_amount", "Past due in selection", "money", "selected_currency"),
    Column("reason", "Why"),
    Column("action", "Do next"),
    Column("last_touch_at", "Last touch", "moment"),
    Column("next_action_on", "Next action", "date"),
    Column("promised_on", "Promised for", "date"),
    Column("has_broken_promise", "Broken promise", "yes_no"),
    Column("has_dispute", "Disputed", "yes_no"),
    Column("is_over_limit", "Over limit", "yes_no"),
    Column("on_hold", "On hold", "yes_no"),
]


def _totals(shown: Shown, chosen: Worklist, as_of: date) -> None:
    totals = queries.worklist_totals(shown.read, chosen)
    with st.container(key="tiles_worklist"):
        for label, state in (("Past due", "past_due"), ("Disputed part", "disputed"), ("Open credits to apply", "unapplied")):
            lines = "".join(_total(row, state, chosen, as_of) for row in totals)
            with st.container(key=f"tile_{state}", border=True):
                st.html(f'<span class="arw-label">{html(label)}</span>{lines}')
        with st.container(key="tile_signals", border=True):
            signals = (("broken_promises", "broken promises"), ("open_promises", "open promises"), ("disputes", "disputed"), ("over_limit", "over the limit"))
            lines = "".join(f"<div><b>{_count(totals, name)}</b> {html(label)}</div>" for name, label in signals)
            st.html(f'<span class="arw-label">Of these accounts</span><div class="arw-tile">{lines}</div>')


def _total(row: Record, state: str, chosen: Worklist, as_of: date) -> str:
    address = components.rows_link(Asked("chased", as_of, currency=row["currency"], state=state, worklist=chosen))
    amount = html(formatting.amount(row[f"{state}_amount"], row["currency"]))
    return f'<div class="arw-value arw-table"><small>{html(row["currency"])}</small> <a href="{formatting.attribute(address)}">{amount}</a></div>'


def _count(totals: list[Record], name: str) -> str:
    return formatting.count(sum(row[name] for row in totals))


def _promises(shown: Shown, chosen: Worklist) -> None:
    components.section("Promises", "open, and broken in the last 90 days")
    with st.container(key="card_promises", border=True):
        promises = queries.promises(shown.read, chosen)
        if not promises:
            components.note(strings.NO_PROMISES)
            return
        columns = [
            Column("customer_name", "Customer", link=components.customer_link, is_title=True),
            Column("promised_on", "Promised for", "date"),
            Column("outcome", "Outcome", "words"),
            Column("currency", "Currency"),
            Column("promised_amount", "Promised", "money", "currency"),
            Column("received_amount", "Received", "money", "currency"),
            Column("document_id", "Document"),
            Column("collector_name", "Made with"),
        ]
        _listed(columns, promises, "Promises", "promises", shown)


def _disputes(shown: Shown, chosen: Worklist) -> None:
    components.section("Disputes", "open now, the oldest first")
    with st.container(key="card_disputes", border=True):
        disputes = queries.disputes(shown.read, chosen)
        if not disputes:
            components.note(strings.NO_DISPUTES)
            return
        columns = [
            Column("customer_name", "Customer", link=components.customer_link, is_title=True),
            Column("opened_on", "Opened", "date"),
            Column("days_open", "Days open", "count"),
            Column("currency", "Currency"),
            Column("disputed_amount", "Disputed", "money", "currency"),
            Column("reason", "Reason"),
            Column("root_cause", "Root cause"),
            Column("document_id", "Document"),
            Column("owner_name", "Owner"),
        ]
        _listed(columns, disputes, "Disputes", "disputes", shown)


def _listed(columns: list[Column], records: list[Record], caption: str, name: str, shown: Shown) -> None:
    with st.container(height=420, border=False, key=f"list_{name}"):
        st.html(tables.table(tables.for_screen(columns), records, caption, as_cards=True))
    components.downloads(name, lambda: [export.Sheet(caption, columns, records)], [("List", caption), ("Number of rows", len(records))], shown)


def _about(chosen: Worklist, as_of: date, rows: int) -> list[tuple[str, object]]:
    return [
        ("Page", "Call list"),
        ("As of", as_of),
        ("Collector", chosen.collector if chosen.collector is not None else "all"),
        ("Segment", chosen.segment if chosen.segment is not None else "all"),
        ("Bucket", chosen.bucket or "all"),
        ("Currency", chosen.currency or "all"),
        ("Number of accounts", rows),
    ]
