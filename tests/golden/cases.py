"""How a golden case is written down, and how it becomes the rows of a drop.

A case has short ids of its own ("I", "R"); in an inbox every id carries the case's name, so that many cases share one run.
An id that starts with "=" is taken as it stands; the ids in SHARED belong to the whole inbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Amount = int | str | Decimal
When = str | tuple[str, int]

SHARED = frozenset(["ACME", "BETA", "DOLLAR", "DINAR", "UNIDENTIFIED", "N0", "N15", "N30", "N60", "EOM", "EOM30", "FIXED10", "FIXED31", "SKONTO"])
ID_COLUMNS = frozenset(
    [
        "account_id",
        "company_id",
        "customer_id",
        "parent_customer_id",
        "payment_terms_id",
        "document_id",
        "receipt_id",
        "application_id",
        "adjustment_id",
        "source_id",
        "original_document_id",
    ]
)
ITEM_FEEDS = {"documents": ("document", "document_id"), "receipts": ("receipt", "receipt_id"), "adjustments": ("adjustment", "adjustment_id")}


@dataclass(frozen=True)
class Row:
    """One row of one feed, with the case's short ids."""

    feed: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A small ledger and what a careful bookkeeper says about it.

    ``drops`` are the rows of the inbox's drops, oldest first. Expectations are keyed by date, or by (date, number of the drop
    that is known, from 0); without a number everything is known. Every open item of the case must be named, and no other.
    ``revalued`` names columns of open items; ``realised`` all exchange differences, by posting date and item; ``revaluations``
    columns of the own company's months, by month end and currency.
    """

    name: str
    why: str
    drops: list[list[Row]]
    open: Mapping[When, Mapping[str, Amount]] = field(default_factory=dict)
    base: Mapping[When, Mapping[str, Amount]] = field(default_factory=dict)
    due: Mapping[str, str] = field(default_factory=dict)
    buckets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    aging: Mapping[tuple[str, str], Mapping[str, Amount]] = field(default_factory=dict)
    owners: Mapping[When, Mapping[str, str]] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    flagged: frozenset[str] = frozenset()
    months: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    revalued: Mapping[When, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    realised: Mapping[str, Mapping[str, Amount]] | None = None
    revaluations: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    own_company: str | None = None

    def id(self, short: str) -> str:
        """Return the id that a short one has in the inbox."""
        if short.startswith("="):
            return short[1:]
        return short if short in SHARED else f"{self.name}.{short}"

    def item_id(self, short: str) -> str:
        """Return the open item's id: of a document, one installment of it ("I:2"), a receipt or an adjustment."""
        document, _, sequence = short.partition(":")
        for row in (row for rows in self.drops for row in rows):
            if row.feed in ITEM_FEEDS and row.values[ITEM_FEEDS[row.feed][1]] == document:
                return f"{ITEM_FEEDS[row.feed][0]}:{self.id(document)}" + (f":{sequence}" if sequence else "")
        raise KeyError(f"{self.name} has no item {short}")

    def items(self) -> set[str]:
        """Return the documents, receipts and adjustments that the case is made of, as the beginnings of item ids."""
        found = set()
        for row in (row for rows in self.drops for row in rows):
            if row.feed in ITEM_FEEDS:
                kind, column = ITEM_FEEDS[row.feed]
                found.add(f"{kind}:{self.id(row.values[column])}")
        return found

    def objects(self) -> set[str]:
        """Return the ids of everything an exception can be about."""
        columns = ("document_id", "receipt_id", "adjustment_id", "application_id", "customer_id", "account_id")
        return {self.id(row.values[c]) for rows in self.drops for row in rows for c in columns if row.values.get(c)}

    def rows(self, number: int) -> list[tuple[str, dict[str, str]]]:
        """Return the rows of one drop as text, ids in full, the case's customer and company filled in."""
        rows = list(self.drops[number]) if number < len(self.drops) else []
        if not any(_is_the_customer(row) for row in rows):
            earlier = [row for drop in self.drops[:number] for row in drop if _is_the_customer(row)]
            rows.append(earlier[-1] if earlier else customer("C"))
        if self.own_company:
            rows.append(Row("companies", {"company_id": "OWN", "name": self.name, "base_currency": self.own_company}))
        return [(row.feed, self._text(row)) for row in rows]

    def _text(self, row: Row) -> dict[str, str]:
        values = dict(row.values)
        if row.feed in ("documents", "receipts"):
            values = {"company_id": "OWN" if self.own_company else "ACME", "customer_id": "C", "currency": self.own_company or "EUR"} | values
        if row.feed == "adjustments" and not (values.get("document_id") or values.get("receipt_id")):
            values = {"company_id": "OWN" if self.own_company else "ACME", "customer_id": "C", "currency": self.own_company or "EUR"} | values
        if row.feed == "applications" and "source_type" not in values:
            values["source_type"] = self._kind(values["source_id"])
        return {name: self.id(value) if name in ID_COLUMNS and value else _as_text(value) for name, value in values.items() if value is not None}

    def _kind(self, short: str) -> str:
        try:
            return self.item_id(short).partition(":")[0]
        except KeyError:
            return "receipt"


