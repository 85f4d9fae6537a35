"""From plans to ledger rows: posts a block's documents, and what its stories plan beside the cash."""

from __future__ import annotations

from datetime import date

import numpy as np

from orchestration.demo import days, documents, leftovers, postings, receipts, settlements
from orchestration.demo.block import Block, post_credits
from orchestration.demo.chance import Flags, Ints
from orchestration.demo.days import NEVER, drop_of
from orchestration.demo.postings import DEBIT, NONE, Counters, Postings
from orchestration.demo.settlements import LATER
from orchestration.demo.stories import Story

_REVALUED_ON = days.number_of(date(2025, 12, 31))
_REVALUED_COMPANY = 0


def post(block: Block, counters: Counters) -> dict[str, dict[str, Ints]]:
    """Post a block; returns its rows as columns by table."""
    rows = Postings(counters)
    _post_documents(block, rows)
    book = _revalue(block, rows)
    parts = receipts.planned_parts(block, rows)
    left = leftovers.post(block, rows, parts)
    parts = receipts.post(block, rows, parts, book)
    _credit(block, rows)
    leftovers.settle(left, rows, parts)
    _adjust(block, rows, parts)
    _split(block, rows)
    return rows.tables()


def _post_documents(block: Block, rows: Postings) -> None:
    docs, plans = block.docs, block.plans
    drop, changed = drop_of(docs.known), drop_of(plans.changed)
    change = plans.change
    is_changed = (change > 0) & (changed < NEVER)
    posting = np.where((change == settlements.POSTED) & (plans.changed < LATER), plans.changed, docs.posting)
    by_terms = block.chance.often("due by terms", docs.number, 25) & (change == 0) & (docs.kind != documents.OPENING)
    due = np.where(by_terms, NONE, docs.due)
    common = {"number": docs.number, "relation": docs.relation, "kind": docs.kind, "day": docs.day, "currency": docs.currency, "rate": docs.rate}

    def add(at: Ints, **more: Ints | Flags | int) -> None:
        rows.documents.add(**{key: value[at] for key, value in common.items()}, **more)

    # As first delivered, unless the change comes in the same drop.
    at = np.flatnonzero(~is_changed | (drop < changed))
    was_wrong = change[at] == settlements.CORRECTED
    gross = np.where(was_wrong, plans.gross_before[at], docs.gross[at])
    add(
        at,
        drop=drop[at],
        posting=docs.posting[at],
        due=np.where(was_wrong, plans.due_before[at], due[at]),
        gross=gross,
        tax=docs.tax[at],
        gross_base=np.where(was_wrong, gross, docs.gross_base[at]),
        status=np.where(change[at] == settlements.POSTED, postings.DRAFT, postings.POSTED),
    )
    # As changed.
    at = np.flatnonzero(is_changed)
    is_void = change[at] == settlements.VOIDED
    add(
        at,
        drop=changed[at],
        posting=posting[at],
        due=due[at],
        gross=docs.gross[at],
        tax=docs.tax[at],
        gross_base=docs.gross_base[at],
        is_deleted=change[at] == settlements.DELETED,
        status=np.where(is_void, postings.VOID, postings.POSTED),
        voided=np.where(is_void, plans.changed[at], NONE),
    )

    # The movements: a draft moves nothing, a corrected amount is forgotten when the right one comes.
    is_corrected = change == settlements.CORRECTED
    gross = np.where(is_corrected, plans.gross_before, docs.gross)
    base = np.where(is_corrected, gross, docs.gross_base)
    forgotten = np.where(is_changed & (is_corrected | (change == settlements.DELETED)), changed, NEVER)
    at = np.flatnonzero(change != settlements.POSTED)
    rows.move(docs.relation[at], docs.currency[at], docs.posting[at], drop[at], gross[at], base[at], forgotten=forgotten[at])
    at = np.flatnonzero(is_changed & (is_corrected | (change == settlements.POSTED)))
    rows.move(docs.relation[at], docs.currency[at], posting[at], changed[at], docs.gross[at], docs.gross_base[at])
    at = np.flatnonzero(change == settlements.VOIDED)
    rows.move(docs.relation[at], docs.currency[at], plans.changed[at], changed[at], -docs.gross[at], -docs.gross_base[at])


