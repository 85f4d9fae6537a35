"""A block of relations with everything that was drawn for it, and what posting any part of it needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.demo import documents
from orchestration.demo.chance import Chance, Ints
from orchestration.demo.days import drop_of
from orchestration.demo.documents import Documents
from orchestration.demo.parties import Relations
from orchestration.demo.postings import Postings
from orchestration.demo.rates import Rates
from orchestration.demo.settlements import Plans


@dataclass(frozen=True)
class Block:
    """Some relations, their documents, and how these are settled."""

    chance: Chance
    rates: Rates
    relations: Relations
    docs: Documents
    plans: Plans

    def base_of(self, at: Ints, amount: Ints, day: Ints) -> tuple[Ints, Ints]:
        """Return the rates of some documents' currencies on some days, and what amounts are worth then."""
        currency, base = self.docs.currency[at], self.docs.base[at]
        rate = self.rates.on(currency, base, day)
        return rate, self.rates.to_base(amount, currency, base, rate)


def post_credits(block: Block, rows: Postings, prefix: int, kind: int, at: Ints, day: Ints, amount: Ints, original: Ints | int) -> Ints:
    """Post credit documents that follow from the documents `at`; returns their base amounts."""
    docs = block.docs
    rate, base = block.base_of(at, amount, day)
    rows.documents.add(
        prefix=np.full(len(at), prefix),
        number=docs.number[at],
        drop=drop_of(day),
        relation=docs.relation[at],
        kind=kind,
        day=day,
        posting=day,
        due=day,
        currency=docs.currency[at],
        rate=rate,
        gross=amount,
        tax=amount * docs.tax[at] // docs.gross[at] if kind == documents.CREDIT_MEMO else 0,
        gross_base=base,
        original=original,
    )
    rows.move(docs.relation[at], docs.currency[at], day, drop_of(day), -amount, -base)
    return base
