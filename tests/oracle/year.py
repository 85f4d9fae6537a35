"""A year of weekly drops from one ledger that is corrected as it goes: backdated, changed, deleted, voided, bounced; some drops come late, some come twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from .drops import FEEDS, Drop, make_drop

WEEKS = 52
FIRST_FRIDAY = date(2025, 1, 3)
FULL = frozenset([1, 14, 27, 40])
# The drop of a week, and the week in which it arrives.
LATE = {9: 12, 20: 22, 33: 38, 45: 46}
# The same drop again in the same week; and the rows of a drop read once more, by a later drop.
TWICE = frozenset([12, 31])
READ_AGAIN = {17: 18, 36: 37}
CUSTOMERS = ("K1", "K2", "K3", "K4", "K5")

Rows = dict[str, list[dict[str, str]]]


@dataclass(frozen=True)
class Arrival:
    """A drop, and the week in which it arrives."""

    drop: Drop
    week: int

    @property
    def manifest(self) -> str:
        """Return the drop's manifest."""
        return f"extracted_at: {self.drop.extracted_at:%Y-%m-%dT%H:%M:%SZ}\nbooks_through: {self.drop.books_through}\nmode: {self.drop.mode}\n"


def friday(week: int) -> date:
    """Return the last day of a week; weeks are counted from 1."""
    return FIRST_FRIDAY + timedelta(days=7 * (week - 1))


def year_of_drops(seed: int) -> list[Arrival]:
    """Return the drops in the order in which they arrive."""
    books, arrivals = _Books(Random(seed)), []
    told: dict[int, Rows] = {}
    for week in range(1, WEEKS + 1):
        books.go_through(week)
        told[week] = books.everything() if week in FULL else books.changes()
        times = [(f"{friday(week)}", "06:00:00", told[week], "full" if week in FULL else "incremental")]
        if week in READ_AGAIN.values():
            [earlier] = [each for each, later in READ_AGAIN.items() if later == week]
            times.append((f"{friday(week)}-again", "07:00:00", told[earlier], "incremental"))
        for name, time, rows, mode in times:
            taken = f"{friday(week) + timedelta(days=1)}T{time}Z"
            arrivals.append(Arrival(make_drop(name, rows, extracted_at=taken, books_through=friday(week), mode=mode), LATE.get(week, week)))
        if week in TWICE:
            arrivals.append(arrivals[-1])
    return sorted(arrivals, key=lambda arrival: arrival.week)


