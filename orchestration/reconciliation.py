"""Why the general ledger and the subledger differ: which of the rows that only one of them may hold make up the difference, exactly.

A cause is claimed only when the rows behind it close the difference to the last unit, by the rules of decision 0013; the smallest number of causes wins, and
among as many the first in the order of EVIDENCE and then of the incidents. Where nothing closes it, rows that are known to be outside the subledger are shown
when they can be a part of it, and the rest stays unexplained. Money is in whole thousandths (int); positive adds to general ledger less subledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import NamedTuple

TIMING, JOURNAL, UNAPPLIED, ROUNDING = "timing", "manual_journal", "unapplied", "exchange_rounding"
MISSING, HELD, REJECTED = "missing_document", "held", "rejected"
CAUSES = (TIMING, JOURNAL, UNAPPLIED, ROUNDING, MISSING, HELD, REJECTED)

# Kinds of evidence in the order in which they are preferred, each with its cause. `standing` is what an earlier period end was explained by and nobody mended.
EVIDENCE = {
    "late": TIMING,
    "held": HELD,
    "rejected": REJECTED,
    "standing": MISSING,
    "unidentified": UNAPPLIED,
    "unapplied": UNAPPLIED,
    "journal": JOURNAL,
    "revaluation": JOURNAL,
    "absent": MISSING,
}
# Evidence of rows that are certainly in one ledger only: they may be a part of a difference that nothing closes.
CERTAIN = ("late", "held", "rejected", "standing")
# Evidence in which one row alone may be what differs.
SINGLE = ("held", "rejected", "absent")
CUTOFF_DAYS = 7
MOST_CAUSES = 4


class Line(NamedTuple):
    """One balance of the general ledger beside the subledger's, and the difference at the period ends around it (None: none delivered yet)."""

    id: str
    company_id: str
    account: str
    period_end: date
    kind: str
    currency: str
    base_currency: str
    difference: int
    prior_period_end: date
    next_period_end: date | None
    next_difference: int | None
    # In base currency: whether the company delivers document currencies too, and twice the most that rounding can come to.
    has_documents: bool
    twice_rounding: int


class Row(NamedTuple):
    """A row of one ledger that the other may lack: what it adds to the difference of its line, in document and base currency (None: no rate)."""

    evidence: str
    object_type: str
    object_id: str
    posted_on: date | None
    amount: int
    amount_base: int | None
    told: str
    # The first day on which it makes no difference any more; None: still.
    counts_until: date | None = None
    is_one_of_several: bool = False


class Posting(NamedTuple):
    """A movement of the subledger on one day."""

    object_type: str
    object_id: str
    event_type: str
    posted_on: date
    amount: int
    amount_base: int
    is_journal: bool


class Day(NamedTuple):
    """The subledger's movements of one day, summed."""

    posted_on: date
    amount: int
    amount_base: int
    postings: int


class Claim(NamedTuple):
    """A row that makes up a part of a line's difference; ``amount`` in the line's currency."""

    cause: str
    object_type: str
    object_id: str
    posted_on: date | None
    amount: int
    amount_base: int | None
    told: str


@dataclass(frozen=True)
class Explanation:
    """What makes up a line's difference, and what is left of it."""

    line: Line
    claims: tuple[Claim, ...]

    @property
    def unexplained(self) -> int:
        """What no claim explains."""
        return self.line.difference - sum(claim.amount for claim in self.claims)


@dataclass(frozen=True)
class Books:
    """Where postings are looked up: those of one amount (at most two, to tell a single one) and those of the days around a period end.

    ``postings(line, amount, after, until)`` and ``days(line, after, until)`` take days as (after, until]; amounts are in the line's currency.
    """

    postings: Callable[[Line, int, date, date], Sequence[Posting]]
    days: Callable[[Line, date, date], Sequence[Day]]


