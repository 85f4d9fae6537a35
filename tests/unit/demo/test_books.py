"""The demo's books are consistent: an independent oracle, in plain Python and Decimal, replays every row of every drop."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from inboxes import Inbox
from oracle.drops import State, knowledge_times, read_inbox, state_at
from oracle.ledger import Ledger, balances, derive

from orchestration.demo import DemoSummary

JOURNAL = {("C200", "11000", kind, "USD", date(2026, 6, 30)): Decimal("1250.00") for kind in ("base_total", "document_currency")}


@pytest.fixture(scope="module")
def books(summary: DemoSummary) -> list[tuple[State, Ledger]]:
    """What each drop's knowledge makes of the ledger."""
    drops = read_inbox(summary.out)
    states = [state_at(drops, known_at) for known_at in knowledge_times(drops)]
    return [(state, derive(state)) for state in states]


@pytest.mark.parametrize("drop", range(9))
def test_only_the_deliberate_faults_are_exceptions(books: list[tuple[State, Ledger]], drop: int) -> None:
    state, ledger = books[drop]
    assert state.rejected == []
    found = {(exception.object_type, exception.object_id, exception.is_held) for exception in ledger.exceptions}
    assert found == {
        ("application", "A90000001", True),
        ("application", "A90000002", True),
        ("document", "D90000002", False),
        ("account", "AC00099999", False),
    }


@pytest.mark.parametrize("drop", range(9))
def test_the_general_ledger_ties_but_for_one_journal(books: list[tuple[State, Ledger]], drop: int) -> None:
    state, ledger = books[drop]
    general: dict[tuple[str, str, str, str, date], Decimal] = {
        (row["company_id"], row["receivable_account"], row["balance_kind"], row["currency"], row["period_end"]): row["closing_balance"]
        for row in state.feed("gl_balances")
    }
    subledger: dict[tuple[str, str, str, str, date], Decimal] = defaultdict(Decimal)
    for period_end in {key[-1] for key in general}:
        for item, amount, amount_base in balances(ledger, period_end):
            subledger[item.company_id, item.account, "document_currency", item.currency, period_end] += amount
            subledger[item.company_id, item.account, "base_total", item.base_currency, period_end] += amount_base
    assert len(general) > 500
    differences = {key: general.get(key, Decimal()) - subledger.get(key, Decimal()) for key in general.keys() | subledger.keys()}
    assert {key: difference for key, difference in differences.items() if difference} == JOURNAL


def test_the_last_complete_month_is_delivered_by_the_first_drop_after_it(inbox: Inbox) -> None:
    first_seen: dict[str, str] = {}
    for drop in inbox.drops:
        for row in drop.feeds.get("gl_balances", []):
            first_seen.setdefault(row["period_end"], drop.name)
    assert len(first_seen) == 32
    assert {end: name for end, name in first_seen.items() if "history" not in name} == {"2026-08-31": "2026-09-05_weekly", "2026-09-30": "2026-10-03_weekly"}


@pytest.mark.parametrize("as_of", ["2026-07-31", "2026-08-31", "2026-09-30"])
def test_the_ledgers_own_balance_list_ties_customer_by_customer(books: list[tuple[State, Ledger]], inbox: Inbox, as_of: str) -> None:
    _, ledger = books[-1]
    listed = {
        (row["company_id"], row["customer_id"], row["currency"]): Decimal(row["balance"])
        for row in inbox.states[-1]["customer_balances"].values()
        if row["as_of_date"] == as_of
    }
    owed: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for item, amount, _ in balances(ledger, date.fromisoformat(as_of)):
        owed[item.company_id, item.customer_id, item.currency] += amount
    assert len(listed) > 20
    assert {key: amount for key, amount in owed.items() if amount} == {key: amount for key, amount in listed.items() if amount}


def test_the_deliberate_faults_are_named_and_tiny(books: list[tuple[State, Ledger]], summary: DemoSummary) -> None:
    _, ledger = books[-1]
    assert len(summary.deliberate) == 5
    for number, exception in enumerate(ledger.exceptions):
        assert any(exception.object_id in note for note in summary.deliberate), number
    held = sum(exception.amount for exception in ledger.exceptions if exception.is_held)
    owed = sum(amount for item, amount, _ in balances(ledger, date(2026, 10, 23)) if amount > 0 and (item.company_id, item.currency) == ("C100", "EUR"))
    assert 0 < held * 2000 < owed
