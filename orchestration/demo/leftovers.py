"""Credits that no document waits for: over-payments, rebates, journals, opening credits, negative adjustments.

A later payment of the same relation may take one (and is that much smaller), it may be paid back, or it stays open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.demo import days, documents, postings
from orchestration.demo.block import Block, post_credits
from orchestration.demo.chance import Flags, Ints
from orchestration.demo.days import drop_of
from orchestration.demo.postings import ADJUSTMENT, DEBIT, JOURNAL, NONE, OPENING, REBATE, RECEIPT, REFUND, Postings
from orchestration.demo.receipts import Parts
from orchestration.demo.settlements import half_up
from orchestration.demo.stories import Story

_TAKEN, _PAID_BACK, _REFUND_DOCUMENT, _STAYS = range(4)
_FATES = [62, 8, 8, 22]
_REBATES_PER_MILLE = 11
_KINDS = {REBATE: documents.CREDIT_MEMO, JOURNAL: documents.JOURNAL_CREDIT, OPENING: documents.OPENING_CREDIT}


@dataclass(frozen=True)
class Leftovers:
    """Leftover credits, one array a column; `number` is a part's position for an over-payment, which has no receipt yet."""

    prefix: Ints
    number: Ints
    document: Ints  # whose number and currency it carries
    relation: Ints
    currency: Ints
    since: Ints
    amount: Ints
    fate: Ints
    back: Ints  # the day on which it would be paid back
    target: Ints  # the document that takes it (its number), or that refunds it
    taken: Ints  # and the day


def post(block: Block, rows: Postings, parts: Parts) -> Leftovers:
    """Draw and post the leftovers. Over-payments are added to `parts`, and payments that take a leftover are reduced by it."""
    docs, chance = block.docs, block.chance
    is_plain = (docs.story[parts["document"]] == Story.PLAIN) & (parts["solo"] == 0) & (parts["currency"] == docs.base[parts["document"]])
    paid_over = _over_pay(block, parts, is_plain)
    at, prefix, day, amount, number = _rebates(block, rows)

    document = np.concatenate([parts["document"][paid_over], at])
    relation = docs.relation[document]
    since = np.concatenate([parts["day"][paid_over], day])
    amount = np.concatenate([parts["extra"][paid_over], amount])
    fate = chance.pick("fate", docs.number[document], _FATES)
    stays = block.relations.is_oldest_first[relation] | (docs.currency[document] != docs.base[document])
    fate = np.where(stays, _STAYS, fate)
    back = days.business(since + chance.between("paid back after", docs.number[document], 8, 45))
    target, taken = docs.number[document].copy(), back.copy()
    credits, takers = _takers(block, parts, relation, since, amount, fate == _TAKEN, is_plain)
    fate = np.where(fate == _TAKEN, _STAYS, fate)
    fate[credits], target[credits], taken[credits] = _TAKEN, parts["target_number"][takers], parts["day"][takers]
    parts["amount"][takers] -= amount[credits]
    return Leftovers(
        prefix=np.concatenate([np.full(len(paid_over), RECEIPT), prefix]), number=np.concatenate([parts["part"][paid_over], number]),
        document=document, relation=relation, currency=docs.currency[document], since=since, amount=amount, fate=fate, back=back,
        target=target, taken=taken,
    )  # fmt: skip


def settle(left: Leftovers, rows: Postings, parts: Parts) -> None:
    """Apply what later payments take, and pay back the rest: by an adjustment, or by a refund document."""
    receipt_of = np.zeros(len(parts["part"]), dtype=np.int64)
    receipt_of[parts["part"]] = parts["receipt"]
    number = left.number.copy()
    from_receipt = left.prefix == RECEIPT
    number[from_receipt] = receipt_of[number[from_receipt]]
    source = np.select([from_receipt, left.prefix == ADJUSTMENT], [postings.FROM_RECEIPT, postings.FROM_ADJUSTMENT], postings.FROM_DOCUMENT)

    at = np.flatnonzero((left.fate == _REFUND_DOCUMENT) & (left.back <= days.END))
    day = left.back[at]
    rows.documents.add(
        prefix=np.full(len(at), REFUND), number=left.target[at], drop=drop_of(day), relation=left.relation[at], kind=documents.REFUND, day=day,
        posting=day, due=day, currency=left.currency[at], gross=left.amount[at], gross_base=left.amount[at],
    )  # fmt: skip
    rows.move(left.relation[at], left.currency[at], day, drop_of(day), left.amount[at], left.amount[at])

    at = np.flatnonzero(np.isin(left.fate, [_TAKEN, _REFUND_DOCUMENT]) & (left.taken <= days.END))
    rows.apply(
        left.taken[at], left.currency[at], left.amount[at], source=source[at], source_prefix=left.prefix[at], source_number=number[at],
        target_prefix=np.where(left.fate[at] == _TAKEN, DEBIT, REFUND), target_number=left.target[at],
    )  # fmt: skip

    at = np.flatnonzero((left.fate == _PAID_BACK) & (left.back <= days.END) & (left.prefix != ADJUSTMENT))
    is_cash = from_receipt[at]
    rows.adjust(
        left.relation[at], postings.PAID_BACK, left.back[at], left.currency[at], left.amount[at], left.amount[at],
        document_prefix=np.where(is_cash, NONE, left.prefix[at]), document_number=np.where(is_cash, NONE, number[at]),
        receipt_number=np.where(is_cash, number[at], NONE),
    )  # fmt: skip


