"""Random little books in foreign currencies, kept by hand: applied in parts, taken back, bounced, voided, and each movement valued in base.

The bookkeeper knows one rule per movement (contract, roll-forward): at the item's book rate, rounded half up; what closes the item takes
what is left of its base amount; what ends gives back what it took. An application's two sides may differ in base: that is realised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

ZERO = Decimal(0)
FIRST_DAY = date(2026, 1, 1)
NEVER = date(9999, 12, 31)
UNITS = {"U0": 0, "U2": 2, "U3": 3}


@dataclass(eq=False)
class Item:
    """A debit document or a receipt, and what is left of it in both currencies."""

    item_id: str
    currency: str
    base_currency: str
    original: Decimal
    original_base: Decimal
    rate: Decimal | None
    open: Decimal = ZERO
    open_base: Decimal = ZERO
    ended_on: date = NEVER


@dataclass(eq=False)
class Application:
    """An application; what it took from its target, for its discount and from its source, signed, in base."""

    application_id: str
    target: Item
    source: Item
    amount: Decimal
    amount_in_source_currency: Decimal
    discount: Decimal
    effective_on: date
    took: tuple[Decimal, Decimal, Decimal]
    ended_on: date = NEVER


@dataclass
class Adjustment:
    """A posting on one item; a revaluation moves the base amount only."""

    adjustment_id: str
    kind: str
    item: Item
    amount: Decimal
    amount_base: Decimal | None
    posting_date: date


@dataclass
class Books:
    """One world: its items, what happened to them, and the balances at the close of each day."""

    items: list[Item] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    balances: dict[tuple[str, date], tuple[Decimal, Decimal]] = field(default_factory=dict)


def round_half_up(amount: Decimal, places: int) -> Decimal:
    """Round to so many decimals, halves away from zero."""
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def random_books(seed: int, worlds: int) -> Iterator[Books]:
    """Yield worlds, the same for the same seed."""
    for number in range(worlds):
        yield _World(Random(f"{seed}-{number}"), f"w{number:04}").play()


class _World:
    def __init__(self, rng: Random, name: str) -> None:
        self.rng, self.name, self.books, self.today, self.count = rng, name, Books(), FIRST_DAY, 0
        self.base_currency = rng.choice(list(UNITS))
        self.foreign = rng.sample(["D0", "D2", "D3"], 2)

    def play(self) -> Books:
        for number in range(self.rng.randint(1, 3)):
            self._post(f"document:{self.name}.I{number}", 1)
            self._post(f"receipt:{self.name}.R{number}", -1)
        self._close_day()
        for _ in range(self.rng.randint(3, 14)):
            step = self.rng.random()
            if step < 0.62:
                for _ in range(self.rng.randint(1, 3)):
                    self._apply()
            elif step < 0.85:
                self._take_back()
            elif step < 0.93:
                self._adjust()
            else:
                self._end_item()
            self._close_day()
        if self.rng.random() < 0.8:
            self._settle_the_rest()
        return self.books

    def _units(self, item: Item) -> int:
        return int(item.currency[1])

    def _post(self, item_id: str, sign: int) -> None:
        currency = self.rng.choice([self.foreign[0], self.foreign[0], self.foreign[0], self.foreign[1]])
        units, base_units = int(currency[1]), UNITS[self.base_currency]
        original = sign * Decimal(self.rng.randint(1, self.rng.choice([9, 300, 100_000]))).scaleb(-units)
        rate = Decimal(self.rng.randint(1, 2_000_000_000)).scaleb(-self.rng.choice([7, 8, 9]))
        base = round_half_up(original * rate, base_units)
        if given := self.rng.random() < 0.3:
            base += sign * Decimal(self.rng.randint(0, 2)).scaleb(-base_units)
        item = Item(item_id, currency, self.base_currency, original, base, None if given else rate, original, base)
        self.books.items.append(item)

    def _share(self, item: Item, amount: Decimal) -> Decimal:
        if item.open + amount == 0:
            return -item.open_base
        exact = amount * item.rate if item.rate is not None else amount * item.original_base / item.original
        return round_half_up(exact, UNITS[self.base_currency])

    def _move(self, item: Item, amount: Decimal, base: Decimal) -> Decimal:
        item.open += amount
        item.open_base += base
        return base

    def _part(self, available: Decimal, units: int) -> Decimal:
        if self.rng.random() < 0.4:
            return available
        return Decimal(self.rng.randint(1, int(available.scaleb(units)))).scaleb(-units)

    def _apply(self) -> None:
        targets = [item for item in self.books.items if item.open > 0 and item.original > 0]
        sources = [item for item in self.books.items if item.open < 0 and item.original < 0]
        if not targets or not sources:
            return
        target, source = self.rng.choice(targets), self.rng.choice(sources)
        if target.currency == source.currency:
            amount = from_source = self._part(min(target.open, -source.open), self._units(target))
        else:
            amount, from_source = self._part(target.open, self._units(target)), self._part(-source.open, self._units(source))
        left = target.open - amount
        discount = self._part(left, self._units(target)) if left > 0 and self.rng.random() < 0.2 else ZERO
        self.count += 1
        took_target = self._move(target, -amount, self._share(target, -amount))
        took_source = self._move(source, from_source, self._share(source, from_source))
        took_discount = self._move(target, -discount, self._share(target, -discount)) if discount else ZERO
        self.books.applications.append(
            Application(
                f"{self.name}.A{self.count:03}",
                *(target, source, amount, from_source, discount, self.today, (took_target, took_discount, took_source)),
            )
        )

    def _live(self) -> list[Application]:
        return [each for each in self.books.applications if each.ended_on == NEVER]

    def _take_back(self) -> None:
        live = self._live()
        for application in self.rng.sample(live, min(len(live), self.rng.randint(1, 2))):
            self._undo(application)

    def _undo(self, application: Application) -> None:
        application.ended_on = self.today
        took_target, took_discount, took_source = application.took
        self._move(application.target, application.amount + application.discount, -took_target - took_discount)
        self._move(application.source, -application.amount_in_source_currency, -took_source)

    def _adjust(self) -> None:
        candidates = [item for item in self.books.items if item.open]
        if not candidates:
            return
        item = self.rng.choice(candidates)
        if self.rng.random() < 0.4:
            base = Decimal(self.rng.randint(-5, 5)).scaleb(-UNITS[self.base_currency])
            self._posting("revaluation", item, ZERO, base, base)
        else:
            sign = 1 if item.original > 0 else -1
            amount = -sign * self._part(abs(item.open), self._units(item))
            booked = self._share(item, amount)
            given = None
            if item.open + amount != 0 and self.rng.random() < 0.5:
                given = booked = booked - sign * Decimal(self.rng.randint(0, 2)).scaleb(-UNITS[self.base_currency])
            self._posting("other", item, amount, given, booked)

    def _posting(self, kind: str, item: Item, amount: Decimal, given: Decimal | None, base: Decimal) -> None:
        self.count += 1
        self._move(item, amount, base)
        self.books.adjustments.append(Adjustment(f"{self.name}.J{self.count:03}", kind, item, amount, given, self.today))

    def _end_item(self) -> None:
        touched = {adjustment.item for adjustment in self.books.adjustments}
        candidates = [item for item in self.books.items if item.ended_on == NEVER and item not in touched]
        if candidates:
            item = self.rng.choice(candidates)
            for application in self._live():
                if item in (application.target, application.source):
                    self._undo(application)
            item.ended_on = self.today
            self._move(item, -item.original, -item.original_base)

    def _settle_the_rest(self) -> None:
        for item in self.books.items:
            if item.open:
                self._posting("other", item, -item.open, None, -item.open_base)
        self._close_day()

    def _close_day(self) -> None:
        for item in self.books.items:
            self.books.balances[item.item_id, self.today] = (item.open, item.open_base)
        self.today += timedelta(days=1)
