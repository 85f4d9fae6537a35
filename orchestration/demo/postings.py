"""The rows of a ledger while it is posted, and the movements of its receivable accounts.

A row that is delivered and later changed has a version for each drop that brings it; `drop` is that drop's number, 0 to 8, and
`days.NEVER` for what has not happened by the last one. The MOVEMENTS are kept beside: the general ledger's balances are their sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.demo import days
from orchestration.demo.chance import Flags, Ints
from orchestration.demo.days import NEVER, drop_of

NONE = -1  # an empty cell

# An id is a letter and a number. A document that follows from another carries the other's number.
PREFIXES = ["D", "C", "B", "F", "K", "O", "R", "J"]
DEBIT, CREDIT, REBATE, REFUND, JOURNAL, OPENING, RECEIPT, ADJUSTMENT = range(len(PREFIXES))

RECEIPT_STATUSES = ["cleared", "at_risk", "reversed"]
CLEARED, AT_RISK, REVERSED = range(len(RECEIPT_STATUSES))
DOCUMENT_STATUSES = ["posted", "draft", "void"]
POSTED, DRAFT, VOID = range(len(DOCUMENT_STATUSES))
SOURCES = ["receipt", "document", "adjustment"]
FROM_RECEIPT, FROM_DOCUMENT, FROM_ADJUSTMENT = range(len(SOURCES))

ADJUSTMENT_TYPES = [
    "write_off", "small_balance", "discount", "withholding_tax", "bank_fee", "factored",
    "chargeback", "recovery", "refund", "transfer", "revaluation", "other",
]  # fmt: skip
WRITE_OFF, SMALL_BALANCE, DISCOUNT, WITHHOLDING_TAX, BANK_FEE, FACTORED, CHARGEBACK, RECOVERY, PAID_BACK, TRANSFER, REVALUATION, OTHER = range(
    len(ADJUSTMENT_TYPES)
)


class Rows:
    """Rows of one table, gathered a group at a time; a column that a group does not name has its default there."""

    def __init__(self, **defaults: int) -> None:
        self.defaults = defaults
        self._groups: list[dict[str, Ints]] = []

    def add(self, **columns: Ints | Flags | int) -> None:
        """Add a group of rows; a single number stands for all of them."""
        count = max((len(c) for c in columns.values() if isinstance(c, np.ndarray)), default=0)
        group: dict[str, Ints] = {}
        for name, default in self.defaults.items():
            value = columns.pop(name, default)
            group[name] = value.astype(np.int64) if isinstance(value, np.ndarray) else np.full(count, value, dtype=np.int64)
        assert not columns, f"unknown columns: {', '.join(columns)}"
        self._groups.append(group)

    def columns(self) -> dict[str, Ints]:
        """Return all rows as one array a column."""
        return {name: np.concatenate([g[name] for g in self._groups] or [np.zeros(0, dtype=np.int64)]) for name in self.defaults}


@dataclass
class Counters:
    """The last number given out, across blocks."""

    receipts: int = 0
    applications: int = 0
    adjustments: int = 0


class Postings:
    """What a block of relations posts, table by table."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self.documents = Rows(
            prefix=DEBIT, number=0, drop=0, is_deleted=0, relation=0, kind=0, day=0, posting=0, due=NONE, currency=0, rate=0, gross=0, tax=0,
            gross_base=0, original=NONE, status=POSTED, voided=NONE,
        )  # fmt: skip
        self.receipts = Rows(
            number=0, drop=0, relation=0, is_identified=1, day=0, currency=0, rate=0, amount=0, amount_base=0, status=CLEARED, reversed=NONE,
        )  # fmt: skip
        self.applications = Rows(
            number=0, drop=0, source=FROM_RECEIPT, source_prefix=RECEIPT, source_number=0, target_prefix=DEBIT, target_number=0, sequence=0,
            applied=0, currency=0, amount=0, source_currency=0, source_amount=NONE, discount=0, reversed=NONE,
        )  # fmt: skip
        self.adjustments = Rows(
            number=0, drop=0, document_prefix=NONE, document_number=NONE, receipt_number=NONE, relation=0, kind=OTHER, day=0, currency=0,
            amount=0, amount_base=0,
        )  # fmt: skip
        self.installments = Rows(number=0, drop=0, sequence=0, due=0, amount=0, currency=0)
        self.movements = Rows(relation=0, is_identified=1, currency=0, day=0, known=0, forgotten=NEVER, amount=0, amount_base=0)

    def tables(self) -> dict[str, dict[str, Ints]]:
        """Return the rows that some drop delivers, as columns by table."""
        result = {}
        for name in ("documents", "receipts", "applications", "adjustments", "installments"):
            columns = getattr(self, name).columns()
            delivered = columns["drop"] < NEVER
            result[name] = {key: values[delivered] for key, values in columns.items()}
        columns = self.movements.columns()
        counts = (columns["known"] < columns["forgotten"]) & (columns["day"] <= days.END)
        result["movements"] = {key: values[counts] for key, values in columns.items()}
        return result

    def move(self, relation: Ints, currency: Ints, day: Ints, known: Ints, amount: Ints, base: Ints, **more: Ints | Flags | int) -> None:
        """Move the receivable of some relations, from the drop on that knows of it."""
        self.movements.add(relation=relation, currency=currency, day=day, known=known, amount=amount, amount_base=base, **more)

    def adjust(self, relation: Ints, kind: Ints | int, day: Ints, currency: Ints, amount: Ints, base: Ints, **more: Ints | int) -> Ints:
        """Post adjustments; returns their numbers."""
        numbers = self.counters.adjustments + 1 + np.arange(len(relation), dtype=np.int64)
        self.counters.adjustments += len(relation)
        self.adjustments.add(
            number=numbers, drop=drop_of(day), relation=relation, kind=kind, day=day, currency=currency, amount=amount, amount_base=base, **more
        )
        self.move(relation, currency, day, drop_of(day), amount, base)
        return numbers

    def apply(self, day: Ints, currency: Ints, amount: Ints, **more: Ints | int) -> None:
        """Apply credits to documents, on one day and in one currency each."""
        self.applications.add(
            number=self.application_numbers(len(day)), drop=drop_of(day), applied=day, currency=currency, source_currency=currency, amount=amount, **more
        )

    def application_numbers(self, count: int) -> Ints:
        """Give out the next numbers of applications."""
        numbers = self.counters.applications + 1 + np.arange(count, dtype=np.int64)
        self.counters.applications += count
        return numbers
