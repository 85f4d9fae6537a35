"""What is wrong in the demo on purpose: a handful of small faults, so that the lists of exceptions are not empty.

1. An application to a document that does not exist: held, the cash stays unapplied.
2. An application of more than is open: held whole, the invoice stays open and the cash unapplied.
3. An invoice that is due before its own date: loaded, and flagged.
4. A CRM account of a customer whom the ledger does not know: kept, and listed.
5. A manual journal in the general ledger that no document explains (`balances.py`): one company, one month end.

The amounts grow with the demo, and stay far below 0.1 % of what is owed. Everything else in the demo is consistent.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from orchestration.demo import balances, days, parties
from orchestration.demo.chance import Ints
from orchestration.demo.documents import INVOICE
from orchestration.demo.parties import Relations
from orchestration.demo.postings import Counters, Postings

FIRST_NUMBER = 90_000_001
MISSING_NUMBER = 99_999_999
UNKNOWN_CUSTOMER = "00099999"
_POSTED = days.number_of(date(2026, 8, 12))
_PAID = days.number_of(date(2026, 8, 19))


def post(relations: Relations, documents: int) -> tuple[dict[str, dict[str, Ints]], list[str]]:
    """Return the faulty rows by table, for a demo of so many documents, and what is to be said about each."""
    chosen = (relations.company == 0) & (relations.currency == relations.base) & (relations.opened == days.START)
    relation = int(np.flatnonzero(chosen & ~relations.is_intercompany & ~relations.is_oldest_first)[0])
    currency = int(relations.currency[relation])
    unit = max(documents // 1000, 1)
    wanted, owed, paid = 25 * unit, 10 * unit, 12 * unit
    numbers = np.array([FIRST_NUMBER, FIRST_NUMBER + 1], dtype=np.int64)
    gross = np.array([owed, 40 * unit], dtype=np.int64)
    cash = np.array([wanted, paid], dtype=np.int64)
    same = {"relation": relation, "currency": currency}

    rows = Postings(Counters())
    rows.documents.add(
        number=numbers, kind=INVOICE, day=_POSTED, posting=_POSTED, gross=gross, gross_base=gross,
        due=np.array([_POSTED + 30, _POSTED - 10], dtype=np.int64), **same,
    )  # fmt: skip
    rows.receipts.add(number=numbers, day=_PAID, amount=cash, amount_base=cash, **same)
    rows.applications.add(
        number=numbers, source_number=numbers, target_number=np.array([MISSING_NUMBER, FIRST_NUMBER], dtype=np.int64), applied=_PAID,
        currency=currency, source_currency=currency, amount=cash,
    )  # fmt: skip
    rows.movements.add(day=_POSTED, amount=gross, amount_base=gross, **same)
    rows.movements.add(day=_PAID, amount=-cash, amount_base=-cash, **same)

    company = parties.COMPANIES[0].company_id
    notes = [
        f"application A{FIRST_NUMBER} names document D{MISSING_NUMBER}, which does not exist ({_text(wanted)} EUR, {company})",
        f"application A{FIRST_NUMBER + 1} applies {_text(paid)} EUR to document D{FIRST_NUMBER}, of which {_text(owed)} EUR is open",
        f"document D{FIRST_NUMBER + 1} is due before its own date",
        f"account AC{UNKNOWN_CUSTOMER} belongs to a customer whom the ledger does not know",
        f"the general ledger of {balances.JOURNAL_COMPANY} is {_text(balances.JOURNAL_MINOR_UNITS)} USD too high on {balances.JOURNAL_MONTH}: "
        "a manual journal, taken back the month after",
    ]
    return rows.tables(), notes


def account_columns() -> dict[str, Any]:
    """Return the account of an unknown customer."""
    return {
        "account_id": [f"AC{UNKNOWN_CUSTOMER}"], "customer_id": [UNKNOWN_CUSTOMER], "segment": ["small business"],
        "industry": ["wholesale"], "risk_class": ["B"], "collector_id": ["U004"], "account_owner_id": ["U001"],
        "preferred_channel": ["email"], "do_not_contact": np.zeros(1, dtype=np.int64), "drop": np.zeros(1, dtype=np.int64),
    }  # fmt: skip


def _text(minor_units: int) -> str:
    return f"{minor_units // 100:,}.{minor_units % 100:02d}"