@dataclass
class _Books:
    """What the ledger says, and what of it changed since the last drop."""

    random: Random
    rows: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    changed: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    unapplied: list[str] = field(default_factory=list)

    def put(self, feed: str, key: str, **values: Any) -> None:
        row = {name: str(value) for name, value in values.items() if value is not None}
        self.rows[feed, key] = self.changed[feed, key] = row

    def change(self, feed: str, key: str, **values: Any) -> None:
        self.put(feed, key, **(self.rows[feed, key] | values))

    def delete(self, feed: str, key: str) -> None:
        row = self.rows.pop((feed, key))
        self.changed[feed, key] = (
            {name: row[name] for name in row if FEEDS[feed].columns[name].endswith("!")}
            | {name: row[name] for name in FEEDS[feed].key}
            | {"is_deleted": "true"}
        )

    def changes(self) -> Rows:
        """Return what changed since the last drop."""
        return self._as_feeds(self.changed)

    def everything(self) -> Rows:
        """Return all that is there."""
        return self._as_feeds(self.rows)

    def _as_feeds(self, rows: dict[tuple[str, str], dict[str, str]]) -> Rows:
        feeds: Rows = {}
        for (feed, _), row in rows.items():
            feeds.setdefault(feed, []).append(row)
        self.changed = {}
        return feeds

    def go_through(self, week: int) -> None:
        """Post a week's documents, cash and corrections."""
        if week == 1:
            self.put("companies", "C1", company_id="C1", name="Year Ltd", base_currency="EUR")
            for customer in CUSTOMERS:
                rule = "oldest_first" if customer == "K5" else None
                self.put("customers", customer, customer_id=customer, name=f"Customer {customer}", application_rule=rule)
        for number in (1, 2, 3):
            self._invoice(week, f"I{week:02}-{number}")
        for number in (1, 2):
            self._cash(week, f"R{week:02}-{number}")
        if week % 4 == 0:
            self._credit_memo(week, f"M{week:02}")
        if week % 5 == 0:
            self._write_off(week, f"W{week:02}")
        if self.unapplied and week % 3 == 0:
            self._apply(week, self.unapplied.pop(0))
        for _ in range(2 if week > 4 else 0):
            self._correct(week)

    def _day(self, week: int) -> date:
        """A day of the week, or of one long before: one posting in six is backdated."""
        back = self.random.randint(1, 8) if week > 8 and self.random.random() < 1 / 6 else 0
        return friday(week - back) - timedelta(days=self.random.randint(0, 4))

    def _amount(self) -> str:
        return f"{self.random.randint(100, 900)}.{self.random.randint(0, 99):02}"

    def _invoice(self, week: int, key: str) -> None:
        day, foreign, amount = self._day(week), self.random.random() < 0.15, self._amount()
        self.put(
            "documents",
            key,
            document_id=key,
            company_id="C1",
            customer_id=self.random.choice(CUSTOMERS),
            document_type="invoice",
            document_date=day,
            posting_date=day,
            due_date=day + timedelta(days=self.random.choice((14, 30, 30, 60))),
            currency="USD" if foreign else "EUR",
            exchange_rate=self.random.choice(("0.9", "0.93", "0.8871")) if foreign else None,
            gross_amount=amount,
        )
        if not foreign and self.random.random() < 0.12:
            half = f"{int(amount[:3]) // 2}.00"
            rest = f"{int(amount[:3]) - int(half[:-3])}{amount[3:]}"
            for sequence, part in ((1, half), (2, rest)):
                self.put("installments", f"{key}:{sequence}", document_id=key, sequence=sequence, due_date=day + timedelta(days=20 * sequence), amount=part)
        self.waiting.append(key)

    def _cash(self, week: int, key: str) -> None:
        waiting = [each for each in self.waiting if ("documents", each) in self.rows]
        if not waiting:
            return
        target = self.random.choice(waiting[:6])
        self.waiting.remove(target)
        invoice, day = self.rows["documents", target], self._day(week)
        amount = invoice["gross_amount"] if self.random.random() < 0.7 else self._amount()
        same = {name: invoice.get(name) for name in ("company_id", "customer_id", "currency", "exchange_rate")}
        if same["exchange_rate"]:
            same["exchange_rate"] = self.random.choice(("0.91", "0.95"))
        self.put("receipts", key, receipt_id=key, receipt_date=day, posting_date=day, amount=amount, **same)
        if same["customer_id"] == "K5" or self.random.random() < 0.25:
            self.unapplied.append(key)
        else:
            applied = min(amount, invoice["gross_amount"], key=float)
            self.put("applications", f"A{key}", application_id=f"A{key}", source_type="receipt", source_id=key, document_id=target, amount=applied)

    def _apply(self, week: int, source: str) -> None:
        receipt = self.rows.get(("receipts", source))
        fitting = [key for key in self.waiting if receipt and self.rows.get(("documents", key), {}).get("customer_id") == receipt["customer_id"]]
        if receipt and fitting:
            applied = f"{self.random.randint(10, 120)}.00"
            name = f"A{source}"
            self.put(
                "applications", name, application_id=name, source_type="receipt", source_id=source, document_id=fitting[0],
                applied_on=friday(week), amount=applied, discount_amount=self.random.choice((None, "2.50")),
                amount_in_source_currency=applied if receipt["currency"] != self.rows["documents", fitting[0]]["currency"] else None,
            )  # fmt: skip

    def _credit_memo(self, week: int, key: str) -> None:
        target, day = self.random.choice(self.waiting), self._day(week)
        owner = self.rows["documents", target]["customer_id"] if ("documents", target) in self.rows else "K1"
        self.put(
            "documents", key, document_id=key, company_id="C1", customer_id=owner, document_type="credit_memo",
            document_date=day, posting_date=day, currency="EUR", gross_amount=f"{self.random.randint(20, 90)}.00",
        )  # fmt: skip
        if self.random.random() < 0.6:
            self.put("applications", f"A{key}", application_id=f"A{key}", source_type="document", source_id=key, document_id=target, amount="15.00")

    def _write_off(self, week: int, key: str) -> None:
        document = self.random.choice([each for each in self.waiting if ("documents", each) in self.rows])
        self.put(
            "adjustments", key, adjustment_id=key, document_id=document, adjustment_type=self.random.choice(("write_off", "small_balance", "bank_fee")),
            posting_date=self._day(week), amount=f"-{self.random.randint(1, 40)}.50",
        )  # fmt: skip

    def _correct(self, week: int) -> None:
        """Change, move or take back a row that was told before."""
        feed = self.random.choice(("documents", "documents", "documents", "receipts", "applications", "adjustments"))
        known = [key for name, key in self.rows if name == feed and (name, key) not in self.changed]
        if not known:
            return
        key, later = self.random.choice(known[-40:]), friday(week) - timedelta(days=self.random.randint(0, 6))
        in_parts = ("installments", f"{key}:1") in self.rows
        what = self.random.random()
        if what < 0.12 and not in_parts:
            self.delete(feed, key)
        elif what < 0.3 and feed in ("documents", "receipts"):
            self.change(feed, key, customer_id=self.random.choice(CUSTOMERS))
        elif what < 0.45 and feed == "documents":
            self.change(feed, key, status="void", voided_on=later)
        elif what < 0.45 and feed == "receipts":
            self.change(feed, key, status="reversed", reversed_on=later)
        elif what < 0.6 and feed == "applications":
            self.change(feed, key, reversed_on=later)
        elif what < 0.75 and feed == "documents" and not in_parts:
            self.change(feed, key, due_date=later + timedelta(days=30))
        elif what < 0.9 and feed != "applications":
            self.change(feed, key, posting_date=self._day(week))
        elif not in_parts and feed in ("documents", "receipts"):
            self.change(feed, key, **{"gross_amount" if feed == "documents" else "amount": self._amount()})
