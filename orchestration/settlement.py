"""The order of things, followed: which applications fit, and which pieces they settle.

Most of the ledger needs no order: where everything that ever lowers a side is no more than the side, every order gives
the same answer, and SQL gives it (`int_contended_sides`). What is left is contended: more was applied than is open, a
document is paid in installments, or a customer's cash settles the oldest item. There each application is decided in
order, a whole row at a time, at every knowledge time at which any row of its cluster changed.

Within a day: first what is posted, then applications that end, then what raises, then what lowers (by id), last voids
and bounces; after the day, the credits of balance-forward accounts settle what is due longest. Money is in whole
thousandths (int), dates are days since 1970-01-01 (int), knowledge times are ints.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

Span = tuple[int, int]

_EPOCH = date(1970, 1, 1).toordinal()

POST, END, RAISE, LOWER, END_WITH_SIDE, CLOSE = range(6)


class Side(NamedTuple):
    """A document, receipt or stand-alone adjustment as known in [known_from, known_to). ``direction`` +1 debit, -1 credit."""

    key: str
    direction: int
    magnitude: int
    posted_on: int
    due_on: int
    ended_on: int
    pool: str | None
    known_from: int
    known_to: int


class Installment(NamedTuple):
    """One part of a side, an open item of its own, as known in [known_from, known_to)."""

    side_key: str
    sequence: int
    due_on: int
    amount: int
    known_from: int
    known_to: int


class Movement(NamedTuple):
    """An application, adjustment or derived settlement as known in [known_from, known_to).

    ``amount`` lowers the target (negative raises it: adjustments and settlements only), ``source_amount`` lowers the source, ``discount`` comes on top on the
    target. A side that is not contended always has room. ``source_unit`` is the source currency's minor unit.
    """

    kind: str
    id: str
    target: str
    source: str | None
    sequence: int | None
    amount: int
    source_amount: int
    discount: int
    effective_on: int
    ended_on: int
    is_reversed: bool
    is_target_contended: bool
    is_source_contended: bool
    known_from: int
    known_to: int
    source_unit: int = 1


class Piece(NamedTuple):
    """What a movement does to one target item (and one source item). Live on days [effective_on, ended_on)."""

    kind: str
    id: str
    target_item: str
    source_item: str | None
    amount: int
    source_amount: int
    discount: int
    effective_on: int
    ended_on: int
    is_derived: bool


class Held(NamedTuple):
    """An application that is left out whole, and why."""

    id: str
    reason: str
    target: str
    source: str


@dataclass(slots=True)
class _Item:
    key: str
    side: str
    direction: int
    posted_on: int
    due_on: int
    pool: str | None
    magnitude: int
    sequence: int | None = None
    open: int = 0
    automatic: list[_Automatic] = field(default_factory=list)


@dataclass(slots=True)
class _Automatic:
    target: _Item
    source: _Item
    amount: int
    effective_on: int
    ended_on: int


class _Books:
    """The open amounts of one cluster while its days are followed."""

    def __init__(self, sides: Iterable[Side], installments: Iterable[Installment], never: int) -> None:
        self.never = never
        self.items: dict[str, list[_Item]] = {}
        self.automatic: list[_Automatic] = []
        self.debits: dict[str, list[tuple[tuple[int, int, str, int], _Item]]] = defaultdict(list)
        self.credits: dict[str, list[tuple[tuple[int, str, int], _Item]]] = defaultdict(list)
        self.touched: set[str] = set()
        self.by_key: dict[str, _Item] = {}
        parts: dict[str, list[Installment]] = defaultdict(list)
        for part in installments:
            parts[part.side_key].append(part)
        for side in sides:
            own = sorted(parts.get(side.key, ()), key=lambda part: (part.due_on, part.sequence))
            self.items[side.key] = [
                _Item(f"{side.key}:{part.sequence}", side.key, side.direction, side.posted_on, part.due_on, side.pool, part.amount, part.sequence)
                for part in own
            ] or [_Item(side.key, side.key, side.direction, side.posted_on, side.due_on, side.pool, side.magnitude)]
            for item in self.items[side.key]:
                self.by_key[item.key] = item

    def change(self, item: _Item, amount: int) -> None:
        """Raise (+) or lower (-) what is open on the item."""
        was, item.open = item.open, item.open + amount
        if item.pool is not None:
            self.touched.add(item.pool)
            if was <= 0 < item.open:
                if item.direction > 0:
                    heapq.heappush(self.debits[item.pool], ((item.due_on, item.posted_on, item.key, id(item)), item))
                else:
                    heapq.heappush(self.credits[item.pool], ((item.posted_on, item.key, id(item)), item))

    def room(self, side: str, sequence: int | None) -> list[_Item] | None:
        """The items that a movement on the side may lower, earliest due first; None if there is no such installment."""
        items = self.items[side]
        if sequence is None or items[0].sequence is None:
            return items
        return [item for item in items if item.sequence == sequence] or None

    def could_take(self, items: list[_Item], amount: int) -> bool:
        """Whether the items have room for ``amount``, counting what was settled automatically as room."""
        return amount <= sum(max(item.open + sum(settled.amount for settled in item.automatic), 0) for item in items)

    def make_room(self, items: list[_Item], amount: int, day: int) -> None:
        """End automatic settlements of the items where they leave too little: they make way for what the ledger says explicitly."""
        if amount > sum(item.open for item in items if item.open > 0):
            for item in items:
                self.release(item, day)

    def release(self, item: _Item, day: int) -> None:
        """End the automatic settlements of the item."""
        for settled in list(item.automatic):
            settled.ended_on = day
            settled.target.automatic.remove(settled)
            settled.source.automatic.remove(settled)
            self.change(settled.target, settled.amount)
            self.change(settled.source, settled.amount)

    def take(self, items: list[_Item], amount: int) -> list[tuple[_Item, int]]:
        """Lower the items by ``amount``, first come first; beyond what is open the last one takes the rest."""
        taken: list[tuple[_Item, int]] = []
        for item in items:
            part = min(max(item.open, 0), amount)
            if part or item is items[-1]:
                if item is items[-1]:
                    part = amount
                if part or not taken:
                    taken.append((item, part))
                    self.change(item, -part)
                amount -= part
        return taken

    def give_back(self, items: list[_Item], amount: int) -> list[tuple[_Item, int]]:
        """Raise the items by ``amount``: what was lowered last, due latest, comes back first; the rest on the last one."""
        given = {id(items[-1]): 0}
        for item in reversed(items):
            part = min(max(item.magnitude - item.open, 0), amount)
            given[id(item)] = part
            amount -= part
        given[id(items[-1])] += amount
        raised = [(item, given[id(item)]) for item in reversed(items) if given[id(item)]]
        for item, part in raised:
            self.change(item, part)
        return raised

    def settle_oldest(self, day: int) -> None:
        """At the close of the day: credits of balance-forward accounts, oldest first, settle what is due longest."""
        for pool in sorted(self.touched):
            debits, credits = self.debits[pool], self.credits[pool]
            while debits and credits:
                debit, credit = debits[0][1], credits[0][1]
                if debit.open <= 0:
                    heapq.heappop(debits)
                elif credit.open <= 0:
                    heapq.heappop(credits)
                else:
                    amount = min(debit.open, credit.open)
                    settled = _Automatic(debit, credit, amount, day, self.never)
                    debit.automatic.append(settled)
                    credit.automatic.append(settled)
                    self.automatic.append(settled)
                    debit.open -= amount
                    credit.open -= amount
        self.touched.clear()


def _split(
    targets: list[tuple[_Item | str, int]], sources: list[tuple[_Item | str, int]], movement: Movement
) -> Iterator[tuple[_Item | str, _Item | str, int, int]]:
    """Pair the parts of the target with the parts of the source: (target, source, amount, source amount), each side adding up to its own total."""
    if len(sources) == 1:
        source, left, gone = sources[0][0], movement.source_amount, 0
        for index, (target, amount) in enumerate(targets):
            gone += amount
            if index == len(targets) - 1:
                share = left
            elif movement.source_amount == movement.amount:
                share = amount
            else:
                # Across currencies in proportion, half up to the minor unit; the last part takes the rest.
                scale = movement.amount * movement.source_unit
                reached = (2 * movement.source_amount * gone + scale) // (2 * scale) * movement.source_unit
                share = reached - (movement.source_amount - left)
            left -= share
            yield target, source, amount, share
        return
    # A credit in parts: within one currency the parts overlap like two rulers.
    reach_target = reach_source = position = 0
    bounds_target, bounds_source = [], []
    total = sum(amount for _, amount in targets)
    for target, amount in targets:
        reach_target += amount
        bounds_target.append((reach_target, target))
    for index, (source, amount) in enumerate(sources):
        reach_source += amount
        at = total if index == len(sources) - 1 else reach_source * total // max(movement.source_amount, 1)
        bounds_source.append((at, source, amount))
    used: dict[int, int] = defaultdict(int)
    i = j = 0
    while i < len(bounds_target) and j < len(bounds_source):
        end = min(bounds_target[i][0], bounds_source[j][0])
        amount = end - position
        last_of_source = end == bounds_source[j][0]
        share = bounds_source[j][2] - used[j] if last_of_source else min(amount, bounds_source[j][2] - used[j])
        used[j] += share
        if amount or share:
            yield bounds_target[i][1], bounds_source[j][1], amount, share
        position = end
        if end == bounds_target[i][0]:
            i += 1
        if last_of_source:
            j += 1


def _key(item: _Item | str) -> str:
    return item if isinstance(item, str) else item.key


def _apply(books: _Books, movement: Movement, day: int) -> list[Piece] | Held:
    """Decide one application, whole or not at all."""
    need = movement.amount + movement.discount
    assert movement.source is not None
    targets = sources = None
    if movement.is_target_contended:
        targets = books.room(movement.target, movement.sequence)
        if targets is None:
            return Held(movement.id, "installment_missing", movement.target, movement.source)
        if not books.could_take(targets, need):
            return Held(movement.id, "exceeds_open_target", movement.target, movement.source)
    if movement.is_source_contended:
        sources = books.room(movement.source, None)
        if sources is None or not books.could_take(sources, movement.source_amount):
            return Held(movement.id, "exceeds_open_source", movement.target, movement.source)
    # Only what is not held moves anything.
    if targets is not None:
        books.make_room(targets, need, day)
    if sources is not None:
        books.make_room(sources, movement.source_amount, day)
    taken: list[tuple[_Item | str, int]] = [(movement.target, movement.amount)]
    discounts: list[tuple[_Item | str, int]] = [(movement.target, movement.discount)]
    drawn: list[tuple[_Item | str, int]] = [(movement.source, movement.source_amount)]
    if targets is not None:
        taken = list(books.take(targets, movement.amount))
        discounts = list(books.take(targets, movement.discount)) if movement.discount else []
    if sources is not None:
        drawn = list(books.take(sources, movement.source_amount))
    discount_of = {_key(item): amount for item, amount in discounts}
    pieces = []
    for target, source, amount, source_amount in _split(taken, drawn, movement):
        discount = discount_of.pop(_key(target), 0)
        pieces.append(Piece("application", movement.id, _key(target), _key(source), amount, source_amount, discount, day, movement.ended_on, False))
    for target_key, discount in discount_of.items():
        if discount:
            pieces.append(Piece("application", movement.id, target_key, _key(drawn[-1][0]), 0, 0, discount, day, movement.ended_on, False))
    return pieces


def _follow(sides: list[Side], installments: list[Installment], movements: list[Movement], never: int) -> tuple[list[Piece], list[Held]]:
    """Follow one cluster through its days, as known at one moment."""
    books = _Books(sides, installments, never)
    steps: list[tuple[int, int, str, int, Side | Movement]] = []
    for side in sides:
        steps.append((side.posted_on, POST, side.key, 0, side))
        if side.ended_on < never:
            steps.append((side.ended_on, CLOSE, side.key, 0, side))
    for movement in movements:
        phase = LOWER if movement.kind == "application" or movement.amount >= 0 else RAISE
        steps.append((movement.effective_on, phase, movement.id, 0, movement))
        if movement.ended_on < never:
            steps.append((movement.ended_on, END if movement.is_reversed else END_WITH_SIDE, movement.id, 1, movement))
    steps.sort(key=lambda step: step[:4])
    pieces: list[Piece] = []
    held: list[Held] = []
    live: dict[str, list[Piece]] = {}
    for index, (day, phase, _, _, subject) in enumerate(steps):
        if isinstance(subject, Side):
            for item in books.items[subject.key]:
                if phase == POST:
                    books.change(item, item.magnitude)
                else:
                    books.release(item, day)
                    books.change(item, -item.magnitude)
        elif phase in (END, END_WITH_SIDE):
            for piece in live.pop(subject.id, ()):
                if piece.target_item in books.by_key:
                    books.change(books.by_key[piece.target_item], piece.amount + piece.discount)
                if piece.source_item in books.by_key:
                    books.change(books.by_key[piece.source_item], piece.source_amount)
        elif subject.kind == "application":
            outcome = _apply(books, subject, day)
            if isinstance(outcome, Held):
                held.append(outcome)
            else:
                pieces.extend(outcome)
                live[subject.id] = outcome
        else:
            items = books.items[subject.target]
            if subject.amount >= 0:
                books.make_room(items, subject.amount, day)
                parts = books.take(items, subject.amount)
            else:
                parts = [(item, -amount) for item, amount in books.give_back(items, -subject.amount)]
            for item, amount in parts:
                pieces.append(Piece(subject.kind, subject.id, item.key, None, amount, 0, 0, day, never, subject.kind == "settlement"))
        if index + 1 == len(steps) or steps[index + 1][0] != day:
            books.settle_oldest(day)
    for settled in books.automatic:
        if settled.effective_on < settled.ended_on:
            name = f"oldest_first:{settled.source.key}:{settled.target.key}:{date.fromordinal(_EPOCH + settled.effective_on)}"
            pieces.append(
                Piece(
                    "application", name, settled.target.key, settled.source.key, settled.amount, settled.amount, 0, settled.effective_on, settled.ended_on, True
                )
            )
    return pieces, held


def settle(
    sides: list[Side],
    installments: list[Installment],
    movements: list[Movement],
    *,
    never: int,
    always: int,
    since: int | None = None,
    before: Iterable[tuple[Piece | Held, Span]] = (),
) -> Iterator[tuple[Piece | Held, Span]]:
    """Yield every piece and held application of one cluster with the stretch of knowledge time in which it holds.

    The cluster is followed anew at each moment at which any of its rows changed; equal outcomes of adjacent moments are one. ``never`` is the date of what
    has not ended, ``always`` the open end of knowledge time. Where no row was known otherwise before the moment ``since``, it is followed from there only:
    ``before`` is what was yielded when all moments before it were.
    """
    rows: list[Side | Installment | Movement] = [*sides, *installments, *movements]
    moments = sorted({row.known_from for row in rows} | {row.known_to for row in rows if row.known_to < always})
    open_spans: dict[Piece | Held, Span] = {}
    if since is not None:
        moments = [since, *(moment for moment in moments if moment > since)]
        for outcome, (known_from, known_to) in before:
            if known_from < since <= known_to:
                open_spans[outcome] = (known_from, since)
            elif known_to < since:
                yield outcome, (known_from, known_to)
    for index, moment in enumerate(moments):
        until = moments[index + 1] if index + 1 < len(moments) else always
        pieces, held = _follow(
            [row for row in sides if row.known_from <= moment < row.known_to],
            [row for row in installments if row.known_from <= moment < row.known_to],
            [row for row in movements if row.known_from <= moment < row.known_to],
            never,
        )
        now: dict[Piece | Held, Span] = {}
        outcomes: list[Piece | Held] = [*pieces, *held]
        for outcome in outcomes:
            span = open_spans.pop(outcome, None)
            now[outcome] = (span[0] if span else moment, until)
        yield from open_spans.items()
        open_spans = now
    yield from open_spans.items()


def clusters(
    sides: Iterable[Side], installments: Iterable[Installment], movements: Iterable[Movement]
) -> Iterator[tuple[list[Side], list[Installment], list[Movement]]]:
    """Group rows so that no decision in one group depends on another: contended sides that share an application or a balance-forward account."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    def join(left: str, right: str) -> None:
        left, right = root(left), root(right)
        if left != right:
            parent[max(left, right)] = min(left, right)

    sides, installments, movements = list(sides), list(installments), list(movements)
    for side in sides:
        root(side.key)
        if side.pool is not None:
            join(side.key, f"pool|{side.pool}")
    for movement in movements:
        if movement.source is not None and movement.is_target_contended and movement.is_source_contended:
            join(movement.target, movement.source)
    groups: dict[str, tuple[list[Side], list[Installment], list[Movement]]] = defaultdict(lambda: ([], [], []))
    for side in sides:
        groups[root(side.key)][0].append(side)
    for part in installments:
        groups[root(part.side_key)][1].append(part)
    for movement in movements:
        anchor = movement.target if movement.is_target_contended else movement.source
        assert anchor is not None
        groups[root(anchor)][2].append(movement)
    for name in sorted(groups):
        yield groups[name]
