"""An independent reading of a demo inbox: plain Python, `Decimal`, one row at a time.

It knows the contract only, nothing of the generator: it replays what a ledger would do with the rows of the drops, refuses what
does not fit, and adds up what is left open.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import yaml

Row = dict[str, str]
KEYS = {
    "companies": ["company_id"],
    "customers": ["customer_id"],
    "payment_terms": ["payment_terms_id"],
    "documents": ["document_id"],
    "installments": ["document_id", "sequence"],
    "receipts": ["receipt_id"],
    "applications": ["application_id"],
    "adjustments": ["adjustment_id"],
    "gl_balances": ["company_id", "receivable_account", "period_end", "balance_kind", "currency"],
    "customer_balances": ["company_id", "customer_id", "currency", "as_of_date"],
    "exchange_rates": ["from_currency", "to_currency", "rate_date"],
    "open_orders": ["order_id"],
    "accounts": ["account_id"],
    "contacts": ["contact_id"],
    "users": ["user_id"],
    "activities": ["activity_id"],
    "promises": ["promise_id"],
    "disputes": ["dispute_id"],
    "dunning_events": ["dunning_id"],
    "payment_plans": ["plan_id", "sequence"],
    "credit_reviews": ["review_id"],
    "agency_placements": ["placement_id"],
    "business_events": ["event_id"],
}
RAISES = {"invoice", "debit_memo", "finance_charge", "opening_balance", "refund", "journal_debit"}
MINOR_UNITS = {"JPY": 0, "KWD": 3}


@dataclass
class Drop:
    """A drop's manifest and rows."""

    name: str
    manifest: dict[str, Any]
    feeds: dict[str, list[Row]]


def read_inbox(inbox: Path) -> list[Drop]:
    """Read every drop, in the order in which they were extracted."""
    drops = []
    for folder in sorted(p for p in inbox.iterdir() if p.is_dir()):
        feeds: dict[str, list[Row]] = defaultdict(list)
        for file in sorted(folder.glob("*/*.csv*")):
            opener = gzip.open if file.suffix == ".gz" else open
            with opener(file, "rt", encoding="utf-8", newline="") as text:
                feeds[file.name.split(".")[0]].extend(csv.DictReader(text))
        drops.append(Drop(folder.name, yaml.safe_load((folder / "manifest.yaml").read_text(encoding="utf-8")), dict(feeds)))
    return sorted(drops, key=lambda drop: drop.manifest["extracted_at"])


def state_after(drops: list[Drop]) -> dict[str, dict[tuple[str, ...], Row]]:
    """Return what is known after some drops: full feeds replace, incremental ones overwrite, deletions delete."""
    state: dict[str, dict[tuple[str, ...], Row]] = defaultdict(dict)
    for drop in drops:
        for feed, rows in drop.feeds.items():
            settings = drop.manifest["feeds"].get(feed, {})
            if settings.get("mode", drop.manifest["mode"]) == "full":
                state[feed] = {}
            for row in rows:
                key = tuple(row[column] for column in KEYS[feed])
                if row.get("is_deleted") == "true":
                    state[feed].pop(key, None)
                else:
                    state[feed][key] = row
    return state


@dataclass
class Item:
    """An open item and the money on it, signed: + is owed by the customer."""

    company: str
    customer: str
    account: str
    currency: str
    posted: date
    rate: Decimal
    base_minor_units: int
    history: list[tuple[date, Decimal, Decimal]] = field(default_factory=list)
    open: Decimal = Decimal()
    base: Decimal = Decimal()

    def move(self, day: date, amount: Decimal, base: Decimal) -> None:
        """Record a movement."""
        self.open += amount
        self.base += base
        self.history.append((day, amount, base))

    def base_of(self, amount: Decimal) -> Decimal:
        """Return what a movement is worth at book rate; the one that clears the item takes what remains."""
        if self.open + amount == 0:
            return -self.base
        return (amount * self.rate).quantize(Decimal(1).scaleb(-self.base_minor_units), ROUND_HALF_UP)


