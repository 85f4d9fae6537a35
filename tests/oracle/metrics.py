"""Open items, aging and the monthly metrics, straight from the events."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from .drops import CREDIT_TYPES
from .ledger import ZERO, Event, Item, Ledger, balances, round_half_up

BUCKETS = ((0, "current"), (30, "1_30"), (60, "31_60"), (90, "61_90"), (120, "91_120"))
SALES = frozenset({"invoice", "debit_memo", "credit_memo"})


@dataclass(frozen=True)
class OpenItem:
    """An open item at the close of a day."""

    item: Item
    open_amount: Decimal
    open_amount_base: Decimal
    days_past_due: int
    bucket: str


def open_items(ledger: Ledger, as_of: date) -> dict[str, OpenItem]:
    """Return what is open at the close of ``as_of``, by item."""
    found = {}
    for item, amount, amount_base in balances(ledger, as_of):
        if amount:
            days = (as_of - item.due_date).days
            found[item.item_id] = OpenItem(item, amount, amount_base, days, bucket(days, amount))
    return found


def bucket(days: int, open_amount: Decimal, *, basis: str = "due_date") -> str:
    """Return the default bucket: credits are unapplied; without a due date nothing is current."""
    if open_amount < 0:
        return "unapplied"
    if basis != "due_date":
        days = max(days, 1)
    return next((name for limit, name in BUCKETS if days <= limit), "over_120")


def aging(ledger: Ledger, as_of: date, basis: str = "due_date") -> dict[tuple[str, str, str, str], tuple[int, Decimal, Decimal]]:
    """Return (count, amount, base amount) by company, customer, currency and bucket."""
    cells: dict[tuple[str, str, str, str], tuple[int, Decimal, Decimal]] = {}
    for line in open_items(ledger, as_of).values():
        item = line.item
        day = {"due_date": item.due_date, "document_date": item.document_date, "posting_date": item.posting_date}[basis]
        key = (item.company_id, item.customer_id, item.currency, bucket((as_of - day).days, line.open_amount, basis=basis))
        count, amount, base = cells.get(key, (0, ZERO, ZERO))
        cells[key] = (count + 1, amount + line.open_amount, base + line.open_amount_base)
    return cells


def ratio(numerator: Decimal | int, denominator: Decimal | int, places: int = 6) -> Decimal | None:
    """Return the quotient, rounded half up; None where the denominator is not positive."""
    if denominator <= 0:
        return None
    return (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class Month:
    """A calendar month, or the part of it up to as_of."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    def before(self) -> Month:
        """Return the whole month before."""
        last = self.start - timedelta(days=1)
        return Month(last.replace(day=1), last)

    def holds(self, day: date) -> bool:
        """Say whether a day lies in the month."""
        return self.start <= day <= self.end


def months(first: date, as_of: date) -> Iterator[Month]:
    """Yield the months from the one of ``first`` to as_of, the last one cut at as_of."""
    start = first.replace(day=1)
    while start <= as_of:
        end = start.replace(day=monthrange(start.year, start.month)[1])
        yield Month(start, min(end, as_of))
        start = end + timedelta(days=1)


