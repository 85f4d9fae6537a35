"""Cash: what each relation pays on a day is one receipt, applied to the documents it was meant for.

A PART is the share of a receipt that settles one document (or a transferred item); one array a column, as everywhere.
"""

from __future__ import annotations

import numpy as np

from orchestration.demo import days, postings
from orchestration.demo.block import Block
from orchestration.demo.chance import Ints
from orchestration.demo.days import NEVER, drop_of
from orchestration.demo.postings import ADJUSTMENT, DEBIT, NONE, Postings
from orchestration.demo.settlements import LATER
from orchestration.demo.stories import Story

_CHEQUE, _BILL = 2, 4  # ways of paying that are not final at once
_FINAL_AFTER = 6
_SOLO_TRANSFER = 3

Parts = dict[str, Ints]


def planned_parts(block: Block, rows: Postings) -> Parts:
    """Return the parts that are paid within the demo; posts the transfers whose items some of them settle."""
    docs = block.docs
    parts = block.plans.cash.columns()
    parts = {key: values[parts["day"] <= days.END] for key, values in parts.items()}
    at = parts["document"]
    parts["relation"] = docs.relation[at]
    parts["target_prefix"] = np.full(len(at), DEBIT)
    parts["target_number"] = docs.number[at]
    parts["currency"] = np.where(parts["crosses"] > 0, docs.base[at], docs.currency[at])
    transferred = _transfers(block, rows)
    parts = {key: np.concatenate([values, transferred[key]]) for key, values in parts.items()}
    parts["extra"] = np.zeros(len(parts["day"]), dtype=np.int64)
    parts["part"] = np.arange(len(parts["day"]), dtype=np.int64)
    return parts


def post(block: Block, rows: Postings, parts: Parts, book: Ints) -> Parts:
    """Gather the parts into receipts, post these and apply them; returns the parts, sorted, with their receipts' numbers."""
    docs, relations = block.docs, block.relations
    # A part that is `solo` has a receipt of its own: something will happen to it alone.
    solo = np.where(parts["solo"] > 0, parts["document"] * 4 + parts["solo"], 0)
    order = np.lexsort((parts["target_number"], solo, parts["day"], parts["relation"]))
    parts = {key: values[order] for key, values in parts.items()}
    first = np.ones(len(order), dtype=bool)
    first[1:] = np.any([np.diff(parts["relation"]) != 0, np.diff(parts["day"]) != 0, np.diff(solo[order]) != 0], axis=0)
    group = np.cumsum(first) - 1
    parts["receipt"] = rows.counters.receipts + 1 + group
    rows.counters.receipts += int(first.sum())
    # A foreign document that is paid in base currency brings what the day's rate gives.
    _, in_base = block.base_of(parts["document"], parts["amount"], parts["day"])
    parts["received"] = np.where(parts["crosses"] > 0, in_base, parts["amount"])

    starts = np.flatnonzero(first)
    amount = np.add.reduceat(parts["received"] + parts["extra"], starts) if len(starts) else np.zeros(0, dtype=np.int64)
    one = {key: values[starts] for key, values in parts.items()}
    base = relations.base[one["relation"]]
    rate = block.rates.on(one["currency"], base, one["day"])
    amount_base = block.rates.to_base(amount, one["currency"], base, rate)
    _post_receipts(block, rows, one, rate, amount, amount_base)

    # Some are applied days later; foreign ones at once, so that each clears its base amount in one go.
    can_wait = (one["solo"] == 0) & (one["currency"] == base) & block.chance.often("applied later", one["receipt"], 70)
    lag = np.where(can_wait, block.chance.between("lag", one["receipt"], 1, 21), 0)
    applied = np.where(parts["applied"] > 0, parts["applied"], days.business(parts["day"] + lag[group]))
    applies = ~relations.is_oldest_first[parts["relation"]] & (applied <= days.END)
    chosen = {key: values[applies] for key, values in parts.items()}
    applied, receipt_base = applied[applies], amount_base[group][applies]
    target_currency = np.where(chosen["target_prefix"] == DEBIT, docs.currency[chosen["document"]], chosen["currency"])
    _apply(block, rows, chosen, applied, target_currency)
    _move(block, rows, chosen, applied, target_currency, receipt_base, book)
    return parts


def _transfers(block: Block, rows: Postings) -> Parts:
    """Move documents to another customer's account, as items of their own, and plan their payment there."""
    docs = block.docs
    plan = block.plans.adjustments.columns()
    chosen = (plan["kind"] == postings.TRANSFER) & (plan["day"] <= days.END)
    at, day, amount = plan["document"][chosen], plan["day"][chosen], -plan["amount"][chosen]
    relation = _sister(block)[docs.relation[at]]
    numbers = rows.adjust(relation, postings.TRANSFER, day, docs.currency[at], amount, amount)
    paid = days.business(day + block.chance.between("pays transfer", docs.number[at], 10, 45))
    parts = postings.Rows(**block.plans.cash.defaults, relation=0, target_prefix=ADJUSTMENT, target_number=0, currency=0)
    parts.add(document=at, day=paid, amount=amount, solo=_SOLO_TRANSFER, relation=relation, currency=docs.currency[at], target_number=numbers)
    return {key: values[paid <= days.END] for key, values in parts.columns().items()}


def _sister(block: Block) -> Ints:
    """Return for each relation the next one of the same company, account and currency (itself, if there is none)."""
    r = block.relations
    alone = r.is_oldest_first | r.is_intercompany | (r.currency != r.base) | (r.opened > days.START)
    key = np.where(alone, 99 + np.arange(len(r)), r.company * 2 + r.account)
    order = np.argsort(key, kind="stable")
    following = np.append(order[1:], order[-1:])
    sister = np.arange(len(r), dtype=np.int64)
    same = key[order] == key[following]
    sister[order[same]] = following[same]
    return sister