def explain(lines: Iterable[Line], rows: Mapping[str, Sequence[Row]], books: Books) -> Iterator[Explanation]:
    """Yield the explanation of every line that differs, those in document currency first; ``rows`` is the evidence by line.

    A line in base currency takes over what explains the lines in document currency beside it.
    """
    accounts: dict[tuple[str, str, str, str], list[Line]] = defaultdict(list)
    for line in lines:
        accounts[line.kind, line.company_id, line.account, line.currency].append(line)
    documents: dict[tuple[str, str, date], list[Explanation]] = defaultdict(list)
    for (kind, *_), account in sorted(accounts.items(), key=lambda entry: (entry[0][0] == "base_total", entry[0])):
        standing: tuple[Claim, ...] = ()
        for line in sorted(account, key=lambda each: each.period_end):
            if not line.difference:
                standing = ()
                continue
            evidence = [*rows.get(line.id, ()), *(Row("standing", c.object_type, c.object_id, c.posted_on, c.amount, c.amount_base, c.told) for c in standing)]
            if kind == "base_total" and line.has_documents:
                found = _in_base(line, documents[line.company_id, line.account, line.period_end], evidence)
            else:
                found = _alone(line, evidence, books)
            if not found.unexplained:
                standing = tuple(claim for claim in found.claims if claim.cause == MISSING)
            if kind == "document_currency":
                documents[line.company_id, line.account, line.period_end].append(found)
            yield found


def _alone(line: Line, evidence: Sequence[Row], books: Books) -> Explanation:
    """Explain a line by itself."""
    groups = _groups(line, evidence)
    names = [name for name in EVIDENCE if groups.get(name)]
    totals = {name: _total(line, groups[name]) for name in names}
    names = [name for name in names if totals[name]]
    objects = {name: _objects(groups[name]) for name in names}
    singles = {is_gone: _singles(line, evidence, is_gone=is_gone) for is_gone in (False, True)}
    for causes in range(1, MOST_CAUSES + 1):
        for chosen in _disjoint(objects, names, causes):
            if sum(totals[name] for name in chosen) == line.difference:
                return Explanation(line, tuple(_claims(line, groups, chosen)))
        for chosen in _disjoint(objects, names, causes - 1):
            rest = line.difference - sum(totals[name] for name in chosen)
            if not rest:
                continue
            alone = _one_row(rest, [kind for kind in SINGLE if kind not in chosen], singles[_is_gone(line, rest)])
            incident = alone or _incident(line, rest, books)
            if incident and all(objects[name].isdisjoint(_objects(incident)) for name in chosen):
                return Explanation(line, (*_claims(line, groups, chosen), *incident))
    return Explanation(line, _certain_part(line, groups, totals))


def _disjoint(objects: Mapping[str, set[tuple[str, str]]], names: Sequence[str], count: int) -> Iterator[tuple[str, ...]]:
    """Yield the choices of so many kinds of evidence, in order, in which no document counts twice; ``objects`` are those of each kind."""
    for chosen in combinations(names, count):
        if all(objects[one].isdisjoint(objects[other]) for one, other in combinations(chosen, 2)):
            yield chosen


def _objects(rows: Iterable[Row | Claim]) -> set[tuple[str, str]]:
    return {(row.object_type, row.object_id) for row in rows}