class CompanyBooks:
    """One company's events in base currency, without intercompany customers."""

    def __init__(self, ledger: Ledger, company_id: str, as_of: date, *, intercompany: bool = False) -> None:
        self.as_of = as_of
        self.ledger = ledger
        every = [event for event in ledger.events if event.item.company_id == company_id and event.posting_date <= as_of]
        self.events = [event for event in every if intercompany or not event.item.is_intercompany]
        self.first = min((event.posting_date for event in self.events), default=None)
        self.first_of_all = min((event.posting_date for event in every), default=None)

    def months(self) -> list[Month]:
        """Return a row for each month from the company's first event."""
        return [] if self.first_of_all is None else list(months(self.first_of_all, self.as_of))

    def open(self, on: date) -> dict[str, tuple[Item, Decimal, Decimal]]:
        """Return the balances (document and base currency) at the close of a day."""
        amounts: dict[str, tuple[Item, Decimal, Decimal]] = {}
        for event in self.events:
            if event.posting_date <= on:
                item, amount, base = amounts.get(event.item.item_id, (event.item, ZERO, ZERO))
                amounts[item.item_id] = (item, amount + event.amount, base + event.amount_base)
        return amounts

    def net(self, on: date) -> Decimal:
        """Return the net receivable."""
        return sum((base for _, _, base in self.open(on).values()), ZERO)

    def gross(self, on: date) -> Decimal:
        """Return the open debit items."""
        return sum((base for _, amount, base in self.open(on).values() if amount > 0), ZERO)

    def past_due(self, on: date) -> Decimal:
        """Return the open debit items that are past due."""
        return sum((base for item, amount, base in self.open(on).values() if amount > 0 and item.due_date < on), ZERO)

    def sales(self, month: Month) -> Decimal:
        """Return the credit sales, less what was voided in the month."""
        return self._sum(month, lambda event: event.event_type in ("document", "void") and event.item.item_type in SALES)

    def billed(self, month: Month) -> Decimal:
        """Return the invoices and debit memos, and their voids."""
        return self._sum(month, lambda event: event.event_type in ("document", "void") and event.item.item_type in ("invoice", "debit_memo"))

    def collected(self, month: Month) -> Decimal:
        """Return the receipts less the bounced ones."""
        return -self._sum(month, lambda event: event.event_type in ("receipt", "bounce"))

    def taken_over(self, month: Month) -> Decimal:
        """Return the opening balances taken over in the month."""
        kinds = ("opening_balance", "opening_credit")
        return self._sum(month, lambda event: event.event_type in ("document", "void") and event.item.item_type in kinds)

    def carried(self, month: Month) -> Decimal:
        """Return what was open at the month's start and is due by its end."""
        opening = self.open(month.start - timedelta(days=1)).values()
        return sum((base for item, amount, base in opening if amount > 0 and item.due_date <= month.end), ZERO)

    def due(self, month: Month) -> Decimal:
        """Return what fell due: open at the start and due by the end, and posted and due in the month at posted amount."""
        return self.carried(month) + self._sum(
            month,
            lambda event: (
                event.event_type in ("document", "void", "adjustment")
                and event.item.owner[0] in ("document", "adjustment")
                and event.item.item_type not in CREDIT_TYPES
                and month.holds(event.item.posting_date)
                and event.item.due_date <= month.end
                and (event.item.owner[0] == "document" or event.amount > 0)
                and (event.event_type != "adjustment" or event.item.owner[0] == "adjustment")
            ),
        )

    def _sum(self, month: Month, wanted: object) -> Decimal:
        return sum((event.amount_base for event in self.events if month.holds(event.posting_date) and wanted(event)), ZERO)  # type: ignore[operator]

    def dso(self, month: Month, window: int = 3) -> dict[str, Decimal | int | bool | None]:
        """Return the DSO row of a month."""
        spans = [month]
        while len(spans) < window:
            spans.append(spans[-1].before())
        sales, days = sum((self.sales(span) for span in spans), ZERO), sum(span.days for span in spans)
        receivable, past_due = self.net(month.end), self.past_due(month.end)
        countback, truncated = self.countback(month)
        return {
            "receivable_amount": receivable,
            "gross_receivable_amount": self.gross(month.end),
            "current_amount": receivable - past_due,
            "credit_sales_amount": sales,
            "days": days,
            "dso_days": ratio(receivable * days, sales, 2),
            "dso_countback_days": countback,
            "is_countback_truncated": truncated,
            "best_possible_dso_days": ratio((receivable - past_due) * days, sales, 2),
            "average_days_delinquent": ratio(past_due * days, sales, 2),
        }

    def countback(self, month: Month) -> tuple[Decimal, bool]:
        """Return the count-back days, and whether the history ran out first."""
        left, counted, span = self.net(month.end), ZERO, month
        if left <= 0:
            return ZERO, False
        while self.first is not None and span.end >= self.first:
            sales = self.sales(span)
            if sales > left:
                return (counted + left / sales * span.days).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP), False
            counted += span.days
            left -= max(sales, ZERO)
            if left == 0:
                return counted, False
            span = span.before()
        return counted, True

    def turnover(self, month: Month) -> dict[str, Decimal | int | None]:
        """Return the turnover row of a month."""
        opening, closing, sales = self.net(month.start - timedelta(days=1)), self.net(month.end), self.sales(month)
        mean = (opening + closing) / 2
        turned = None if mean <= 0 else sales / mean
        return {
            "opening_amount": opening,
            "closing_amount": closing,
            "credit_sales_amount": sales,
            "days": month.days,
            "turnover_ratio": ratio(sales, mean),
            "turnover_annualized_ratio": None if turned is None else ratio(turned * 365, month.days),
            "average_collection_days": None if turned is None else ratio(month.days, turned, 2),
        }

    def collection(self, month: Month) -> dict[str, Decimal | None]:
        """Return the collection row of a month."""
        opening, closing = self.net(month.start - timedelta(days=1)), self.net(month.end)
        current = closing - self.past_due(month.end)
        grown = opening + self.taken_over(month) + self.sales(month)
        return {
            "opening_amount": opening,
            "billed_amount": self.billed(month),
            "due_amount": self.due(month),
            "collected_amount": self.collected(month),
            "closing_amount": closing,
            "closing_current_amount": current,
            "collection_rate": ratio(self.collected(month), self.due(month)),
            "collection_effectiveness_index": ratio(grown - closing, grown - current),
        }


