"""The receivables ledger of one state: open items and the events that move them, derived day by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .drops import CREDIT_TYPES, DEBIT_TYPES, Row, State, minor_units

ZERO = Decimal(0)
MAX_RATE_AGE_DAYS = 7
UNIDENTIFIED = "UNIDENTIFIED"
NEGATIVE_ON_A_DOCUMENT = frozenset(["write_off", "small_balance", "discount", "withholding_tax", "bank_fee", "factored"])
POSITIVE = frozenset(["recovery", "refund", "chargeback"])

DOCUMENT_MOVEMENT = {"invoice": "billed", "debit_memo": "billed", "finance_charge": "finance_charge", "credit_memo": "credited", "refund": "refunded"}
ADJUSTMENT_MOVEMENT = {
    "write_off": "written_off",
    "small_balance": "written_off",
    "recovery": "written_off",
    "discount": "discount",
    "refund": "refunded",
    "transfer": "transferred",
    "revaluation": "revalued",
}


@dataclass(eq=False)
class Item:
    """An open item: a document or one installment of it, a receipt, or a stand-alone adjustment."""

    item_id: str
    item_type: str
    owner: tuple[str, str]
    company_id: str
    customer_id: str
    account: str
    document_id: str
    sequence: int | None
    document_date: date
    posting_date: date
    due_date: date
    ended_on: date | None
    currency: str
    base_currency: str
    original: Decimal
    original_base: Decimal
    is_intercompany: bool
    rate: Decimal | None
    open: Decimal = ZERO
    open_base: Decimal = ZERO

    @property
    def ledger_key(self) -> tuple[str, str, str, str]:
        """Within one such key an application moves no balance."""
        return self.company_id, self.customer_id, self.account, self.currency


@dataclass(frozen=True)
class Event:
    """One movement of one open item."""

    event_type: str
    subtype: str
    movement: str
    item: Item
    posting_date: date
    amount: Decimal
    amount_base: Decimal
    is_derived: bool = False
    application_id: str | None = None


@dataclass(frozen=True)
class HeldOrFlagged:
    """An exception: something that depends on other rows and does not fit them."""

    object_type: str
    object_id: str
    reason: str
    is_held: bool
    amount: Decimal = ZERO
    currency: str | None = None


@dataclass
class Settlement:
    """A live application: what it took from which items, to be given back when it ends."""

    application_id: str
    source: tuple[str, str]
    target: tuple[str, str]
    pieces: list[tuple[Item, Decimal, Decimal, str, str]]
    effective_on: date
    is_derived: bool
    amount: Decimal
    discount: Decimal
    ended_on: date | None = None


@dataclass
class Ledger:
    """Everything derived from a state."""

    items: dict[str, Item]
    events: list[Event]
    exceptions: list[HeldOrFlagged]
    settlements: list[Settlement]
    base_currencies: dict[str, str]
    rates: Rates


def round_half_up(amount: Decimal, currency: str) -> Decimal:
    """Round to the currency's minor unit, halves away from zero."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_HALF_UP)


def has_excess(amount: Decimal | None, currency: str) -> bool:
    """Whether an amount has more decimals than its currency has."""
    return amount is not None and amount != round_half_up(amount, currency)


class Rates:
    """The exchange rates of a state: direct, else inverse, else across a base currency; never one by default."""

    def __init__(self, rows: list[Row], pivots: list[str]) -> None:
        self._by_pair: dict[tuple[str, str], dict[date, Decimal]] = defaultdict(dict)
        self._pivots = pivots
        for row in rows:
            self._by_pair[row["from_currency"], row["to_currency"]][row["rate_date"]] = row["rate"]

    def rate(self, source: str, target: str, on: date) -> Decimal | None:
        """Return the rate that holds on a day, or None when there is none that is young enough."""
        if source == target:
            return Decimal(1)
        rate = self._pair(source, target, on)
        for pivot in self._pivots:
            if rate is None and pivot not in (source, target):
                first, second = self._pair(source, pivot, on), self._pair(pivot, target, on)
                rate = None if first is None or second is None else first * second
        return None if rate is None else rate.quantize(Decimal("0.000000001"), rounding=ROUND_HALF_UP)

    def _pair(self, source: str, target: str, on: date) -> Decimal | None:
        direct = self._latest(source, target, on)
        if direct is not None:
            return direct
        inverse = self._latest(target, source, on)
        return None if inverse is None else 1 / inverse

    def _latest(self, source: str, target: str, on: date) -> Decimal | None:
        dated = self._by_pair.get((source, target), {})
        for age in range(MAX_RATE_AGE_DAYS + 1):
            if (day := on - timedelta(days=age)) in dated:
                return dated[day]
        return None


