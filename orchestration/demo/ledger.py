"""From plans to ledger rows: receipts gathered from what a customer pays on a day, applications, adjustments, credit documents.

Beside the rows it keeps the MOVEMENTS of each receivable account: the general ledger's balances are their sums. A row that is
delivered and later changed has a version for each drop that brings it; `drop` is that drop's number, 0 to 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from orchestration.demo import days, documents, settlements
from orchestration.demo.chance import Chance, Flags, Ints
from orchestration.demo.days import NEVER, drop_of
from orchestration.demo.documents import Documents
from orchestration.demo.parties import Relations
from orchestration.demo.rates import Rates
from orchestration.demo.settlements import LATER, Plans, Rows, half_up
from orchestration.demo.stories import Story

NONE = -1  # an empty cell
UNIDENTIFIED = -1  # the customer of cash whose customer is not known

# An id is a letter and a number. A document that follows from another carries the other's number.
PREFIXES = ["D", "C", "B", "F", "K", "O", "R", "J"]
DEBIT, CREDIT, REBATE, REFUND, JOURNAL, OPENING, RECEIPT, ADJUSTMENT = range(len(PREFIXES))

STATUSES = ["cleared", "at_risk", "reversed"]
CLEARED, AT_RISK, REVERSED = range(len(STATUSES))
DOCUMENT_STATUSES = ["posted", "draft", "void"]
IS_POSTED, IS_DRAFT, IS_VOID = range(len(DOCUMENT_STATUSES))
SOURCES = ["receipt", "document", "adjustment"]

_REVALUED_ON = days.number_of(date(2025, 12, 31))
_REVALUED_COMPANY = 0


@dataclass
class Counters:
    """The last number given out, across blocks."""

    receipts: int = 0
    applications: int = 0
    adjustments: int = 0


class Ledger:
    """The ledger rows of one block of relations; `tables` gives them as columns."""

    def __init__(self, chance: Chance, rate_table: Rates, relations: Relations, docs: Documents, plans: Plans, counters: Counters) -> None:
        self.chance, self.rates, self.relations, self.docs, self.plans = chance, rate_table, relations, docs, plans
        self.counters = counters
        self.documents = Rows(
            prefix=DEBIT,
            number=0,
            drop=0,
            is_deleted=0,
            relation=0,
            kind=0,
            day=0,
            posting=0,
            due=NONE,
            currency=0,
            rate=0,
            gross=0,
            tax=0,
            gross_base=0,
            original=NONE,
            status=IS_POSTED,
            voided=NONE,
        )
        self.receipts = Rows(number=0, drop=0, relation=0, is_identified=1, day=0, currency=0, rate=0, amount=0, amount_base=0, status=CLEARED, reversed=NONE)
        self.applications = Rows(
            number=0,
            drop=0,
            source=0,
            source_prefix=RECEIPT,
            source_number=0,
            target_prefix=DEBIT,
            target_number=0,
            sequence=0,
            applied=0,
            currency=0,
            amount=0,
            source_currency=0,
            source_amount=NONE,
            discount=0,
            reversed=NONE,
        )
        self.adjustments = Rows(
            number=0, drop=0, document_prefix=NONE, document_number=NONE, receipt_number=NONE, relation=0, kind=0, day=0, currency=0, amount=0, amount_base=0
        )
        self.installments = Rows(number=0, drop=0, sequence=0, due=0, amount=0, currency=0)
        self.movements = Rows(relation=0, is_identified=1, currency=0, day=0, known=0, forgotten=NEVER, amount=0, amount_base=0)

        self.cash: dict[str, Ints] = {}
        self.receipt_of_part = np.zeros(0, dtype=np.int64)
        self.pending: dict[str, Ints] = {}
        self.refunds: dict[str, Ints] = {}

        # What each document's book value is when it is settled at once: its own, and what it was revalued by.
        self.book = docs.gross_base.copy()
        self._documents()
        self._revaluations()
        self.cash = self._cash()
        self._leftovers()
        self._receipts()
        self._credits()
        self._adjustments()
        self._installments()

    def tables(self) -> dict[str, dict[str, Ints]]:
        """Return the rows that some drop delivers, as columns by table."""
        result = {}
        for name in ("documents", "receipts", "applications", "adjustments", "installments"):
            columns = getattr(self, name).columns()
            delivered = columns["drop"] < NEVER
            result[name] = {key: values[delivered] for key, values in columns.items()}
        columns = self.movements.columns()
        counts = (columns["known"] < columns["forgotten"]) & (columns["day"] <= days.END)
        result["movements"] = {key: values[counts] for key, values in columns.items()}
        return result

    # Documents.

    def _documents(self) -> None:
        docs, plans = self.docs, self.plans
        drop, changed = drop_of(docs.known), drop_of(plans.changed)
        change = plans.change
        is_changed = (change > 0) & (changed < NEVER)
        posting = np.where((change == settlements.POSTED) & (plans.changed < LATER), plans.changed, docs.posting)
        due = np.where(self._often("due by terms", docs.number, 25) & (change == 0), NONE, docs.due)
        due = np.where(docs.kind == documents.OPENING, docs.due, due)
        common = {
            "number": docs.number,
            "relation": docs.relation,
            "kind": docs.kind,
            "day": docs.day,
            "currency": docs.currency,
            "rate": docs.rate,
        }

        def add(rows: Ints, **more: Ints | Flags | int) -> None:
            self.documents.add(**{key: value[rows] for key, value in common.items()}, **more)

        # As first delivered, unless the change comes in the same drop.
        rows = np.flatnonzero(~is_changed | (drop < changed))
        was_wrong = change[rows] == settlements.CORRECTED
        gross = np.where(was_wrong, plans.gross_before[rows], docs.gross[rows])
        add(
            rows,
            drop=drop[rows],
            posting=docs.posting[rows],
            due=np.where(was_wrong, plans.due_before[rows], due[rows]),
            gross=gross,
            tax=docs.tax[rows],
            gross_base=np.where(was_wrong, gross, docs.gross_base[rows]),
            status=np.where(change[rows] == settlements.POSTED, IS_DRAFT, IS_POSTED),
        )
        # As changed.
        rows = np.flatnonzero(is_changed)
        is_void = change[rows] == settlements.VOIDED
        add(
            rows,
            drop=changed[rows],
            posting=posting[rows],
            due=due[rows],
            gross=docs.gross[rows],
            tax=docs.tax[rows],
            gross_base=docs.gross_base[rows],
            is_deleted=change[rows] == settlements.DELETED,
            status=np.where(is_void, IS_VOID, IS_POSTED),
            voided=np.where(is_void, plans.changed[rows], NONE),
        )

        # The movements: a draft moves nothing, a corrected amount is forgotten when the right one comes.
        is_draft = change == settlements.POSTED
        ends = np.isin(change, [settlements.DELETED, settlements.CORRECTED])
        gross = np.where(change == settlements.CORRECTED, plans.gross_before, docs.gross)
        rows = np.flatnonzero(~is_draft)
        self._move(
            docs.relation[rows],
            docs.currency[rows],
            docs.posting[rows],
            drop[rows],
            gross[rows],
            np.where(change[rows] == settlements.CORRECTED, gross[rows], docs.gross_base[rows]),
            forgotten=np.where(ends & is_changed, changed, NEVER)[rows],
        )
        rows = np.flatnonzero(is_changed & np.isin(change, [settlements.CORRECTED, settlements.POSTED]))
        self._move(docs.relation[rows], docs.currency[rows], posting[rows], changed[rows], docs.gross[rows], docs.gross_base[rows])
        rows = np.flatnonzero(change == settlements.VOIDED)
        self._move(docs.relation[rows], docs.currency[rows], plans.changed[rows], changed[rows], -docs.gross[rows], -docs.gross_base[rows])

    def _revaluations(self) -> None:
        """One company revalues some of its open foreign documents at the end of a year: base amounts only."""
        docs = self.docs
        open_then = (docs.posting <= _REVALUED_ON) & (self.plans.settled > _REVALUED_ON + 5) & (docs.story == Story.PLAIN)
        foreign = (docs.currency != docs.base) & (self.relations.company[docs.relation] == _REVALUED_COMPANY)
        rows = np.flatnonzero(open_then & foreign & (docs.known <= _REVALUED_ON) & self._often("revalued", docs.number, 400))
        day = np.full(len(rows), _REVALUED_ON)
        rate = self.rates.on(docs.currency[rows], docs.base[rows], day)
        moved = self.rates.to_base(docs.gross[rows], docs.currency[rows], docs.base[rows], rate) - docs.gross_base[rows]
        self.book[rows] += moved
        self._adjust(
            docs.relation[rows],
            settlements.REVALUATION,
            day,
            docs.currency[rows],
            np.zeros(len(rows), dtype=np.int64),
            moved,
            document_prefix=DEBIT,
            document_number=docs.number[rows],
        )

    def _installments(self) -> None:
        parts = self.plans.installments.columns()
        at = parts["document"]
        self.installments.add(
            number=self.docs.number[at],
            drop=drop_of(self.docs.known[at]),
            sequence=parts["sequence"],
            due=parts["due"],
            amount=parts["amount"],
            currency=self.docs.currency[at],
        )

    # Cash.

    def _cash(self) -> dict[str, Ints]:
        """Return the parts that are paid within the demo, with what they settle: a document, or a transferred item."""
        cash = self.plans.cash.columns()
        cash = {key: values[cash["day"] <= days.END] for key, values in cash.items()}
        at = cash["document"]
        cash["relation"] = self.docs.relation[at]
        cash["target_prefix"] = np.full(len(at), DEBIT)
        cash["target_number"] = self.docs.number[at]
        cash["currency"] = np.where(cash["crosses"] > 0, self.docs.base[at], self.docs.currency[at])
        cash["extra"] = np.zeros(len(at), dtype=np.int64)
        transferred = self._transfers()
        return {key: np.concatenate([values, transferred[key].astype(np.int64)]) for key, values in cash.items()}

    def _transfers(self) -> dict[str, Ints]:
        """Move documents to another customer's account, as items of their own, and plan their payment there."""
        docs = self.docs
        plan = self.plans.adjustments.columns()
        chosen = (plan["kind"] == settlements.TRANSFER) & (plan["day"] <= days.END)
        at, day, amount = plan["document"][chosen], plan["day"][chosen], -plan["amount"][chosen]
        relation = self._sister()[docs.relation[at]]
        numbers = self._adjust(relation, settlements.TRANSFER, day, docs.currency[at], amount, amount)
        paid = days.business(day + self.chance.between("pays transfer", docs.number[at], 10, 45))
        count = len(at)
        defaults = {
            "discount": 0,
            "sequence": 0,
            "applied": 0,
            "unapplied": LATER,
            "reapplied": LATER,
            "bounced": LATER,
            "identified": 0,
            "stays_unidentified": 0,
            "crosses": 0,
            "extra": 0,
            "solo": 3,
            "target_prefix": ADJUSTMENT,
        }
        cash = {key: np.full(count, value) for key, value in defaults.items()} | {
            "document": at,
            "day": paid,
            "amount": amount,
            "relation": relation,
            "currency": docs.currency[at],
            "target_number": numbers,
        }
        return {key: values[paid <= days.END] for key, values in cash.items()}

    def _sister(self) -> Ints:
        """Return for each relation the next one of the same company, account and currency (itself, if there is none)."""
        r = self.relations
        alone = r.is_oldest_first | r.is_intercompany | (r.currency != r.base) | (r.opened > days.START)
        key = np.where(alone, 99 + np.arange(len(r)), r.company * 2 + r.account)
        order = np.argsort(key, kind="stable")
        following = np.append(order[1:], order[-1:])
        sister = np.arange(len(r), dtype=np.int64)
        same = key[order] == key[following]
        sister[order[same]] = following[same]
        return sister

    def _receipts(self) -> None:
        """Gather what a relation pays on a day into one receipt (a part that is `solo` keeps its own), and apply it."""
        cash, relations = self.cash, self.relations
        solo = np.where(cash["solo"] > 0, cash["document"] * 4 + cash["solo"], 0)
        order = np.lexsort((cash["target_number"], solo, cash["day"], cash["relation"]))
        cash = self.cash = {key: values[order] for key, values in cash.items()}
        solo = solo[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = np.any([np.diff(cash["relation"]) != 0, np.diff(cash["day"]) != 0, np.diff(solo) != 0], axis=0)
        group = np.cumsum(first) - 1
        cash["receipt"] = self.counters.receipts + 1 + group
        # By the part's position before it was sorted into receipts: that is how a leftover names its receipt.
        self.receipt_of_part = np.zeros(len(order), dtype=np.int64)
        self.receipt_of_part[order] = cash["receipt"]
        starts = np.flatnonzero(first)
        if not len(starts):
            return
        docs = self.docs
        # A foreign document that is paid in base currency: the receipt is worth what the day's rate gives.
        at = cash["document"]
        rate = self.rates.on(docs.currency[at], docs.base[at], cash["day"])
        in_base = self.rates.to_base(cash["amount"], docs.currency[at], docs.base[at], rate)
        cash["received"] = np.where(cash["crosses"] > 0, in_base, cash["amount"])
        amount = np.add.reduceat(cash["received"] + cash["extra"], starts)
        one = {key: values[starts] for key, values in cash.items()}
        number, relation, day = one["receipt"], one["relation"], one["day"]
        self.counters.receipts = int(number[-1])
        base = relations.base[relation]
        rate = self.rates.on(one["currency"], base, day)
        amount_base = self.rates.to_base(amount, one["currency"], base, rate)

        # One change at most: a bounce, an identification, or a cheque or bill that becomes final.
        drop = drop_of(day)
        bounces = one["bounced"] < LATER
        waits = one["identified"] > 0
        is_paper = np.isin(relations.method[relation], [2, 4]) & (one["solo"] == 0)
        found = np.where(one["stays_unidentified"] > 0, LATER, one["identified"])
        changed = np.select([bounces, waits, is_paper], [one["bounced"], found, days.business(day + 6)], LATER)
        after = drop_of(changed)
        common = {"number": number, "relation": relation, "day": day, "currency": one["currency"], "rate": rate, "amount": amount, "amount_base": amount_base}
        rows = np.flatnonzero(drop < after)
        self.receipts.add(
            **{k: v[rows] for k, v in common.items()}, drop=drop[rows], is_identified=~waits[rows], status=np.where(is_paper[rows], AT_RISK, CLEARED)
        )
        rows = np.flatnonzero(after < NEVER)
        self.receipts.add(
            **{k: v[rows] for k, v in common.items()},
            drop=after[rows],
            status=np.where(bounces[rows], REVERSED, CLEARED),
            reversed=np.where(bounces[rows], one["bounced"][rows], NONE),
        )

        # A corrected customer is new knowledge about the same day.
        self._move(relation, one["currency"], day, drop, -amount, -amount_base, is_identified=~waits, forgotten=np.where(waits, after, NEVER))
        rows = np.flatnonzero(waits & (after < NEVER))
        self._move(relation[rows], one["currency"][rows], day[rows], after[rows], -amount[rows], -amount_base[rows])
        rows = np.flatnonzero(bounces)
        self._move(relation[rows], one["currency"][rows], changed[rows], after[rows], amount[rows], amount_base[rows])

        # Some receipts are applied days later; foreign ones at once, so that each clears its base amount in one go.
        can_wait = (one["solo"] == 0) & (one["currency"] == base) & self._often("applied later", number, 70)
        lag = np.where(can_wait, self.chance.between("lag", number, 1, 21), 0)
        applied = np.where(cash["applied"] > 0, cash["applied"], days.business(cash["day"] + lag[group]))
        self._apply_cash(cash, applied, amount_base[group])

    def _apply_cash(self, cash: dict[str, Ints], applied: Ints, receipt_base: Ints) -> None:
        docs, relations = self.docs, self.relations
        rows = np.flatnonzero(~relations.is_oldest_first[cash["relation"]] & (applied <= days.END))
        c = {key: values[rows] for key, values in cash.items()}
        applied = applied[rows]
        at = c["document"]
        settled = c["amount"] + c["discount"]
        target_currency = np.where(c["target_prefix"] == DEBIT, docs.currency[at], c["currency"])
        ended = np.minimum(c["unapplied"], LATER)
        drop, after = drop_of(applied), drop_of(ended)
        numbers = self._application_numbers(len(rows))
        common = {
            "number": numbers,
            "source_number": c["receipt"],
            "target_prefix": c["target_prefix"],
            "target_number": c["target_number"],
            "sequence": c["sequence"],
            "currency": target_currency,
            "amount": c["amount"],
            "discount": c["discount"],
            "source_currency": c["currency"],
            "source_amount": np.where(c["crosses"] > 0, c["received"], NONE),
            # Left empty by some systems where it is the receipt's own day.
            "applied": np.where((applied == c["day"]) & self._often("applied_on left out", numbers, 200), NONE, applied),
        }
        some = np.flatnonzero(drop < after)
        self.applications.add(**{k: v[some] for k, v in common.items()}, drop=drop[some])
        some = np.flatnonzero(after < NEVER)
        self.applications.add(**{k: v[some] for k, v in common.items()}, drop=after[some], reversed=ended[some])
        some = np.flatnonzero(c["reapplied"] <= days.END)
        again = {k: v[some] for k, v in common.items()} | {
            "number": self._application_numbers(len(some)),
            "applied": c["reapplied"][some],
        }
        self.applications.add(**again, drop=drop_of(c["reapplied"][some]))

        # Movements: the discount; cash of another customer than the document's; and in foreign currency the base amounts.
        crosses = c["crosses"] > 0
        foreign = target_currency != docs.base[at]
        two_parts = docs.story[at] == Story.TWO_PARTS
        is_first = c["day"] == self.plans.first_payment[at]
        part = self.rates.to_base(np.where(is_first, c["amount"], docs.gross[at] - c["amount"]), target_currency, docs.base[at], docs.rate[at])
        book = np.select([~foreign, ~two_parts, is_first], [settled, self.book[at], part], self.book[at] - part)
        unknown = c["stays_unidentified"] > 0
        moves = np.flatnonzero(foreign | unknown | (c["discount"] > 0))
        # A foreign receipt is applied at once and whole: its first application stands for all of its base amount.
        head = np.ones(len(rows), dtype=bool)
        head[1:] = np.diff(c["receipt"]) != 0
        source_base = np.where(foreign, np.where(head, receipt_base[rows], 0), c["amount"])
        source_amount = np.where(crosses, c["received"], c["amount"])
        for sign, day in [(1, applied), (-1, np.where(c["bounced"] < LATER, c["bounced"], LATER))]:
            some = moves[day[moves] <= days.END]
            known = drop_of(day[some])
            self._move(c["relation"][some], target_currency[some], day[some], known, -sign * settled[some], -sign * book[some])
            self._move(
                c["relation"][some], c["currency"][some], day[some], known, sign * source_amount[some], sign * source_base[some], is_identified=~unknown[some]
            )

    # Credits that are not tied to a document: over-payments, rebates, journals, opening credits, negative adjustments.

    def _leftovers(self) -> None:
        docs, relations, cash = self.docs, self.relations, self.cash
        plain = (docs.story[cash["document"]] == Story.PLAIN) & (cash["solo"] == 0) & (cash["currency"] == docs.base[cash["document"]])
        paid_over = np.flatnonzero(plain & (cash["amount"] > 50) & self._often("over-paid", cash["target_number"], 9))
        cash["extra"][paid_over] = half_up(cash["amount"][paid_over], self.chance.between("extra", cash["target_number"][paid_over], 2, 30))
        paid_over = paid_over[cash["extra"][paid_over] > 0]

        # Rebates and the like hang on some documents only for their number and their time.
        rows = np.flatnonzero(self._often("rebate", docs.number, 11) & (docs.gross > 100) & ~relations.is_intercompany[docs.relation])
        is_opening = docs.kind[rows] == documents.OPENING
        nature = self.chance.pick("nature", docs.number[rows], [84, 8, 8])
        nature = np.where(relations.is_oldest_first[docs.relation[rows]] | (docs.currency[rows] != docs.base[rows]), 0, nature)
        prefix = np.where(is_opening, OPENING, np.array([REBATE, JOURNAL, ADJUSTMENT])[nature])
        later = days.business(docs.known[rows] + self.chance.between("rebate after", docs.number[rows], 3, 60))
        day = np.where(is_opening, days.START, later)
        amount = np.maximum(half_up(docs.gross[rows], self.chance.between("rebate of", docs.number[rows], 2, 14)), 1)
        rows, prefix, day, amount = (a[day <= days.END] for a in (rows, prefix, day, amount))
        number = docs.number[rows].copy()

        kinds = {REBATE: documents.CREDIT_MEMO, JOURNAL: documents.JOURNAL_CREDIT, OPENING: documents.OPENING_CREDIT}
        for code, kind in kinds.items():
            some = np.flatnonzero(prefix == code)
            self._credit_documents(code, kind, rows[some], day[some], amount[some], original=NONE)
        some = np.flatnonzero(prefix == ADJUSTMENT)
        at = rows[some]
        number[some] = self._adjust(docs.relation[at], settlements.OTHER, day[some], docs.currency[at], -amount[some], -amount[some])

        # What becomes of them: a later document takes it, it is paid back, or it stays open.
        count = len(paid_over)
        relation = np.concatenate([cash["relation"][paid_over], docs.relation[rows]])
        since = np.concatenate([cash["day"][paid_over], day])
        left = np.concatenate([cash["extra"][paid_over], amount])
        kind = np.concatenate([np.full(count, RECEIPT), prefix])
        source = np.concatenate([paid_over, number])  # a receipt has no number yet: the part's position stands in
        about = np.concatenate([cash["document"][paid_over], rows])
        fate = self.chance.pick("fate", docs.number[about], [62, 8, 8, 22])
        in_base = docs.currency[about] == docs.base[about]
        fate = np.where(relations.is_oldest_first[relation] | ~in_base, 3, fate)

        taken, taker = self._takers(relation, since, left, fate == 0, plain)
        cash["amount"][taker] -= left[taken]
        back = days.business(since + self.chance.between("paid back after", docs.number[about], 8, 45))
        self.pending = {
            "source": np.concatenate([source[taken], source[fate == 2]]),
            "kind": np.concatenate([kind[taken], kind[fate == 2]]),
            "target_prefix": np.concatenate([np.full(len(taken), DEBIT), np.full((fate == 2).sum(), REFUND)]),
            "target_number": np.concatenate([cash["target_number"][taker], docs.number[about[fate == 2]]]),
            "amount": np.concatenate([left[taken], left[fate == 2]]),
            "day": np.concatenate([cash["day"][taker], back[fate == 2]]),
            "currency": np.concatenate([docs.currency[about[taken]], docs.currency[about[fate == 2]]]),
        }
        some = np.flatnonzero((fate == 2) & (back <= days.END))
        at = about[some]
        zero = np.zeros(len(some), dtype=np.int64)
        self.documents.add(
            prefix=np.full(len(some), REFUND),
            number=docs.number[at],
            drop=drop_of(back[some]),
            relation=relation[some],
            kind=documents.REFUND,
            day=back[some],
            posting=back[some],
            due=back[some],
            currency=docs.currency[at],
            rate=zero,
            gross=left[some],
            gross_base=left[some],
        )
        self._move(relation[some], docs.currency[at], back[some], drop_of(back[some]), left[some], left[some])
        some = np.flatnonzero((fate == 1) & (back <= days.END) & (kind != ADJUSTMENT))
        self.refunds = {
            "source": source[some],
            "kind": kind[some],
            "relation": relation[some],
            "day": back[some],
            "amount": left[some],
            "currency": docs.currency[about[some]],
        }

    def _takers(self, relation: Ints, since: Ints, left: Ints, wanted: Flags, plain: Flags) -> tuple[Ints, Ints]:
        """Match credits with the relation's next plain payment that is large enough; each payment takes one."""
        cash = self.cash
        free = np.flatnonzero(plain & (cash["discount"] == 0) & (cash["extra"] == 0) & ~self.relations.is_oldest_first[cash["relation"]])
        key = cash["relation"][free] * 1_000_000 + cash["day"][free]
        order = np.argsort(key, kind="stable")
        free, key = free[order], key[order]
        credits = np.flatnonzero(wanted)
        position = np.searchsorted(key, relation[credits] * 1_000_000 + since[credits] + 1)
        found = position < len(free)
        credits, taker = credits[found], free[position[found]]
        fits = (cash["relation"][taker] == relation[credits]) & (cash["amount"][taker] > 2 * left[credits])
        credits, taker = credits[fits], taker[fits]
        taker, first = np.unique(taker, return_index=True)
        return credits[first], taker

    def _credit_documents(self, prefix: int, kind: int, at: Ints, day: Ints, amount: Ints, original: Ints | int) -> Ints:
        """Post credit documents that belong to the documents `at`; returns their base amounts."""
        docs = self.docs
        rate = self.rates.on(docs.currency[at], docs.base[at], day)
        base = self.rates.to_base(amount, docs.currency[at], docs.base[at], rate)
        self.documents.add(
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
            tax=np.where(docs.gross[at] > 0, amount * docs.tax[at] // docs.gross[at], 0) if kind == documents.CREDIT_MEMO else 0,
            gross_base=base,
            original=original,
        )
        self._move(docs.relation[at], docs.currency[at], day, drop_of(day), -amount, -base)
        return base

    def _credits(self) -> None:
        """Credit memos that the stories planned, applied on their day; then what the leftovers settle and pay back."""
        docs = self.docs
        plan = self.plans.credits.columns()
        plan = {key: values[plan["day"] <= days.END] for key, values in plan.items()}
        at, day, amount = plan["document"], plan["day"], plan["amount"]
        base = self._credit_documents(CREDIT, documents.CREDIT_MEMO, at, day, amount, original=docs.number[at])
        self.applications.add(
            number=self._application_numbers(len(at)),
            drop=drop_of(day),
            source=1,
            source_prefix=CREDIT,
            source_number=docs.number[at],
            target_number=docs.number[at],
            applied=day,
            currency=docs.currency[at],
            source_currency=docs.currency[at],
            amount=amount,
        )
        some = np.flatnonzero(docs.currency[at] != docs.base[at])
        self._move(docs.relation[at[some]], docs.currency[at[some]], day[some], drop_of(day[some]), amount[some] * 0, base[some] - docs.gross_base[at[some]])

        p = {key: values[self.pending["day"] <= days.END] for key, values in self.pending.items()}
        number = p["source"].copy()
        from_receipt = p["kind"] == RECEIPT
        number[from_receipt] = self.receipt_of_part[p["source"][from_receipt]]
        source = np.select([from_receipt, p["kind"] == ADJUSTMENT], [0, 2], 1)
        self.applications.add(
            number=self._application_numbers(len(number)),
            drop=drop_of(p["day"]),
            source=source,
            source_prefix=p["kind"],
            source_number=number,
            target_prefix=p["target_prefix"],
            target_number=p["target_number"],
            applied=p["day"],
            currency=p["currency"],
            source_currency=p["currency"],
            amount=p["amount"],
        )
        r = self.refunds
        from_receipt = r["kind"] == RECEIPT
        number = r["source"].copy()
        number[from_receipt] = self.receipt_of_part[r["source"][from_receipt]]
        self._adjust(
            r["relation"],
            settlements.REFUND,
            r["day"],
            r["currency"],
            r["amount"],
            r["amount"],
            document_prefix=np.where(from_receipt, NONE, r["kind"]),
            document_number=np.where(from_receipt, NONE, number),
            receipt_number=np.where(from_receipt, number, NONE),
        )

    # Adjustments.

    def _adjustments(self) -> None:
        docs = self.docs
        plan = self.plans.adjustments.columns()
        plan = {key: values[plan["day"] <= days.END] for key, values in plan.items()}
        at, amount = plan["document"], plan["amount"]
        # A foreign document is only ever adjusted as a whole.
        base = np.where(docs.currency[at] == docs.base[at], amount, -docs.gross_base[at])
        on_receipt = plan["on_receipt"] > 0
        receipt = np.full(len(at), NONE)
        if on_receipt.any():
            solo = np.flatnonzero(self.cash["solo"] == 1)
            by_document = dict(zip(self.cash["document"][solo].tolist(), self.cash["receipt"][solo].tolist(), strict=True))
            receipt[on_receipt] = [by_document[d] for d in at[on_receipt].tolist()]
        self._adjust(
            docs.relation[at],
            plan["kind"],
            plan["day"],
            docs.currency[at],
            amount,
            base,
            document_prefix=np.where(on_receipt, NONE, DEBIT),
            document_number=np.where(on_receipt, NONE, docs.number[at]),
            receipt_number=receipt,
        )

    def _adjust(self, relation: Ints, kind: Ints | int, day: Ints, currency: Ints, amount: Ints, base: Ints, **more: Ints | Flags | int) -> Ints:
        """Post adjustments; returns their numbers."""
        numbers = self.counters.adjustments + 1 + np.arange(len(relation), dtype=np.int64)
        self.counters.adjustments += len(relation)
        self.adjustments.add(
            number=numbers, drop=drop_of(day), relation=relation, kind=kind, day=day, currency=currency, amount=amount, amount_base=base, **more
        )
        self._move(relation, currency, day, drop_of(day), amount, base)
        return numbers

    # What all of them share.

    def _often(self, stream: str, index: Ints, per_mille: int) -> Flags:
        return self.chance.often(stream, index, per_mille)

    def _application_numbers(self, count: int) -> Ints:
        numbers = self.counters.applications + 1 + np.arange(count, dtype=np.int64)
        self.counters.applications += count
        return numbers

    def _move(self, relation: Ints, currency: Ints, day: Ints, known: Ints, amount: Ints, base: Ints, **more: Ints | Flags | int) -> None:
        self.movements.add(relation=relation, currency=currency, day=day, known=known, amount=amount, amount_base=base, **more)