def _revalue(block: Block, rows: Postings) -> Ints:
    """Revalue some of one company's open foreign documents at the end of a year: base amounts only.

    Returns each document's book value when it is settled at once: its own base amount, and what it was revalued by.
    """
    docs = block.docs
    book = docs.gross_base.copy()
    open_then = (docs.posting <= _REVALUED_ON) & (block.plans.settled > _REVALUED_ON + 5) & (docs.story == Story.PLAIN)
    foreign = (docs.currency != docs.base) & (block.relations.company[docs.relation] == _REVALUED_COMPANY)
    at = np.flatnonzero(open_then & foreign & (docs.known <= _REVALUED_ON) & block.chance.often("revalued", docs.number, 400))
    day = np.full(len(at), _REVALUED_ON)
    _, base = block.base_of(at, docs.gross[at], day)
    moved = base - docs.gross_base[at]
    book[at] += moved
    rows.adjust(
        docs.relation[at],
        postings.REVALUATION,
        day,
        docs.currency[at],
        np.zeros(len(at), dtype=np.int64),
        moved,
        document_prefix=DEBIT,
        document_number=docs.number[at],
    )
    return book


def _credit(block: Block, rows: Postings) -> None:
    """Post the credit memos that the stories planned, and apply each to its document on the same day."""
    docs = block.docs
    plan = _by_the_end(block.plans.credits.columns())
    at, day, amount = plan["document"], plan["day"], plan["amount"]
    base = post_credits(block, rows, postings.CREDIT, documents.CREDIT_MEMO, at, day, amount, original=docs.number[at])
    rows.apply(
        day,
        docs.currency[at],
        amount,
        source=postings.FROM_DOCUMENT,
        source_prefix=postings.CREDIT,
        source_number=docs.number[at],
        target_number=docs.number[at],
    )
    # A foreign document is only ever credited as a whole: what the two rates differ by is an exchange difference.
    some = np.flatnonzero(docs.currency[at] != docs.base[at])
    at, day = at[some], day[some]
    rows.move(docs.relation[at], docs.currency[at], day, drop_of(day), np.zeros(len(at), dtype=np.int64), base[some] - docs.gross_base[at])


def _adjust(block: Block, rows: Postings, parts: dict[str, Ints]) -> None:
    """Post the adjustments that the stories planned, on a document or on the receipt that paid it."""
    docs = block.docs
    plan = _by_the_end(block.plans.adjustments.columns())
    at, amount = plan["document"], plan["amount"]
    # A foreign document is only ever adjusted as a whole.
    base = np.where(docs.currency[at] == docs.base[at], amount, -docs.gross_base[at])
    on_receipt = plan["on_receipt"] > 0
    receipt_of = np.full(len(docs), NONE, dtype=np.int64)
    solo = parts["solo"] == 1
    receipt_of[parts["document"][solo]] = parts["receipt"][solo]
    rows.adjust(
        docs.relation[at],
        plan["kind"],
        plan["day"],
        docs.currency[at],
        amount,
        base,
        document_prefix=np.where(on_receipt, NONE, DEBIT),
        document_number=np.where(on_receipt, NONE, docs.number[at]),
        receipt_number=np.where(on_receipt, receipt_of[at], NONE),
    )


def _split(block: Block, rows: Postings) -> None:
    """Write the installments of the documents that have them."""
    plan = block.plans.installments.columns()
    at = plan["document"]
    rows.installments.add(
        number=block.docs.number[at],
        drop=drop_of(block.docs.known[at]),
        sequence=plan["sequence"],
        due=plan["due"],
        amount=plan["amount"],
        currency=block.docs.currency[at],
    )


def _by_the_end(plan: dict[str, Ints]) -> dict[str, Ints]:
    happened = plan["day"] <= days.END
    return {key: values[happened] for key, values in plan.items()}