def due_date_from_terms(document_date: date, terms: Row) -> date:
    """Return when a document is due under terms: net days, then the month's end or the fixed day of the next month."""
    due = document_date + timedelta(days=terms["net_days"])
    if terms["end_of_month"]:
        due = _day_of_month(due.year, due.month, 31)
    if terms["fixed_day"]:
        year, month = (due.year + 1, 1) if due.month == 12 else (due.year, due.month + 1)
        due = _day_of_month(year, month, terms["fixed_day"])
    return due


def _day_of_month(year: int, month: int, day: int) -> date:
    next_month = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, min(day, (next_month - timedelta(days=1)).day))


def derive(state: State, latest: State | None = None) -> Ledger:
    """Derive the whole ledger of a state; companies and the accounts that stand in are those of the ``latest`` one."""
    return _Derivation(state, latest or state).run()


@dataclass
class _Day:
    posts: list[list[Item]] = field(default_factory=list)
    raises: list[tuple[str, Row]] = field(default_factory=list)
    lowers: list[tuple[str, str, Row]] = field(default_factory=list)
    ends: list[tuple[str, str]] = field(default_factory=list)


class _Derivation:
    def __init__(self, state: State, latest: State) -> None:
        self.state = state
        self.companies = {row["company_id"]: row for row in latest.feed("companies")}
        self.customers = {row["customer_id"]: row for row in state.feed("customers")}
        self.terms = {row["payment_terms_id"]: row for row in state.feed("payment_terms")}
        self.bases = {company: row["base_currency"] for company, row in self.companies.items()}
        self.rates = Rates(state.feed("exchange_rates"), sorted(set(self.bases.values())))
        self.accounts: dict[str, str] = {}
        for feeds in (("documents", "receipts", "adjustments"), ("gl_balances",)):
            named = [(self._company(row["company_id"]), row["receivable_account"]) for feed in feeds for row in latest.feed(feed)]
            self.accounts |= dict(sorted(((company, account) for company, account in named if account), reverse=True))
        self.owned: dict[tuple[str, str], list[Item]] = {}
        self.items: dict[str, Item] = {}
        self.events: list[Event] = []
        self.exceptions: list[HeldOrFlagged] = []
        self.settlements: list[Settlement] = []
        self.settled_by: dict[tuple[str, str], list[Settlement]] = defaultdict(list)
        self.reversals: dict[date, list[Settlement]] = defaultdict(list)
        self.days: dict[date, _Day] = defaultdict(_Day)
        self.oldest_first: dict[tuple[str, str, str, str], list[Item]] = defaultdict(list)
        self.derived = 0

    def run(self) -> Ledger:
        self._documents()
        self._receipts()
        self._adjustments()
        self._applications()
        self._open_item_settlements()
        for feed, key in sorted(self.state.stale):
            self._raise_exception(feed.rstrip("s"), key, "its last good version holds", held=False)
        strangers = {item.customer_id for item in self.items.values()} - set(self.customers) - {UNIDENTIFIED}
        for customer_id in sorted(strangers):
            self._raise_exception("customer", customer_id, "not in the master", held=False)
        for row in self.state.feed("accounts"):
            if row["customer_id"] not in self.customers:
                self._raise_exception("account", row["account_id"], "its customer is not in the master", held=False)
        for day in sorted(self.days):
            self._close_day(day)
        return Ledger(self.items, self.events, self.exceptions, self.settlements, self.bases, self.rates)

    # What there is

    def _company(self, company_id: str | None) -> str:
        if company_id is not None:
            return company_id
        return next(iter(self.companies)) if len(self.companies) == 1 else "main"

    def _account(self, company_id: str, account: str | None) -> str:
        return account or self.accounts.get(company_id, "receivables")

    def _raise_exception(self, object_type: str, object_id: str, reason: str, *, held: bool, amount: Decimal = ZERO, currency: str | None = None) -> None:
        self.exceptions.append(HeldOrFlagged(object_type, object_id, reason, held, amount, currency))

    def _booked(
        self, amount: Decimal, given: Decimal | None, currency: str, base: str, rate: Decimal | None, on: date
    ) -> tuple[Decimal, Decimal | None] | None:
        """Return the base amount and the rate it came from (None where the ledger gave the amount); None without any rate."""
        if given is not None and currency != base:
            return given, None
        rate = self.rates.rate(currency, base, on) if currency == base or rate is None else rate
        return None if rate is None else (round_half_up(amount * rate, base), rate)

    def _register(self, owner: tuple[str, str], items: list[Item]) -> None:
        self.owned[owner] = items
        for item in items:
            self.items[item.item_id] = item
            if self.customers.get(item.customer_id, {}).get("application_rule") == "oldest_first":
                self.oldest_first[item.ledger_key].append(item)
        self.days[items[0].posting_date].posts.append(items)
        ended_on = items[0].ended_on
        if ended_on is not None:
            self.days[ended_on].ends.append(owner)

    def _documents(self) -> None:
        plans: dict[str, list[Row]] = defaultdict(list)
        for row in self.state.feed("installments"):
            plans[row["document_id"]].append(row)
        for row in self.state.feed("documents"):
            company = self._company(row["company_id"])
            base = self.bases.get(company, row["currency"])
            booked = self._booked(row["gross_amount"], row["gross_amount_base"], row["currency"], base, row["exchange_rate"], row["posting_date"])
            document_id = row["document_id"]
            if booked is None:
                self._raise_exception("document", document_id, "no exchange rate", held=True, amount=row["gross_amount"], currency=row["currency"])
                continue
            magnitude, rate = booked
            if row["currency"] == base and row["gross_amount_base"] not in (None, row["gross_amount"]):
                self._raise_exception("document", document_id, "a base amount that is not the amount", held=False)
            if row["currency"] != base and has_excess(magnitude, base):
                self._raise_exception("document", document_id, "too many decimals", held=True, amount=row["gross_amount"], currency=row["currency"])
                continue
            due = self._due_date(row)
            named = row["payment_terms_id"] or self.customers.get(row["customer_id"], {}).get("payment_terms_id")
            if row["due_date"] is None and named is not None and named not in self.terms:
                self._raise_exception("document", document_id, "terms that nobody delivered", held=False)
            if due < row["document_date"]:
                self._raise_exception("document", document_id, "due before its date", held=False)
            ended_on = (row["voided_on"] or row["posting_date"]) if row["status"] == "void" else None
            if row["voided_on"] is not None and row["status"] != "void":
                self._raise_exception("document", document_id, "a date of voiding, but no void", held=False)
            if ended_on is not None and ended_on < row["posting_date"]:
                self._raise_exception("document", document_id, "voided before it was posted", held=False)
            sign = 1 if row["document_type"] in DEBIT_TYPES else -1
            plan = sorted(plans.pop(document_id, []), key=lambda line: line["sequence"])
            is_off = sum(line["amount"] for line in plan) != row["gross_amount"] or any(has_excess(line["amount"], row["currency"]) for line in plan)
            if plan and is_off:
                self._raise_exception("document", document_id, "installments do not add up", held=False)
                plan = []
            if row["status"] == "draft":
                continue
            lines = [(line["sequence"], line["due_date"], line["amount"]) for line in plan] or [(None, due, row["gross_amount"])]
            items, left_base = [], magnitude
            for number, (sequence, line_due, amount) in enumerate(lines):
                is_last = number == len(lines) - 1
                share = left_base if is_last else round_half_up(magnitude * amount / row["gross_amount"], base)
                left_base -= share
                items.append(
                    Item(
                        item_id=f"document:{document_id}" + ("" if sequence is None else f":{sequence}"),
                        item_type=row["document_type"],
                        owner=("document", document_id),
                        company_id=company,
                        customer_id=row["customer_id"],
                        account=self._account(company, row["receivable_account"]),
                        document_id=document_id,
                        sequence=sequence,
                        document_date=row["document_date"],
                        posting_date=row["posting_date"],
                        due_date=line_due,
                        ended_on=None if ended_on is None else max(ended_on, row["posting_date"]),
                        currency=row["currency"],
                        base_currency=base,
                        original=sign * amount,
                        original_base=sign * share,
                        is_intercompany=self._is_intercompany(row["customer_id"]),
                        rate=rate,
                    )
                )
            self._register(("document", document_id), items)
        for document_id in plans:
            self._raise_exception("document", document_id, "installments of a missing document", held=False)

    def _due_date(self, document: Row) -> date:
        if document["due_date"] is not None:
            return document["due_date"]
        customer = self.customers.get(document["customer_id"], {})
        terms_id = document["payment_terms_id"] or customer.get("payment_terms_id")
        if terms_id in self.terms:
            return due_date_from_terms(document["document_date"], self.terms[terms_id])
        return document["document_date"]

    def _is_intercompany(self, customer_id: str) -> bool:
        return bool(self.customers.get(customer_id, {}).get("is_intercompany"))

    def _receipts(self) -> None:
        for row in self.state.feed("receipts"):
            company = self._company(row["company_id"])
            base = self.bases.get(company, row["currency"])
            booked = self._booked(row["amount"], row["amount_base"], row["currency"], base, row["exchange_rate"], row["posting_date"])
            if booked is None:
                self._raise_exception("receipt", row["receipt_id"], "no exchange rate", held=True, amount=row["amount"], currency=row["currency"])
                continue
            magnitude, rate = booked
            if row["currency"] == base and row["amount_base"] not in (None, row["amount"]):
                self._raise_exception("receipt", row["receipt_id"], "a base amount that is not the amount", held=False)
            if row["currency"] != base and has_excess(magnitude, base):
                self._raise_exception("receipt", row["receipt_id"], "too many decimals", held=True, amount=row["amount"], currency=row["currency"])
                continue
            ended_on = row["reversed_on"] or (row["posting_date"] if row["status"] == "reversed" else None)
            if ended_on is not None and ended_on < row["posting_date"]:
                self._raise_exception("receipt", row["receipt_id"], "reversed before it was posted", held=False)
            customer = row["customer_id"] or UNIDENTIFIED
            item = Item(
                item_id=f"receipt:{row['receipt_id']}",
                item_type="receipt",
                owner=("receipt", row["receipt_id"]),
                company_id=company,
                customer_id=customer,
                account=self._account(company, row["receivable_account"]),
                document_id=row["receipt_id"],
                sequence=None,
                document_date=row["receipt_date"],
                posting_date=row["posting_date"],
                due_date=row["posting_date"],
                ended_on=None if ended_on is None else max(ended_on, row["posting_date"]),
                currency=row["currency"],
                base_currency=base,
                original=-row["amount"],
                original_base=-magnitude,
                is_intercompany=self._is_intercompany(customer),
                rate=rate,
            )
            self._register(item.owner, [item])

    def _adjustments(self) -> None:
        for row in self.state.feed("adjustments"):
            if row["document_id"] or row["receipt_id"]:
                self._adjustment_of_an_item(row)
            else:
                self._stand_alone_adjustment(row)

    def _adjustment_of_an_item(self, row: Row) -> None:
        owner = ("document", row["document_id"]) if row["document_id"] else ("receipt", row["receipt_id"])
        items = self.owned.get(owner)
        reason = None
        if items is None:
            reason = "the item it moves is missing"
        elif row["currency"] is not None and row["currency"] != items[0].currency and row["adjustment_type"] != "revaluation":
            reason = "another currency than its item's"
        elif _sign_is_wrong(row):
            reason = "a sign against its type"
        elif has_excess(row["amount"], items[0].currency) or has_excess(row["amount_base"], items[0].base_currency):
            reason = "too many decimals"
        if items is None or reason:
            self._raise_exception("adjustment", row["adjustment_id"], reason or "", held=True, amount=row["amount"], currency=row["currency"])
            return
        self._flag_base_amount(row, items[0].currency, items[0].base_currency)
        day = self.days[max(row["posting_date"], items[0].posting_date)]
        lowers = (row["amount"] < 0) == (items[0].original > 0) and row["adjustment_type"] != "revaluation"
        if lowers:
            day.lowers.append((row["adjustment_id"], "adjustment", {**row, "owner": owner}))
        else:
            day.raises.append((row["adjustment_id"], {**row, "owner": owner}))

    def _flag_base_amount(self, row: Row, currency: str, base: str) -> None:
        if currency == base and row["adjustment_type"] != "revaluation" and row["amount_base"] not in (None, row["amount"]):
            self._raise_exception("adjustment", row["adjustment_id"], "a base amount that is not the amount", held=False)

    def _stand_alone_adjustment(self, row: Row) -> None:
        company = self._company(row["company_id"])
        base = self.bases.get(company, row["currency"])
        currency = row["currency"] or base
        given = row["amount_base"]
        booked = self._booked(row["amount"], given, currency, base, None, row["posting_date"])
        if given is not None and currency == base and row["adjustment_type"] == "revaluation":
            booked = given, None
        reason = "a sign against its type" if _sign_is_wrong(row) else "no exchange rate" if booked is None else None
        if reason or booked is None:
            self._raise_exception("adjustment", row["adjustment_id"], reason or "", held=True, amount=row["amount"], currency=currency)
            return
        revalues = row["adjustment_type"] == "revaluation"
        self._flag_base_amount(row, currency, base)
        customer = row["customer_id"] or UNIDENTIFIED
        item = Item(
            item_id=f"adjustment:{row['adjustment_id']}",
            item_type="adjustment",
            owner=("adjustment", row["adjustment_id"]),
            company_id=company,
            customer_id=customer,
            account=self._account(company, row["receivable_account"]),
            document_id=row["adjustment_id"],
            sequence=None,
            document_date=row["posting_date"],
            posting_date=row["posting_date"],
            due_date=row["posting_date"],
            ended_on=None,
            currency=currency,
            base_currency=base,
            original=ZERO if revalues else row["amount"],
            original_base=booked[0],
            is_intercompany=self._is_intercompany(customer),
            rate=booked[1],
        )
        self._register(item.owner, [item])

    def _applications(self) -> None:
        for row in self.state.feed("applications"):
            source_type = "document" if row["source_type"] == "credit_memo" else row["source_type"]
            source = (source_type, row["source_id"])
            document = ("document", row["document_id"])
            target = document if document in self.owned else ("adjustment", row["document_id"])
            sources, targets = self.owned.get(source), self.owned.get(target)
            reason = _why_no_application(row, sources, targets)
            if sources is None or targets is None or reason:
                self._hold(row, reason or "")
                continue
            effective = max(row["applied_on"] or sources[0].posting_date, sources[0].posting_date, targets[0].posting_date)
            ends = [item.ended_on for item in (sources[0], targets[0]) if item.ended_on is not None]
            if any(end < effective for end in ends):
                self._hold(row, "a side has ended before")
                continue
            if any(end <= effective for end in [*ends, row["reversed_on"]] if end is not None):
                continue
            self.days[effective].lowers.append((row["application_id"], "application", {**row, "source": source, "target": target}))
            if row["reversed_on"] is not None:
                self.days.setdefault(row["reversed_on"], _Day())

    def _hold(self, row: Row, reason: str) -> None:
        self._raise_exception("application", row["application_id"], reason, held=True, amount=row["amount"])

    def _open_item_settlements(self) -> None:
        for document_id, observations in self.state.observations.items():
            items = self.owned.get(("document", document_id))
            settled = ZERO
            for number, seen in enumerate(observations, start=1):
                change = seen.gross_amount - seen.open_amount - settled
                settled += change
                if items is not None and change:
                    row = {"owner": items[0].owner, "amount": -change if items[0].original > 0 else change}
                    day = self.days[max(seen.settled_on, items[0].posting_date)]
                    day.lowers.append((f"{document_id}>{number:06}", "settlement", row))

    # What happens, day by day

    def _close_day(self, today: date) -> None:
        day = self.days[today]
        for items in day.posts:
            for item in items:
                self._move(item, today, "document" if item.owner[0] == "document" else item.owner[0], item.original, item.original_base)
        for settlement in self.reversals[today]:
            self._end(settlement, today)
        for _, row in sorted(day.raises, key=lambda pair: pair[0]):
            self._adjust(row, today)
        for _, kind, row in sorted(day.lowers, key=lambda entry: entry[0]):
            if kind == "application":
                self._apply(row, today)
            elif kind == "settlement":
                self._settle(row, today)
            else:
                self._adjust(row, today)
        for owner in sorted(day.ends):
            self._end_owner(owner, today)
        self._settle_oldest_first(today)

    def _move(
        self,
        item: Item,
        today: date,
        event_type: str,
        amount: Decimal,
        amount_base: Decimal,
        movement: str | None = None,
        subtype: str | None = None,
        *,
        is_derived: bool = False,
        application_id: str | None = None,
    ) -> None:
        item.open += amount
        item.open_base += amount_base
        self.events.append(
            Event(event_type, subtype or item.item_type, movement or self._movement(item), item, today, amount, amount_base, is_derived, application_id)
        )

    def _movement(self, item: Item) -> str:
        if item.item_type == "receipt":
            return "collected"
        if item.item_type == "adjustment":
            row = self.state.rows["adjustments"][item.document_id,]
            return ADJUSTMENT_MOVEMENT.get(row["adjustment_type"], "other")
        return DOCUMENT_MOVEMENT.get(item.item_type, "other")

    def _share(self, item: Item, amount: Decimal) -> Decimal:
        """Return the base amount of a movement: at the item's book rate; what closes the item takes all that is left."""
        if item.open + amount == 0:
            return -item.open_base
        if item.original == 0:
            return ZERO
        if item.rate is not None:
            return round_half_up(amount * item.rate, item.base_currency)
        return round_half_up(amount * item.original_base / item.original, item.base_currency)

    def _take(self, items: list[Item], magnitude: Decimal) -> list[tuple[Item, Decimal]]:
        """Split what lowers a document over its items, the earliest due first (by sequence within one due date)."""
        pieces = []
        for item in sorted(items, key=_due):
            piece = min(magnitude, self._open([item]))
            if piece:
                pieces.append((item, -piece if item.original > 0 else piece))
                magnitude -= piece
        return pieces

    def _adjust(self, row: Row, today: date) -> None:
        items, kind = self.owned[row["owner"]], row["adjustment_type"]
        movement = ADJUSTMENT_MOVEMENT.get(kind, "other")
        if kind == "revaluation":
            base = row["amount"] if row["amount_base"] is None else row["amount_base"]
            self._move(items[0], today, "adjustment", ZERO, base, movement, kind)
            return
        pieces = self._pieces(items, row["amount"], today)
        for item, piece in pieces:
            given = row["amount_base"] if len(pieces) == 1 and item.open + piece != 0 and item.currency != item.base_currency else None
            self._move(item, today, "adjustment", piece, self._share(item, piece) if given is None else given, movement, kind)

    def _settle(self, row: Row, today: date) -> None:
        for item, piece in self._pieces(self.owned[row["owner"]], row["amount"], today):
            self._move(item, today, "settlement", piece, self._share(item, piece), "settled", is_derived=True)

    def _pieces(self, items: list[Item], amount: Decimal, today: date) -> list[tuple[Item, Decimal]]:
        """Split a posting over its items; it counts in full, so what goes beyond falls to the part that is due last."""
        magnitude = abs(amount)
        if (amount < 0) == (items[0].original > 0):
            self._make_room(items, magnitude, today)
            pieces = dict(self._take(items, magnitude))
        else:
            pieces = {}
            for item in sorted(items, key=_due, reverse=True):
                settled = max(abs(item.original) - self._open([item]), ZERO)
                piece = min(settled, magnitude - abs(sum(pieces.values(), ZERO)))
                if piece:
                    pieces[item] = piece if item.original > 0 else -piece
        last = max(items, key=_due)
        pieces[last] = pieces.get(last, ZERO) + amount - sum(pieces.values(), ZERO)
        return [(item, piece) for item, piece in pieces.items() if piece]

    def _open(self, items: list[Item]) -> Decimal:
        """Return what is open on the side that the items stand on; what was over-settled offers nothing."""
        sign = 1 if items[0].original > 0 else -1
        return sum((max(sign * item.open, ZERO) for item in items), ZERO)

    def _apply(self, row: Row, today: date) -> None:
        sources, targets = self.owned[row["source"]], self.owned[row["target"]]
        if row["installment_sequence"] is not None and targets[0].sequence is not None:
            targets = [item for item in targets if item.sequence == row["installment_sequence"]]
        amount, discount = row["amount"], row["discount_amount"] or ZERO
        same_currency = sources[0].currency == targets[0].currency
        from_source = amount if same_currency else row["amount_in_source_currency"]
        if self._room(targets) >= amount + discount and self._room(sources) >= from_source:
            self._make_room(targets, amount + discount, today)
            self._make_room(sources, from_source, today)
        if amount + discount > self._open(targets):
            self._hold(row, "more than is open on the document")
        elif from_source > self._open(sources):
            self._hold(row, "more than is open on its source")
        else:
            self._settle_between(row["application_id"], sources, targets, amount, from_source, discount, today, is_derived=False)
            if row["reversed_on"] is not None:
                self.reversals[row["reversed_on"]].append(self.settlements[-1])

    def _derived(self, items: list[Item]) -> list[Settlement]:
        """Return the live derived settlements of the items: they make way for what the ledger says itself, and the close of the day settles anew."""
        live = [each for each in self.settled_by[items[0].owner] if each.is_derived and each.ended_on is None]
        return [each for each in live if any(item in items for item, *_ in each.pieces)]

    def _room(self, items: list[Item]) -> Decimal:
        return self._open(items) + sum((abs(p) for each in self._derived(items) for item, p, *_ in each.pieces if item in items), ZERO)

    def _make_room(self, items: list[Item], needed: Decimal, today: date) -> None:
        if needed > self._open(items):
            for settlement in self._derived(items):
                self._end(settlement, today)

    def _settle_between(
        self,
        application_id: str,
        sources: list[Item],
        targets: list[Item],
        amount: Decimal,
        from_source: Decimal,
        discount: Decimal,
        today: date,
        *,
        is_derived: bool,
    ) -> None:
        transfers = sources[0].ledger_key != targets[0].ledger_key
        movement = "transferred" if transfers else "application"
        settlement = Settlement(application_id, sources[0].owner, targets[0].owner, [], today, is_derived, amount, discount)
        for items, magnitude, event_type in ((targets, amount, "application"), (sources, from_source, "application"), (targets, discount, "discount")):
            for item, piece in self._take(items, magnitude):
                base = self._share(item, piece)
                moved = "discount" if event_type == "discount" else movement
                settlement.pieces.append((item, piece, base, event_type, moved))
                self._move(item, today, event_type, piece, base, moved, sources[0].owner[0], is_derived=is_derived, application_id=application_id)
        self.settlements.append(settlement)
        self.settled_by[settlement.source].append(settlement)
        self.settled_by[settlement.target].append(settlement)

    def _end(self, settlement: Settlement, today: date) -> None:
        if settlement.ended_on is not None:
            return
        settlement.ended_on = today
        for item, piece, base, event_type, movement in settlement.pieces:
            self._move(
                item,
                today,
                f"{event_type}_reversal",
                -piece,
                -base,
                movement,
                settlement.source[0],
                is_derived=settlement.is_derived,
                application_id=settlement.application_id,
            )

    def _end_owner(self, owner: tuple[str, str], today: date) -> None:
        for settlement in self.settled_by[owner]:
            self._end(settlement, today)
        for item in self.owned[owner]:
            closes = item.open == item.original
            base = item.open_base if closes else item.original_base
            self._move(item, today, "bounce" if owner[0] == "receipt" else "void", -item.original, -base)

    def _settle_oldest_first(self, today: date) -> None:
        for key in sorted(self.oldest_first):
            items = self.oldest_first[key]
            for credit in sorted((item for item in items if item.open < 0 and item.original < 0), key=_age):
                for debit in sorted((item for item in items if item.open > 0 and item.original > 0), key=lambda item: (item.due_date, *_age(item))):
                    amount = min(-credit.open, debit.open)
                    if amount > 0:
                        self.derived += 1
                        self._settle_between(f"derived-{self.derived}", [credit], [debit], amount, amount, ZERO, today, is_derived=True)