def _is_the_customer(row: Row) -> bool:
    return row.feed == "customers" and row.values["customer_id"] == "C"


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_text(rows: Iterable[Row]) -> list[tuple[str, dict[str, str]]]:
    """Return rows as text, ids as they stand."""
    return [(row.feed, {name: _as_text(value) for name, value in row.values.items() if value is not None}) for row in rows]


def case(name: str, why: str, *drops: Iterable[Row], held: Iterable[str] = (), flagged: Iterable[str] = (), **expected: Any) -> Case:
    """Write down a case; see Case for what can be expected."""
    return Case(name, why, [list(drop) for drop in drops], held=frozenset(held), flagged=frozenset(flagged), **expected)


def document(kind: str, short: str, amount: Amount, on: str, due: str | None = None, posted: str | None = None, **more: Any) -> Row:
    """A document of any type, posted on its date unless said otherwise."""
    values = {"document_id": short, "document_type": kind, "document_date": on, "posting_date": posted or on, "due_date": due}
    return Row("documents", {**values, "gross_amount": amount, **more})


def invoice(short: str, amount: Amount, on: str, due: str | None = None, posted: str | None = None, **more: Any) -> Row:
    """An invoice."""
    return document("invoice", short, amount, on, due, posted, **more)


def credit_memo(short: str, amount: Amount, on: str, **more: Any) -> Row:
    """A credit memo."""
    return document("credit_memo", short, amount, on, **more)


def receipt(short: str, amount: Amount, on: str, posted: str | None = None, **more: Any) -> Row:
    """Cash, posted on the day it came unless said otherwise."""
    return Row("receipts", {"receipt_id": short, "receipt_date": on, "posting_date": posted or on, "amount": amount, **more})


def apply(short: str, source: str, target: str, amount: Amount, on: str | None = None, **more: Any) -> Row:
    """An application of a source to a debit item."""
    return Row("applications", {"application_id": short, "source_id": source, "document_id": target, "applied_on": on, "amount": amount, **more})


def adjust(short: str, kind: str, amount: Amount, on: str, of: str | None = None, of_receipt: str | None = None, **more: Any) -> Row:
    """An adjustment of a document, of a receipt, or on its own."""
    values = {"adjustment_id": short, "adjustment_type": kind, "document_id": of, "receipt_id": of_receipt, "posting_date": on}
    return Row("adjustments", {**values, "amount": amount, **more})


def plan(short: str, *lines: tuple[int, str, Amount]) -> list[Row]:
    """A document's installments: sequence, due date, amount."""
    return [Row("installments", {"document_id": short, "sequence": s, "due_date": due, "amount": amount}) for s, due, amount in lines]


def customer(short: str, **more: Any) -> Row:
    """A customer."""
    return Row("customers", {"customer_id": short, "name": f"Customer {short.strip('=')}", **more})


def terms(short: str, net_days: int, **more: Any) -> Row:
    """Payment terms."""
    return Row("payment_terms", {"payment_terms_id": short, "net_days": net_days, **more})


def company(short: str, base_currency: str, **more: Any) -> Row:
    """A company."""
    return Row("companies", {"company_id": short, "name": short, "base_currency": base_currency, **more})


def rate(source: str, target: str, on: str, value: str) -> Row:
    """An exchange rate."""
    return Row("exchange_rates", {"from_currency": source, "to_currency": target, "rate_date": on, "rate": value})


def deleted(row: Row) -> Row:
    """The same row, marked as deleted."""
    return Row(row.feed, {**row.values, "is_deleted": True})