def _groups(line: Line, evidence: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows that add something by kind of evidence; not a kind with an amount that is unknown in the line's currency."""
    groups: dict[str, list[Row]] = defaultdict(list)
    unusable = set()
    for row in evidence:
        amount = _amount(line, row)
        if amount is None:
            unusable.add(row.evidence)
        elif amount and not row.is_one_of_several:
            groups[row.evidence].append(row)
    for name, rows in groups.items():
        if _is_gone(line, _total(line, rows)) and all(_still_counts(line, row) for row in rows):
            unusable.add(name)
    return {name: rows for name, rows in groups.items() if name not in unusable}


def _total(line: Line, rows: Iterable[Row]) -> int:
    return sum(_amount(line, row) or 0 for row in rows)


def _still_counts(line: Line, row: Row) -> bool:
    """Tell whether a row makes its difference at the next period end too: then it cannot be what is gone there."""
    return line.next_period_end is not None and (row.counts_until is None or row.counts_until > line.next_period_end)


def _amount(line: Line, row: Row) -> int | None:
    return row.amount_base if line.kind == "base_total" else row.amount


def _claim(line: Line, row: Row) -> Claim:
    return Claim(EVIDENCE[row.evidence], row.object_type, row.object_id, row.posted_on, _amount(line, row) or 0, row.amount_base, row.told)


def _claims(line: Line, groups: Mapping[str, Sequence[Row]], chosen: Iterable[str]) -> Iterator[Claim]:
    return (_claim(line, row) for name in chosen for row in groups[name])


def _incident(line: Line, rest: int, books: Books) -> tuple[Claim, ...]:
    """Return what alone comes to ``rest``: one posting, the postings of a few days, or a journal that was taken back."""
    last = line.next_period_end or line.period_end + timedelta(days=CUTOFF_DAYS)
    before = books.postings(line, -rest, line.prior_period_end, line.period_end)
    after = books.postings(line, rest, line.period_end, last)
    if len(before) + len(after) == 1:
        claimed = _one_posting(line, rest, (*before, *after)[0])
        if claimed:
            return claimed
    found = _few_days(line, rest, books)
    # Where several postings come to it, it is one of them, though nobody knows which: no journal of the general ledger alone.
    return found if found or before or after else _taken_back(line, rest)


def _singles(line: Line, evidence: Sequence[Row], *, is_gone: bool) -> dict[str, dict[int, list[tuple[Claim, ...]]]]:
    """Return the objects of which one alone may be what differs, by kind of evidence and amount: where it is gone, not those that still count."""
    whole: dict[str, dict[tuple[object, ...], list[Claim]]] = {kind: defaultdict(list) for kind in SINGLE}
    for place, row in enumerate(evidence):
        if row.evidence in whole and _amount(line, row) and not (is_gone and _still_counts(line, row)):
            whole[row.evidence][row.object_type, row.object_id, place if row.is_one_of_several else None].append(_claim(line, row))
    singles: dict[str, dict[int, list[tuple[Claim, ...]]]] = {}
    for kind, objects in whole.items():
        by_amount = singles[kind] = defaultdict(list)
        for claims in objects.values():
            by_amount[sum(claim.amount for claim in claims)].append(tuple(claims))
    return singles


def _one_row(rest: int, kinds: Iterable[str], singles: Mapping[str, Mapping[int, Sequence[tuple[Claim, ...]]]]) -> tuple[Claim, ...]:
    """Return the only object of one of ``kinds`` that comes to ``rest``."""
    for kind in kinds:
        if len(fitting := singles[kind].get(rest, ())) == 1:
            return fitting[0]
    return ()


def _one_posting(line: Line, rest: int, posting: Posting) -> tuple[Claim, ...]:
    """Return the only posting of this amount: on or before the period end it is not in the general ledger yet, after it it is already."""
    is_after = posting.posted_on > line.period_end
    is_near = abs((posting.posted_on - line.period_end).days) < CUTOFF_DAYS
    is_timing = _is_gone(line, rest) or (line.next_difference != line.difference and is_near)
    if is_after and not is_timing:
        return ()
    cause = JOURNAL if posting.is_journal else TIMING if is_timing else MISSING
    if is_after:
        told = f"{posting.event_type} posted here after the period end, in the general ledger before it"
    else:
        told = f"{posting.event_type} posted here, in the general ledger {'after the period end' if is_timing else 'not at all'}"
    sign = 1 if is_after else -1
    return (Claim(cause, posting.object_type, posting.object_id, posting.posted_on, sign * _of(line, posting), sign * posting.amount_base, told),)


def _is_gone(line: Line, rest: int) -> bool:
    """Tell whether just this much of the difference is gone at the next period end."""
    return line.next_difference is not None and line.next_difference == line.difference - rest


def _few_days(line: Line, rest: int, books: Books) -> tuple[Claim, ...]:
    """Return the postings of the first days after the period end (or the last before it), when the general ledger was cut off so many days later (earlier)."""
    if line.next_difference == line.difference:
        return ()
    reach = timedelta(days=CUTOFF_DAYS)
    after = sorted(books.days(line, line.period_end, min(line.period_end + reach, line.next_period_end or date.max)))
    before = sorted(books.days(line, max(line.period_end - reach, line.prior_period_end), line.period_end), reverse=True)
    for sign, days, told in ((1, after, "the general ledger was closed after this day"), (-1, before, "the general ledger was closed before this day")):
        sum_so_far = 0
        for count, day in enumerate(days, start=1):
            sum_so_far += sign * _of(line, day)
            if sum_so_far == rest:
                return tuple(
                    Claim(TIMING, "posting_day", each.posted_on.isoformat(), each.posted_on, sign * _of(line, each), sign * each.amount_base,
                          f"all {each.postings} postings of the day: {told}")
                    for each in days[:count]
                )  # fmt: skip
    return ()


def _of(line: Line, booked: Posting | Day) -> int:
    return booked.amount_base if line.kind == "base_total" else booked.amount


def _taken_back(line: Line, rest: int) -> tuple[Claim, ...]:
    """Return a posting of the general ledger alone: what moves a control account and is no posting of the subledger is a manual journal."""
    if not _is_gone(line, rest):
        return ()
    told = f"in the general ledger alone: there on {line.period_end}, taken back by {line.next_period_end}, and no posting of the subledger comes to it"
    base = rest if line.currency == line.base_currency else None
    return (Claim(JOURNAL, "period", line.period_end.isoformat(), None, rest, base, told),)


def _certain_part(line: Line, groups: Mapping[str, Sequence[Row]], totals: Mapping[str, int]) -> tuple[Claim, ...]:
    """Return the largest sum of certain rows that can be a part of the difference: of its sign, and smaller."""
    best: tuple[str, ...] = ()
    names = [name for name in CERTAIN if totals.get(name)]
    objects = {name: _objects(groups[name]) for name in names}
    for causes in range(1, len(names) + 1):
        for chosen in _disjoint(objects, names, causes):
            part = sum(totals[name] for name in chosen)
            if 0 < part * line.difference < line.difference**2 and abs(part) > abs(sum(totals[name] for name in best)):
                best = chosen
    return tuple(_claims(line, groups, best))


def _in_base(line: Line, documents: Sequence[Explanation], evidence: Sequence[Row]) -> Explanation:
    """Explain a line in base currency by what explains its document currencies, and what is left by what moves base amounts only."""
    inherited = [claim for found in documents for claim in found.claims]
    known = [_at(claim, claim.amount_base) for claim in inherited if claim.amount_base is not None]
    unknown = [claim for claim in inherited if claim.amount_base is None]
    rest = line.difference - sum(claim.amount for claim in known)
    # Rows that move the base amount alone: revaluations, and rates that were mended since the general ledger was read.
    own = _groups(line, [row for row in evidence if row.amount == 0])
    totals = {name: _total(line, rows) for name, rows in own.items() if name in ("late", "revaluation")}
    are_tied = not any(found.unexplained for found in documents)
    choices = [chosen for count in range(len(totals) + 1) for chosen in combinations(totals, count)]
    for chosen in choices:
        left = rest - sum(totals[name] for name in chosen)
        claims = [*known, *_claims(line, own, chosen)]
        if not left and not unknown:
            return Explanation(line, tuple(claims))
        if are_tied and len(unknown) == 1 and left * unknown[0].amount > 0:
            told = f"{unknown[0].told}; no rate here, so its base amount is what the general ledger shows beyond everything else"
            return Explanation(line, (*claims, _at(unknown[0], left)._replace(told=told)))
    for chosen in choices if are_tied and not unknown else ():
        left = rest - sum(totals[name] for name in chosen)
        if 2 * abs(left) <= line.twice_rounding:
            claims = [*known, *_claims(line, own, chosen)]
            told = f"document currencies are explained; the movements of open items in other currencies can round to {_money(line.twice_rounding)} at most"
            return Explanation(line, (*claims, Claim(ROUNDING, "open_items", line.currency, None, left, left, told)))
    if are_tied and not unknown and rest:
        return Explanation(line, (*known, *_taken_back(line, rest)))
    return Explanation(line, tuple(known))


def _at(claim: Claim, amount: int) -> Claim:
    """Return the claim at this base amount."""
    return claim._replace(amount=amount, amount_base=amount)


def _money(twice_thousandths: int) -> str:
    return format(Decimal(twice_thousandths) / 2000, "f")