def _due(item: Item) -> tuple[date, int]:
    return item.due_date, item.sequence or 0


def _age(item: Item) -> tuple[date, str]:
    return item.posting_date, item.item_id


def _sign_is_wrong(row: Row) -> bool:
    kind, amount = row["adjustment_type"], row["amount"]
    if kind in POSITIVE:
        return bool(amount < 0)
    return bool(kind in NEGATIVE_ON_A_DOCUMENT and row["document_id"] and amount > 0)


def _why_no_application(row: Row, sources: list[Item] | None, targets: list[Item] | None) -> str | None:
    """Return why an application cannot be decided at all, or None."""
    if sources is None:
        return "its source is missing"
    if targets is None:
        return "its document is missing"
    if sources[0].original > 0 or (sources[0].item_type in DEBIT_TYPES):
        return "its source is no credit"
    if targets[0].original < 0 or targets[0].item_type in CREDIT_TYPES:
        return "its target is no debit item"
    if sources[0].currency != targets[0].currency and row["amount_in_source_currency"] is None:
        return "no amount in the source's currency"
    if any(has_excess(row[name], targets[0].currency) for name in ("amount", "discount_amount")) or has_excess(
        row["amount_in_source_currency"], sources[0].currency
    ):
        return "too many decimals"
    # Where there is no plan (or it was refused), the document is one item whatever the row names.
    sequence, sequences = row["installment_sequence"], [item.sequence for item in targets]
    if sequence is not None and sequences != [None] and sequence not in sequences:
        return "no such installment"
    return None


def balances(ledger: Ledger, as_of: date) -> Iterator[tuple[Item, Decimal, Decimal]]:
    """Yield every item with its balance at the close of ``as_of``, zeros left out."""
    open_amounts: dict[str, Any] = defaultdict(lambda: [ZERO, ZERO])
    for event in ledger.events:
        if event.posting_date <= as_of:
            open_amounts[event.item.item_id][0] += event.amount
            open_amounts[event.item.item_id][1] += event.amount_base
    for item_id, (amount, amount_base) in open_amounts.items():
        if amount or amount_base:
            yield ledger.items[item_id], amount, amount_base