class Books:
    """Everything replayed, day by day."""

    def __init__(self, state: dict[str, dict[tuple[str, ...], Row]]) -> None:
        self.state = state
        self.base_currency = {r["company_id"]: r["base_currency"] for r in state["companies"].values()}
        self.items: dict[str, Item] = {}
        self.exceptions: list[tuple[str, str]] = []
        self._live: dict[str, tuple[Row, list[tuple[Item, Decimal, Decimal]]]] = {}
        for _, _, _, act in sorted(self._events(), key=lambda event: event[:3]):
            act()

    def balances(self, period_end: date) -> dict[tuple[str, str, str, str], Decimal]:
        """Return company, account, kind and currency's balances on a day."""
        result: dict[tuple[str, str, str, str], Decimal] = defaultdict(Decimal)
        for item in self.items.values():
            for day, amount, base in item.history:
                if day <= period_end:
                    result[item.company, item.account, "document_currency", item.currency] += amount
                    result[item.company, item.account, "base_total", self.base_currency[item.company]] += base
        return result

    def customer_balances(self, day: date) -> dict[tuple[str, str, str], Decimal]:
        """Return company, customer and currency's balances on a day."""
        result: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        for item in self.items.values():
            for moved, amount, _ in item.history:
                if moved <= day:
                    result[item.company, item.customer, item.currency] += amount
        return result

    def _item(self, row: Row, posted: date, rate: str) -> Item:
        base = self.base_currency[row["company_id"]]
        return Item(
            row["company_id"],
            row["customer_id"] or "UNIDENTIFIED",
            row["receivable_account"],
            row["currency"],
            posted,
            Decimal(rate or 1),
            MINOR_UNITS.get(base, 2),
        )

    def _events(self) -> list[tuple[date, int, str, Any]]:
        """Return (day, order within the day, id, what to do): postings, ends, what raises, what lowers, voids and bounces."""
        events: list[tuple[date, int, str, Any]] = []
        posted: dict[str, date] = {}
        for (key,), row in self.state["documents"].items():
            if row["status"] == "draft":
                continue
            posted[key] = day = date.fromisoformat(row["posting_date"])
            sign = 1 if row["document_type"] in RAISES else -1
            events.append((day, 0, key, lambda k=key, r=row, d=day, s=sign: self._post(k, r, d, s, r["gross_amount"], r["gross_amount_base"])))
            if row["status"] == "void":
                voided = date.fromisoformat(row["voided_on"])
                events.append((voided, 4, key, lambda k=key, d=voided: self._end_item(k, d)))
        for (key,), row in self.state["receipts"].items():
            posted[key] = day = date.fromisoformat(row["posting_date"])
            events.append((day, 0, key, lambda k=key, r=row, d=day: self._post(k, r, d, -1, r["amount"], r["amount_base"])))
            if row["status"] == "reversed":
                bounced = date.fromisoformat(row["reversed_on"])
                events.append((bounced, 4, key, lambda k=key, d=bounced: self._end_item(k, d)))
        for (key,), row in self.state["adjustments"].items():
            day = date.fromisoformat(row["posting_date"])
            target = row["document_id"] or row["receipt_id"]
            if target:
                order = 2 if Decimal(row["amount"]) > 0 else 3
                events.append((day, order, key, lambda k=key, r=row, d=day, t=target: self._adjust(k, r, d, t)))
            else:
                posted[key] = day
                events.append((day, 0, key, lambda k=key, r=row, d=day: self._post(k, r, d, 1, r["amount"], r["amount_base"])))
        for (key,), row in self.state["applications"].items():
            if row["source_id"] not in posted or row["document_id"] not in posted:
                self.exceptions.append((key, "missing side"))
                continue
            applied = date.fromisoformat(row["applied_on"]) if row["applied_on"] else posted[row["source_id"]]
            day = max(applied, posted[row["source_id"]], posted[row["document_id"]])
            events.append((day, 3, key, lambda k=key, r=row, d=day: self._apply(k, r, d)))
            if row["reversed_on"]:
                ended = date.fromisoformat(row["reversed_on"])
                events.append((ended, 1, key, lambda k=key, d=ended: self._end_application(k, d)))
        return events

    def _post(self, key: str, row: Row, day: date, sign: int, amount: str, base: str) -> None:
        item = self.items[key] = self._item(row, day, row.get("exchange_rate", ""))
        item.move(day, sign * Decimal(amount), sign * Decimal(base))

    def _adjust(self, key: str, row: Row, day: date, target: str) -> None:
        item, amount = self.items[target], Decimal(row["amount"])
        if row["adjustment_type"] != "revaluation" and row["document_id"] and amount < 0 and -amount > item.open:
            self.exceptions.append((key, "adjusts more than is open"))
            return
        if amount > 0 and item.open < 0 and amount > -item.open:
            self.exceptions.append((key, "pays back more than is open"))
            return
        item.move(day, amount, Decimal(row["amount_base"]))

    def _apply(self, key: str, row: Row, day: date) -> None:
        source, target = self.items[row["source_id"]], self.items[row["document_id"]]
        amount, discount = Decimal(row["amount"]), Decimal(row["discount_amount"] or 0)
        taken = Decimal(row["amount_in_source_currency"] or amount)
        if (source.currency != target.currency) != bool(row["amount_in_source_currency"]):
            self.exceptions.append((key, "currencies"))
        elif amount + discount > target.open or taken > -source.open:
            self.exceptions.append((key, "more than is open"))
        else:
            pieces = [(target, -amount - discount, target.base_of(-amount - discount)), (source, taken, source.base_of(taken))]
            for item, moved, base in pieces:
                item.move(day, moved, base)
            self._live[key] = row, pieces

    def _end_application(self, key: str, day: date) -> None:
        if key in self._live:
            _, pieces = self._live.pop(key)
            for item, moved, base in pieces:
                item.move(day, -moved, -base)

    def _end_item(self, key: str, day: date) -> None:
        for application in [a for a, (row, _) in self._live.items() if key in (row["source_id"], row["document_id"])]:
            self._end_application(application, day)
        item = self.items[key]
        item.move(day, -item.open, -item.base)


def month_ends(first: date, last: date) -> list[date]:
    """Return the month ends in a range of days."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if (day + timedelta(days=1)).day == 1]