def _gives_rebate(block: Block, number: Ints) -> Flags:
    return block.chance.often("rebate", number, _REBATES_PER_MILLE)


def _over_pay(block: Block, parts: Parts, is_plain: Flags) -> Ints:
    """Let some parts bring more than they owe; returns their positions. (A document's number stands for one leftover only.)"""
    number = parts["target_number"]
    at = np.flatnonzero(is_plain & (parts["amount"] > 50) & block.chance.often("over-paid", number, 9) & ~_gives_rebate(block, number))
    parts["extra"][at] = half_up(parts["amount"][at], block.chance.between("extra", number[at], 2, 30))
    return at


def _rebates(block: Block, rows: Postings) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Post credits that hang on a document only for their number and their time.

    Returns these documents' positions, and the credits' prefixes, days, amounts and numbers.
    """
    docs, relations, chance = block.docs, block.relations, block.chance
    at = np.flatnonzero(_gives_rebate(block, docs.number) & (docs.gross > 100) & ~relations.is_intercompany[docs.relation])
    is_opening = docs.kind[at] == documents.OPENING
    nature = chance.pick("nature", docs.number[at], [84, 8, 8])
    nature = np.where(relations.is_oldest_first[docs.relation[at]] | (docs.currency[at] != docs.base[at]), 0, nature)
    prefix = np.where(is_opening, OPENING, np.array([REBATE, JOURNAL, ADJUSTMENT])[nature])
    later = days.business(docs.known[at] + chance.between("rebate after", docs.number[at], 3, 60))
    day = np.where(is_opening, days.START, later)
    amount = np.maximum(half_up(docs.gross[at], chance.between("rebate of", docs.number[at], 2, 14)), 1)
    happened = day <= days.END
    at, prefix, day, amount = at[happened], prefix[happened], day[happened], amount[happened]
    number = docs.number[at].copy()
    for code, kind in _KINDS.items():
        some = np.flatnonzero(prefix == code)
        post_credits(block, rows, code, kind, at[some], day[some], amount[some], original=NONE)
    some = np.flatnonzero(prefix == ADJUSTMENT)
    about = at[some]
    number[some] = rows.adjust(docs.relation[about], postings.OTHER, day[some], docs.currency[about], -amount[some], -amount[some])
    return at, prefix, day, amount, number


def _takers(block: Block, parts: Parts, relation: Ints, since: Ints, amount: Ints, wanted: Flags, is_plain: Flags) -> tuple[Ints, Ints]:
    """Match leftovers with their relation's next plain payment, if it is large enough; each payment takes one."""
    free = np.flatnonzero(is_plain & (parts["discount"] == 0) & (parts["extra"] == 0) & ~block.relations.is_oldest_first[parts["relation"]])
    # One number for relation and day, so that the next payment is found by bisection.
    key = parts["relation"][free] * 1_000_000 + parts["day"][free]
    order = np.argsort(key, kind="stable")
    free, key = free[order], key[order]
    credits = np.flatnonzero(wanted)
    position = np.searchsorted(key, relation[credits] * 1_000_000 + since[credits] + 1)
    found = position < len(free)
    credits, takers = credits[found], free[position[found]]
    fits = (parts["relation"][takers] == relation[credits]) & (parts["amount"][takers] > 2 * amount[credits])
    credits, takers = credits[fits], takers[fits]
    once = np.unique(takers, return_index=True)[1]
    return credits[once], takers[once]