def _post_receipts(block: Block, rows: Postings, one: Parts, rate: Ints, amount: Ints, amount_base: Ints) -> None:
    """Post the receipts, each named by its first part. A row changes once at most: it bounces, its customer is found, or it is final."""
    relation, day, currency = one["relation"], one["day"], one["currency"]
    bounces = one["bounced"] < LATER
    waits = one["identified"] > 0
    is_paper = np.isin(block.relations.method[relation], [_CHEQUE, _BILL]) & (one["solo"] == 0)
    found = np.where(one["stays_unidentified"] > 0, LATER, one["identified"])
    changed = np.select([bounces, waits, is_paper], [one["bounced"], found, days.business(day + _FINAL_AFTER)], LATER)
    drop, after = drop_of(day), drop_of(changed)
    common = {
        "number": one["receipt"], "relation": relation, "day": day, "currency": currency, "rate": rate, "amount": amount,
        "amount_base": amount_base,
    }  # fmt: skip
    at = np.flatnonzero(drop < after)
    rows.receipts.add(
        **{key: values[at] for key, values in common.items()},
        drop=drop[at],
        is_identified=~waits[at],
        status=np.where(is_paper[at], postings.AT_RISK, postings.CLEARED),
    )
    at = np.flatnonzero(after < NEVER)
    rows.receipts.add(
        **{key: values[at] for key, values in common.items()},
        drop=after[at],
        status=np.where(bounces[at], postings.REVERSED, postings.CLEARED),
        reversed=np.where(bounces[at], one["bounced"][at], NONE),
    )

    # A corrected customer is new knowledge about the same day.
    rows.move(relation, currency, day, drop, -amount, -amount_base, is_identified=~waits, forgotten=np.where(waits, after, NEVER))
    at = np.flatnonzero(waits & (after < NEVER))
    rows.move(relation[at], currency[at], day[at], after[at], -amount[at], -amount_base[at])
    at = np.flatnonzero(bounces)
    rows.move(relation[at], currency[at], changed[at], after[at], amount[at], amount_base[at])


def _apply(block: Block, rows: Postings, parts: Parts, applied: Ints, target_currency: Ints) -> None:
    """Apply parts to what they settle; some applications are taken back, and some of those made again."""
    ended = parts["unapplied"]
    drop, after = drop_of(applied), drop_of(ended)
    numbers = rows.application_numbers(len(applied))
    is_own_day = (applied == parts["day"]) & block.chance.often("applied_on left out", numbers, 200)
    common = {
        "number": numbers, "source_number": parts["receipt"], "target_prefix": parts["target_prefix"],
        "target_number": parts["target_number"], "sequence": parts["sequence"], "currency": target_currency, "amount": parts["amount"],
        "discount": parts["discount"], "source_currency": parts["currency"],
        "source_amount": np.where(parts["crosses"] > 0, parts["received"], NONE),
        "applied": np.where(is_own_day, NONE, applied),
    }  # fmt: skip
    at = np.flatnonzero(drop < after)
    rows.applications.add(**{key: values[at] for key, values in common.items()}, drop=drop[at])
    at = np.flatnonzero(after < NEVER)
    rows.applications.add(**{key: values[at] for key, values in common.items()}, drop=after[at], reversed=ended[at])
    at = np.flatnonzero(parts["reapplied"] <= days.END)
    again = {key: values[at] for key, values in common.items()}
    again |= {"number": rows.application_numbers(len(at)), "applied": parts["reapplied"][at]}
    rows.applications.add(**again, drop=drop_of(parts["reapplied"][at]))


def _move(block: Block, rows: Postings, parts: Parts, applied: Ints, target_currency: Ints, receipt_base: Ints, book: Ints) -> None:
    """Record what applications move: discounts, cash of another customer than the document's, and base amounts of foreign items."""
    docs = block.docs
    at = parts["document"]
    settled = parts["amount"] + parts["discount"]
    foreign = target_currency != docs.base[at]
    # Of two parts the first moves its share at book rate, the second what remains: a lot (rates.lot) makes both exact.
    is_first = parts["day"] == block.plans.first_payment[at]
    first_amount = np.where(is_first, parts["amount"], docs.gross[at] - parts["amount"])
    share = block.rates.to_base(first_amount, target_currency, docs.base[at], docs.rate[at])
    is_whole = docs.story[at] != Story.TWO_PARTS
    target_base = np.select([~foreign, is_whole, is_first], [settled, book[at], share], book[at] - share)
    # A foreign receipt is applied at once and whole: its first application stands for all of its base amount.
    is_head = np.append(True, np.diff(parts["receipt"]) != 0)[: len(at)]
    source_base = np.where(foreign, np.where(is_head, receipt_base, 0), parts["amount"])
    unknown = parts["stays_unidentified"] > 0
    moves = foreign | unknown | (parts["discount"] > 0)
    for sign, day in [(1, applied), (-1, parts["bounced"])]:
        some = np.flatnonzero(moves & (day <= days.END))
        relation, when = parts["relation"][some], day[some]
        known = drop_of(when)
        rows.move(relation, target_currency[some], when, known, -sign * settled[some], -sign * target_base[some])
        received = sign * parts["received"][some]
        rows.move(relation, parts["currency"][some], when, known, received, sign * source_base[some], is_identified=~unknown[some])
