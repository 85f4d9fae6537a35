"""The oracle against the cases worked by hand: neither may be wrong without the other saying so. Needs no warehouse."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from golden.cases import Case
from golden.inboxes import INBOXES, Inbox
from oracle.drops import knowledge_times, state_at
from oracle.ledger import Ledger, derive
from oracle.metrics import CompanyBooks, aging, open_items, roll_forward

EVERY_CASE = [pytest.param(inbox, case, id=case.name) for inbox in INBOXES for case in inbox.cases]


def ledger_of(inbox: Inbox, case: Case, known: int | None = None) -> Ledger:
    drops = inbox.oracle_drops([case])
    return derive(state_at(drops, None if known is None else knowledge_times(drops)[known]))


def when(key: str | tuple[str, int]) -> tuple[date, int | None]:
    return (date.fromisoformat(key), None) if isinstance(key, str) else (date.fromisoformat(key[0]), key[1])


def month_row(ledger: Ledger, case: Case, table: str, month_end: date, as_of: date) -> dict[str, Any]:
    company = case.id("OWN")
    if table == "rollforward":
        return dict(roll_forward(ledger, company, str(case.own_company), as_of)[month_end])
    books = CompanyBooks(ledger, company, as_of)
    month = next(month for month in books.months() if month.end == month_end)
    return dict({"dso": books.dso, "turnover": books.turnover, "collection": books.collection}[table](month))


@pytest.mark.parametrize(("inbox", "case"), EVERY_CASE)
def test_the_oracle_agrees_with_the_hand(inbox: Inbox, case: Case) -> None:
    for key, expected in case.open.items():
        as_of, known = when(key)
        found = open_items(ledger_of(inbox, case, known), as_of)
        mine = {item_id: line.open_amount for item_id, line in found.items() if line.item.customer_id != "BALLAST"}
        assert mine == {case.item_id(short): Decimal(amount) for short, amount in expected.items()}, key
    for key, expected in case.base.items():
        as_of, known = when(key)
        found = open_items(ledger_of(inbox, case, known), as_of)
        assert {short: found[case.item_id(short)].open_amount_base for short in expected} == {s: Decimal(a) for s, a in expected.items()}, key
    for key, expected_owners in case.owners.items():
        as_of, known = when(key)
        found = open_items(ledger_of(inbox, case, known), as_of)
        assert {s: found[case.item_id(s)].item.customer_id for s in expected_owners} == {s: case.id(o) for s, o in expected_owners.items()}
    ledger = ledger_of(inbox, case)
    assert {short: ledger.items[case.item_id(short)].due_date for short in case.due} == {s: date.fromisoformat(d) for s, d in case.due.items()}
    for day, expected_buckets in case.buckets.items():
        found = open_items(ledger, date.fromisoformat(day))
        assert {short: found[case.item_id(short)].bucket for short in expected_buckets} == dict(expected_buckets), day
    for (day, basis), expected in case.aging.items():
        cells: dict[str, Decimal] = {}
        for (_, owner, _, bucket), (_, amount, _) in aging(ledger, date.fromisoformat(day), basis).items():
            if owner != "BALLAST":
                cells[bucket] = cells.get(bucket, Decimal(0)) + amount
        assert cells == {bucket: Decimal(amount) for bucket, amount in expected.items()}, (day, basis)
    for table, rows in case.months.items():
        for day, columns in rows.items():
            found = month_row(ledger, case, table, date.fromisoformat(day), inbox.as_of)
            assert {name: found[name] for name in columns} == {n: v if v is None or isinstance(v, bool) else Decimal(v) for n, v in columns.items()}, day
    mine = case.objects()
    assert {e.object_id for e in ledger.exceptions if e.is_held and e.object_id in mine} == {case.id(short) for short in case.held}
    assert {e.object_id for e in ledger.exceptions if not e.is_held and e.object_id in mine} == {case.id(short) for short in case.flagged}


@pytest.mark.parametrize("inbox", INBOXES, ids=lambda inbox: inbox.name)
def test_case_names_are_unique_and_say_why(inbox: Inbox) -> None:
    names = [case.name for case in inbox.cases]
    assert len(set(names)) == len(names)
    assert all(case.why.endswith(".") and case.open for case in inbox.cases)
