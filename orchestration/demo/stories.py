"""What may become of a document. Most are simply paid; each other story is one thing that receivables departments know."""

from __future__ import annotations

from enum import IntEnum, auto

import numpy as np

from orchestration.demo.chance import Chance, Ints
from orchestration.demo.parties import Relations


class Story(IntEnum):
    """A document's fate."""

    PLAIN = 0
    TWO_PARTS = auto()
    DISPUTE_CREDITED = auto()
    DISPUTE_COLLECTED = auto()
    DISPUTE_REJECTED = auto()
    DISPUTE_WITHDRAWN = auto()
    RETURNED = auto()  # a credit memo for a part, the rest in cash
    FULLY_CREDITED = auto()
    WRITTEN_OFF = auto()
    RECOVERED = auto()  # written off, then paid after all
    SMALL_BALANCE = auto()
    LATE_DISCOUNT = auto()  # a discount granted afterwards, by an adjustment
    BOUNCED = auto()
    REAPPLIED = auto()  # the cash is taken off the document and put back
    INSTALLMENTS = auto()
    VOID = auto()
    PAID_THEN_VOID = auto()
    CHARGEBACK = auto()
    FACTORED = auto()
    PAYMENT_PLAN = auto()
    AGENCY = auto()
    TRANSFERRED = auto()  # moved to another customer's account by a pair of adjustments
    PREPAID = auto()
    UNIDENTIFIED = auto()  # cash came without a customer
    CROSS_CURRENCY = auto()  # a foreign document, paid in base currency
    DRAFT = auto()
    DELETED = auto()
    CORRECTED = auto()


# How often, per ten thousand; what is left is plain.
WEIGHTS = {
    Story.TWO_PARTS: 520,
    Story.DISPUTE_CREDITED: 140,
    Story.DISPUTE_COLLECTED: 100,
    Story.DISPUTE_REJECTED: 50,
    Story.DISPUTE_WITHDRAWN: 20,
    Story.RETURNED: 320,
    Story.FULLY_CREDITED: 60,
    Story.WRITTEN_OFF: 40,
    Story.RECOVERED: 16,
    Story.SMALL_BALANCE: 150,
    Story.LATE_DISCOUNT: 40,
    Story.BOUNCED: 90,
    Story.REAPPLIED: 80,
    Story.INSTALLMENTS: 110,
    Story.VOID: 80,
    Story.PAID_THEN_VOID: 15,
    Story.CHARGEBACK: 25,
    Story.FACTORED: 20,
    Story.PAYMENT_PLAN: 25,
    Story.AGENCY: 25,
    Story.TRANSFERRED: 10,
    Story.PREPAID: 70,
    Story.UNIDENTIFIED: 60,
    Story.CROSS_CURRENCY: 300,
    Story.DRAFT: 15,
    Story.DELETED: 40,
    Story.CORRECTED: 120,
}

# A foreign document is settled at once, or in two exact parts (rates.lot), so that its base balance is never ambiguous.
FOREIGN = [Story.PLAIN, Story.TWO_PARTS, Story.FULLY_CREDITED, Story.WRITTEN_OFF, Story.BOUNCED, Story.VOID, Story.CROSS_CURRENCY]
# A balance-forward customer's cash is applied by rule, so nothing may depend on which document it settles.
OLDEST_FIRST = [Story.PLAIN, Story.TWO_PARTS]
INTERCOMPANY = [Story.PLAIN, Story.TWO_PARTS]
# Stories that begin with a sale.
SALES_ONLY = [Story.DISPUTE_CREDITED, Story.RETURNED, Story.INSTALLMENTS, Story.PREPAID, Story.DRAFT, Story.DELETED, Story.CORRECTED, Story.FULLY_CREDITED]


def choose_stories(chance: Chance, number: Ints, relations: Relations, relation: Ints, is_sale: np.ndarray) -> Ints:
    """Choose each document's story: by chance, among those that its relation and kind allow; worse payers are written off more."""
    weights = [10_000 - sum(WEIGHTS.values())] + [WEIGHTS[story] for story in list(Story)[1:]]
    story = chance.pick("story", number, weights)
    is_bad = np.isin(relations.habit[relation], [3, 4]) & (story == Story.PLAIN)
    story = np.where(is_bad & chance.often("bad", number, 22), Story.WRITTEN_OFF, story)
    is_foreign = relations.currency[relation] != relations.base[relation]
    allowed = np.where(is_foreign, np.isin(story, FOREIGN), story != Story.CROSS_CURRENCY)
    allowed &= ~relations.is_oldest_first[relation] | np.isin(story, OLDEST_FIRST)
    allowed &= ~relations.is_intercompany[relation] | np.isin(story, INTERCOMPANY)
    allowed &= is_sale | ~np.isin(story, SALES_ONLY)
    result: Ints = np.where(allowed, story, Story.PLAIN).astype(np.int64)
    return result