class GroupBooks(CompanyBooks):
    """The books of all companies in the reporting currency: balances at their own day's rate, flows each at its event's."""

    def __init__(self, ledger: Ledger, currency: str, as_of: date) -> None:
        self.as_of, self.ledger, self.currency = as_of, ledger, currency
        self.parts = [(CompanyBooks(ledger, company_id, as_of), base) for company_id, base in ledger.base_currencies.items()]
        self.first = min((part.first for part, _ in self.parts if part.first), default=None)
        self.first_of_all = min((part.first_of_all for part, _ in self.parts if part.first_of_all), default=None)

    def _rate(self, base: str, on: date) -> Decimal:
        rate = self.ledger.rates.rate(base, self.currency, on)
        assert rate is not None, f"no rate from {base} to {self.currency} on {on}"
        return rate

    def net(self, on: date) -> Decimal:
        return sum((part.net(on) * self._rate(base, on) for part, base in self.parts if part.net(on)), ZERO)

    def gross(self, on: date) -> Decimal:
        return sum((part.gross(on) * self._rate(base, on) for part, base in self.parts if part.gross(on)), ZERO)

    def past_due(self, on: date) -> Decimal:
        return sum((part.past_due(on) * self._rate(base, on) for part, base in self.parts if part.past_due(on)), ZERO)

    def carried(self, month: Month) -> Decimal:
        before = month.start - timedelta(days=1)
        return sum((part.carried(month) * self._rate(base, before) for part, base in self.parts if part.carried(month)), ZERO)

    def _sum(self, month: Month, wanted: object) -> Decimal:
        days: dict[tuple[str, date], Decimal] = defaultdict(lambda: ZERO)
        for part, base in self.parts:
            for event in part.events:
                if month.holds(event.posting_date) and wanted(event):  # type: ignore[operator]
                    days[base, event.posting_date] += event.amount_base
        return sum((amount * self._rate(base, day) for (base, day), amount in days.items()), ZERO)


def revalued(ledger: Ledger, line: OpenItem, currency: str, as_of: date) -> tuple[Decimal | None, Decimal | None]:
    """Return the rate of ``as_of`` into a currency, and what is open at it; None where no rate is young enough."""
    rate = ledger.rates.rate(line.item.currency, currency, as_of)
    return (None, None) if rate is None else (rate, round_half_up(line.open_amount * rate, currency))


def realised(ledger: Ledger, company_id: str, currency: str, month: Month) -> Decimal:
    """Return what the applications of a month left between their two sides in base, discounts apart: booked in the target's currency."""
    applied: dict[str | None, Decimal] = defaultdict(lambda: ZERO)
    targets: dict[str | None, Item] = {}
    companies: dict[str | None, set[str]] = defaultdict(set)
    for event in ledger.events:
        if event.event_type in ("application", "application_reversal"):
            companies[event.application_id].add(event.item.company_id)
            if event.item.original > 0:
                targets[event.application_id] = event.item
            if month.holds(event.posting_date):
                applied[event.application_id] += event.amount_base
    return sum(
        (left for application_id, left in applied.items() if companies[application_id] == {company_id} and targets[application_id].currency == currency),
        ZERO,
    )


ROLL_FORWARD = ["billed", "finance_charge", "credited", "collected", "discount", "written_off", "refunded", "transferred", "revalued", "other"]


def roll_forward(ledger: Ledger, company_id: str, currency: str, as_of: date) -> dict[date, dict[str, Decimal]]:
    """Return the roll-forward in document currency of one company, by month end."""
    every: list[Event] = [e for e in ledger.events if e.item.company_id == company_id and e.posting_date <= as_of]
    first = min((event.posting_date for event in every), default=None)
    rows: dict[date, dict[str, Decimal]] = {}
    opening = ZERO
    for month in [] if first is None else months(first, as_of):
        moved: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for event in every:
            if event.item.currency == currency and month.holds(event.posting_date):
                moved[event.movement] += event.amount
        closing = opening + sum(moved.values(), ZERO)
        rows[month.end] = {
            "opening_amount": opening,
            **{f"{name}_amount": moved[name] for name in ROLL_FORWARD},
            "closing_amount": closing,
        }
        opening = closing
    return rows
