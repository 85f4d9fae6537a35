"""The debit documents of a block of relations: when, how much, in which currency, due when, and which story they follow.

Amounts are whole minor units of their currency throughout: nothing is ever rounded by a float.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.demo import days, rates
from orchestration.demo.chance import Chance, Flags, Ints
from orchestration.demo.parties import TERMS, Relations
from orchestration.demo.rates import Rates
from orchestration.demo.stories import Story, choose_stories

TYPES = ["invoice", "debit_memo", "finance_charge", "opening_balance", "journal_debit", "refund", "credit_memo", "opening_credit", "journal_credit"]
INVOICE, DEBIT_MEMO, FINANCE_CHARGE, OPENING, JOURNAL_DEBIT, REFUND, CREDIT_MEMO, OPENING_CREDIT, JOURNAL_CREDIT = range(len(TYPES))

# Business by month of the year, and its growth: per mille per month since the start.
_SEASON = [92, 95, 109, 98, 101, 107, 93, 82, 105, 111, 117, 90]
_GROWTH = 7
_MONTH_END_RUSH = 160


def _amounts() -> Ints:
    """Return a thousand amounts in euro cents, each 0.95 % above the one before: from 15.00 to about 190,000.00."""
    amount, amounts = 1_500_000_000, []
    for _ in range(1000):
        amounts.append(amount // 1_000_000)
        amount += amount * 95 // 10_000
    return np.array(amounts, dtype=np.int64)


AMOUNTS = _amounts()


@dataclass(frozen=True)
class Documents:
    """Documents, one array each; `relation` is a position in the block's relations."""

    number: Ints
    relation: Ints
    kind: Ints
    day: Ints
    posting: Ints
    known: Ints  # the day on which the ledger's extract could first show it
    due: Ints
    gross: Ints
    tax: Ints
    currency: Ints
    base: Ints
    rate: Ints  # 0: in base currency
    gross_base: Ints
    story: Ints

    def __len__(self) -> int:
        return len(self.number)


def apportion(relations: Relations, total: int) -> Ints:
    """Share `total` documents out by weight, to the last one, with as little rounding as possible."""
    edges = np.cumsum(relations.weight)
    shares = edges * total // edges[-1]
    result: Ints = np.diff(shares, prepend=0)
    return result


def make_documents(chance: Chance, rate_table: Rates, relations: Relations, counts: Ints, first_number: int) -> Documents:
    """Draw the debit documents of some relations, `counts` for each."""
    relation = np.repeat(np.arange(len(relations), dtype=np.int64), counts)
    number = first_number + np.arange(len(relation), dtype=np.int64)
    habit_is_slow = np.isin(relations.habit[relation], [2, 3, 4])
    kind = chance.pick("kind", number, [968, 16, 12, 2])
    kind = np.array([INVOICE, DEBIT_MEMO, FINANCE_CHARGE, JOURNAL_DEBIT], dtype=np.int64)[kind]
    kind = np.where((kind == FINANCE_CHARGE) & ~habit_is_slow, INVOICE, kind)

    day = _business_days(chance, number, relations.opened[relation])
    is_opening = (relations.opened[relation] == days.START) & chance.often("opening", number, 30)
    kind = np.where(is_opening, OPENING, kind)
    before = days.business(days.START - chance.between("before", number, 5, 75))
    day = np.where(is_opening, before, day)
    late_posting = np.where(chance.often("posted later", number, 80), chance.between("posting lag", number, 1, 3), 0)
    posting = np.where(is_opening, days.START, np.minimum(days.business(day + late_posting), days.END))
    # Backdated: entered weeks after the posting date that it carries.
    is_backdated = chance.often("backdated", number, 5)
    known = np.where(is_backdated, days.business(posting + chance.between("backdated by", number, 9, 30)), posting)

    terms = np.where(kind == FINANCE_CHARGE, len(TERMS) - 1, relations.terms[relation])
    due = due_date(day, terms)

    currency, base = relations.currency[relation], relations.base[relation]
    gross = _gross(chance, number, relations.size[relation], currency, kind == FINANCE_CHARGE)
    story = choose_stories(chance, number, relations, relation, np.isin(kind, [INVOICE, DEBIT_MEMO]))
    in_lots = (currency != base) & (story == Story.TWO_PARTS)
    lot = rates.lot(currency)
    gross = np.where(in_lots, (gross // lot + 2) * lot, gross)
    rate = rate_table.on(currency, base, posting)
    tax_rate = np.where((base == rates.USD) | (currency != base) | (kind > DEBIT_MEMO), 0, np.where(base == rates.EUR, 19, 20))
    return Documents(
        number=number,
        relation=relation,
        kind=kind,
        day=day,
        posting=posting,
        known=known,
        due=due,
        gross=gross,
        tax=gross * tax_rate // (100 + tax_rate),
        currency=currency,
        base=base,
        rate=rate,
        gross_base=rate_table.to_base(gross, currency, base, rate),
        story=story,
    )


def due_date(day: Ints, terms: Ints) -> Ints:
    """Return the due dates that the terms give: net days, then the month's end; or a day of the following month."""
    net = np.array([t.net_days for t in TERMS], dtype=np.int64)[terms]
    fixed = np.array([t.fixed_day for t in TERMS], dtype=np.int64)[terms]
    is_month_end = np.array([t.end_of_month for t in TERMS])[terms]
    due = np.where(is_month_end, days.month_end(day + net), day + net)
    result: Ints = np.where(fixed > 0, days.fixed_day_of_next_month(day + net, fixed), due)
    return result


def discount_day(day: Ints, terms: Ints) -> Ints:
    """Return the last day on which the terms' discount is earned (the document's day where there is none)."""
    result: Ints = day + np.array([t.discount_days for t in TERMS], dtype=np.int64)[terms]
    return result


def discount_percent(terms: Ints) -> Ints:
    """Return the terms' discount in per cent."""
    result: Ints = np.array([t.discount_percent for t in TERMS], dtype=np.int64)[terms]
    return result


def _business_days(chance: Chance, number: Ints, opened: Ints) -> Ints:
    """Draw document dates: by season, growth and month end, from the day the relation opened."""
    calendar = days.business_days(days.START, days.END)
    months = days.month(calendar)
    rush = np.where(days.month_end(calendar) - calendar < 4, _MONTH_END_RUSH, 100)
    weights = np.array(_SEASON, dtype=np.int64)[months % 12] * (1000 + _GROWTH * months) * rush
    edges = np.cumsum(weights)
    start = np.searchsorted(calendar, opened, side="left")
    low = np.where(start > 0, edges[np.maximum(start - 1, 0)], 0)
    drawn = low + chance.below("day", number, edges[-1] - low)
    result: Ints = calendar[np.searchsorted(edges, drawn, side="right")]
    return result


def _gross(chance: Chance, number: Ints, size: Ints, currency: Ints, is_small: Flags) -> Ints:
    """Draw amounts in minor units: log-normal around the relation's typical size, small for finance charges."""
    level = np.clip(280 + size + chance.bell("amount", number, 210), 0, len(AMOUNTS) - 1)
    cents = AMOUNTS[level] + chance.below("cents", number, 100)
    cents = np.where(is_small, chance.between("charge", number, 900, 9_000), cents)
    result: Ints = cents * rates.SIZES[currency] // 100 * 10 ** rates.MINOR_UNITS[currency] // 100
    return result
