"""What a frozen week would say now, compared line by line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .ledger import ZERO, Ledger
from .metrics import open_items


@dataclass(frozen=True)
class Line:
    """An open item as a report shows it."""

    customer_id: str
    currency: str
    due_date: date | None
    open_amount: Decimal
    open_amount_base: Decimal
    bucket_id: str


@dataclass(frozen=True)
class Restated:
    """An item that a frozen week would show otherwise now, or only now, or no more; and why."""

    old: Line | None
    new: Line | None
    cause: str

    @property
    def amounts(self) -> tuple[Decimal, Decimal]:
        """What was open, and what would be."""
        return self.old.open_amount if self.old else ZERO, self.new.open_amount if self.new else ZERO

    @property
    def changed(self) -> list[str]:
        """What is not as it was; where the item was not open, or is no more, only its amounts."""
        old, new = self.old, self.new
        amounts = [line.open_amount if line else ZERO for line in (old, new)], [line.open_amount_base if line else ZERO for line in (old, new)]
        found = [name for name, (was, is_now) in zip(("amount", "amount_base"), amounts, strict=True) if was != is_now]
        if old and new:
            pairs = {"due_date": (old.due_date, new.due_date), "customer": (old.customer_id, new.customer_id), "currency": (old.currency, new.currency)}
            found += [name for name, (was, is_now) in pairs.items() if was != is_now]
        return found


Report = dict[str, Line]


def report(ledger: Ledger, as_of: date) -> Report:
    """Return the open items of a day, by item; cash has no due date."""
    return {
        item_id: Line(
            line.item.customer_id,
            line.item.currency,
            None if line.item.item_type == "receipt" else line.item.due_date,
            line.open_amount,
            line.open_amount_base,
            line.bucket,
        )
        for item_id, line in open_items(ledger, as_of).items()
    }


def restatements(frozen: Report, known_then: Report, now: Report) -> dict[str, Restated]:
    """Return what differs between the frozen report and now.

    Where ``known_then`` (the same knowledge time, read from all drops that there are now) differs from the frozen one already, a
    drop came late; else the ledger told something since.
    """
    return {
        item_id: Restated(frozen.get(item_id), now.get(item_id), "posting" if frozen.get(item_id) == known_then.get(item_id) else "late_drop")
        for item_id in frozen.keys() | now.keys()
        if frozen.get(item_id) != now.get(item_id)
    }
