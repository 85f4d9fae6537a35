"""How each document is settled: the cash, credit memos and adjustments that its story plans.

Every story settles its document exactly: what it plans to lower adds up to the document's amount plus what it plans to raise,
and whatever raises comes before what lowers it again. So any prefix in time leaves an open amount that is never negative, and
what lies after the demo's last day simply has not happened yet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.demo import days
from orchestration.demo.chance import Chance, Flags, Ints
from orchestration.demo.documents import Documents, discount_day, discount_percent
from orchestration.demo.parties import HABITS, Relations
from orchestration.demo.postings import (
    BANK_FEE,
    CHARGEBACK,
    DISCOUNT,
    FACTORED,
    OTHER,
    PAID_BACK,
    RECOVERY,
    SMALL_BALANCE,
    TRANSFER,
    WITHHOLDING_TAX,
    WRITE_OFF,
    Rows,
)
from orchestration.demo.stories import Story

LATER = days.END + 1  # a day that the demo does not reach

RESOLUTIONS = ["credited", "collected", "rejected", "withdrawn"]

VOIDED, POSTED, DELETED, CORRECTED = 1, 2, 3, 4


@dataclass
class Plans:
    """Everything that was planned for a block's documents; `document` is a position in the block throughout."""

    change: Ints  # what kind of change a document's row goes through, 0 none
    changed: Ints  # and on which day
    gross_before: Ints
    due_before: Ints
    first_payment: Ints  # when cash was first planned (LATER: not)
    settled: Ints  # when the last open amount is gone (LATER: never)
    cash: Rows
    credits: Rows
    adjustments: Rows
    installments: Rows
    disputes: Rows
    placements: Rows
    payment_plans: Rows


def half_up(amount: Ints, percent: Ints | int) -> Ints:
    """Return a percentage of amounts, rounded half up to the minor unit."""
    result: Ints = (2 * amount * percent + 100) // 200
    return result


def plan(chance: Chance, docs: Documents, relations: Relations) -> Plans:
    """Plan how a block's documents are settled."""
    return _Planner(chance, docs, relations).plan()


class _Planner:
    """Holds the block while its stories are planned, one method for each group of stories."""

    def __init__(self, chance: Chance, docs: Documents, relations: Relations) -> None:
        self.chance, self.docs, self.relations = chance, docs, relations
        self.gross = docs.gross
        self.run = relations.payment_run[docs.relation]
        count = len(docs)
        self.out = Plans(
            change=np.zeros(count, dtype=np.int64),
            changed=np.full(count, LATER, dtype=np.int64),
            gross_before=docs.gross.copy(),
            due_before=docs.due.copy(),
            first_payment=np.full(count, LATER, dtype=np.int64),
            settled=np.full(count, LATER, dtype=np.int64),
            # solo: this part has a receipt of its own (0: it shares one with what the customer pays that day).
            cash=Rows(
                document=0,
                day=LATER,
                amount=0,
                discount=0,
                sequence=0,
                solo=0,
                applied=0,
                unapplied=LATER,
                reapplied=LATER,
                bounced=LATER,
                identified=0,
                stays_unidentified=0,
                crosses=0,
            ),
            credits=Rows(document=0, day=LATER, amount=0),
            adjustments=Rows(document=0, kind=OTHER, day=LATER, amount=0, on_receipt=0),
            installments=Rows(document=0, sequence=0, due=0, amount=0),
            disputes=Rows(document=0, opened=0, closed=LATER, amount=0, resolution=0, resolved=0),
            placements=Rows(document=0, placed=0, amount=0, returned=LATER, recovered=0),
            payment_plans=Rows(document=0, sequence=0, due=0, amount=0, agreed=0),
        )

    def plan(self) -> Plans:
        self._change_rows()
        self._first_payment()
        self._plain()
        self._in_parts()
        self._disputed()
        self._credited()
        self._given_up()
        self._small_differences()
        self._cash_trouble()
        self._moved()
        return self.out

    # What the methods below share.

    def _rows(self, *stories: Story) -> Ints:
        return np.flatnonzero(np.isin(self.story, list(stories)))

    def _between(self, stream: str, rows: Ints, low: int, high: int) -> Ints:
        return self.chance.between(stream, self.docs.number[rows], low, high)

    def _often(self, stream: str, rows: Ints, per_mille: int) -> Flags:
        return self.chance.often(stream, self.docs.number[rows], per_mille)

    def _part(self, rows: Ints, percent: Ints) -> Ints:
        """A part of each amount: a percentage of it, but at least one minor unit and never all."""
        return np.clip(half_up(self.gross[rows], percent), 1, self.gross[rows] - 1)

    def _next_run(self, rows: Ints, day: Ints) -> Ints:
        return days.run(self.run[rows], np.minimum(day, LATER + 400))

    def _pay(self, rows: Ints, day: Ints, amount: Ints, **more: Ints | int) -> None:
        self.out.cash.add(document=rows, day=day, amount=amount, **more)
        np.minimum.at(self.out.first_payment, rows, day)

    def _adjust(self, rows: Ints, kind: int, day: Ints, amount: Ints, **more: Ints | int) -> None:
        self.out.adjustments.add(document=rows, kind=kind, day=day, amount=amount, **more)

    def _settle(self, rows: Ints, day: Ints) -> None:
        self.out.settled[rows] = day

    # The stories.

    def _change_rows(self) -> None:
        """Rows that change after they were first delivered; near the end, so that a weekly drop brings the change."""
        docs, out = self.docs, self.out
        self.story = docs.story.copy()
        for story, window, change in [(Story.DELETED, 21, DELETED), (Story.CORRECTED, 45, CORRECTED)]:
            rows = self._rows(story)
            day = days.business(np.maximum(docs.known[rows], days.HISTORY_END) + self._between("change", rows, 2, 20))
            seen = (docs.known[rows] > days.HISTORY_END - window) & (days.drop_of(day) > days.drop_of(docs.known[rows]))
            seen &= day <= days.END
            self.story[rows[~seen]] = Story.PLAIN
            out.change[rows[seen]], out.changed[rows[seen]] = change, day[seen]
        rows = self._rows(Story.CORRECTED)
        by_amount = self._often("corrects amount", rows, 400)
        wrong = self.gross[rows] + half_up(self.gross[rows], 10) + 1
        out.gross_before[rows] = np.where(by_amount, wrong, self.gross[rows])
        out.due_before[rows] = np.where(by_amount, docs.due[rows], docs.due[rows] - 10)

        rows = self._rows(Story.DRAFT)
        out.change[rows] = POSTED
        posted = days.business(docs.known[rows] + self._between("drafted for", rows, 4, 12))
        out.changed[rows] = np.where(self._often("posted", rows, 750), posted, LATER)

        rows = self._rows(Story.VOID, Story.PAID_THEN_VOID)
        out.change[rows] = VOIDED
        out.changed[rows] = days.business(docs.known[rows] + self._between("void after", rows, 1, 12))

        # Nothing is paid before the ledger shows the document as it will stay.
        waits = np.isin(self.story, [Story.CORRECTED, Story.DRAFT])
        self.payable = np.where(waits, np.maximum(out.changed, docs.known), docs.known)

    def _first_payment(self) -> None:
        """When the customer would pay: due date, habit, its drift, some chance, then the next payment run."""
        docs, relations = self.docs, self.relations
        habit = relations.habit[docs.relation]
        late, drift, spread = (np.array([getattr(h, f) for h in HABITS], dtype=np.int64)[habit] for f in ("late", "drift", "spread"))
        age = np.maximum(days.month(docs.day) - 1, 0)
        delay = late + drift * age // 33 + self.chance.bell("delay", docs.number, spread)
        delay = np.where(self._often("very late", np.arange(len(docs)), 15), delay + 60, delay)
        self.day = self._next_run(np.arange(len(docs)), np.maximum(docs.due + delay, self.payable))

    def _plain(self) -> None:
        docs, relations = self.docs, self.relations
        rows = self._rows(Story.PLAIN, Story.CORRECTED, Story.DRAFT)
        relation, gross, day = docs.relation[rows], self.gross[rows], self.day[rows]
        percent = discount_percent(relations.terms[relation])
        takes = relations.takes_discount[relation] & (percent > 0) & self._often("takes", rows, 800)
        early = days.business(np.maximum(discount_day(docs.day[rows], relations.terms[relation]) - self._between("early", rows, 0, 3), self.payable[rows]))
        # Some deduct a discount that they no longer earn.
        day = np.where(takes & ~self._often("unearned", rows, 40), np.minimum(early, day), day)
        discount = np.where(takes, half_up(gross, percent), 0)
        discount = np.where(discount < gross, discount, 0)

        tax = np.where(relations.withholds_tax[relation] & (discount == 0), np.minimum(half_up(gross, 5), gross - 1), 0)
        has_fee = relations.pays_bank_fees[relation] & (discount == 0) & (gross > 20_000) & self._often("fee", rows, 400)
        fee = np.where(has_fee, self._between("fee of", rows, 500, 3_500), 0)
        self._pay(rows, day, gross - discount - tax - fee, discount=discount)
        for kind, amount in [(WITHHOLDING_TAX, tax), (BANK_FEE, fee)]:
            some = amount > 0
            self._adjust(rows[some], kind, day[some], -amount[some])
        self._settle(rows, day)

    def _in_parts(self) -> None:
        rows = self._rows(Story.TWO_PARTS)
        first = self._part(rows, self._between("first part", rows, 20, 80))
        later = self._next_run(rows, self.day[rows] + self._between("second part", rows, 12, 50))
        self._pay(rows, self.day[rows], first)
        self._pay(rows, later, self.gross[rows] - first)
        self._settle(rows, later)

        rows = self._rows(Story.INSTALLMENTS)
        rows = rows[self.gross[rows] >= 3]
        third = self.gross[rows] // 3
        names_sequence = self.chance.often("names installment", self.docs.relation[rows], 650)
        delay = self.day[rows] - self.docs.due[rows]
        day = self.day[rows]
        for number in range(3):
            amount = third if number < 2 else self.gross[rows] - 2 * third
            due = self.docs.due[rows] + 30 * number
            day = np.maximum(self._next_run(rows, due + delay), day)
            self.out.installments.add(document=rows, sequence=np.full(len(rows), number + 1), due=due, amount=amount)
            self._pay(rows, day, amount, sequence=np.where(names_sequence, number + 1, 0))
        self._settle(rows, day)

        rows = self._rows(Story.PAYMENT_PLAN)
        agreed = days.business(self.docs.due[rows] + self._between("agreed", rows, 30, 60))
        agreed = np.maximum(agreed, days.business(self.payable[rows]))
        quarter = self.gross[rows] // 4
        keeps = self._between("keeps to the plan", rows, 2, 6)
        for number in range(4):
            amount = quarter if number < 3 else self.gross[rows] - 3 * quarter
            due = agreed + 30 * (number + 1)
            self.out.payment_plans.add(document=rows, sequence=np.full(len(rows), number + 1), due=due, amount=amount, agreed=agreed)
            # Who breaks off pays the rest half a year later.
            paid = np.where(keeps > number, due + self._between(f"plan {number}", rows, -2, 4), due + 180)
            day = self._next_run(rows, paid)
            some = amount > 0
            self._pay(rows[some], day[some], amount[some])
        self._settle(rows, day)

    def _disputed(self) -> None:
        """A part, or all, is disputed; the rest is paid. Then credited, collected, rejected (and paid late) or withdrawn."""
        stories = [Story.DISPUTE_CREDITED, Story.DISPUTE_COLLECTED, Story.DISPUTE_REJECTED, Story.DISPUTE_WITHDRAWN]
        for resolution, story in enumerate(stories):
            rows = self._rows(story)
            rows = rows[self.gross[rows] >= 2]
            whole = self._often("all disputed", rows, 200)
            amount = np.where(whole, self.gross[rows], self._part(rows, self._between("disputed", rows, 3, 45)))
            opened = days.business(np.maximum(self.day[rows] - self._between("opened", rows, 0, 12), self.payable[rows]))
            paid = np.maximum(self.day[rows], opened)
            closed = days.business(paid + self._between("open for", rows, 8, 90))
            resolved = np.where(self._often("half resolved", rows, 250) & (amount > 1), amount // 2, amount)
            resolved = amount if story != Story.DISPUTE_CREDITED else resolved
            self.out.disputes.add(
                document=rows, opened=opened, closed=closed, amount=amount, resolution=resolution, resolved=np.where(np.isin(resolution, [0, 1]), resolved, 0)
            )
            rest = self.gross[rows] - amount
            self._pay(rows[rest > 0], paid[rest > 0], rest[rest > 0])
            if story == Story.DISPUTE_CREDITED:
                self.out.credits.add(document=rows, day=closed, amount=resolved)
                left = amount - resolved
                later = self._next_run(rows, closed + self._between("after dispute", rows, 3, 25))
                self._pay(rows[left > 0], later[left > 0], left[left > 0])
                self._settle(rows, np.where(left > 0, later, closed))
            else:
                wait = self._between("after dispute", rows, 3, 25) + (40 if story == Story.DISPUTE_REJECTED else 0)
                later = self._next_run(rows, closed + wait)
                self._pay(rows, later, amount)
                self._settle(rows, later)

    def _credited(self) -> None:
        rows = self._rows(Story.RETURNED)
        rows = rows[self.gross[rows] >= 2]
        amount = self._part(rows, self._between("returned", rows, 3, 60))
        returned = days.business(self.payable[rows] + self._between("return after", rows, 2, 20))
        paid = np.maximum(self.day[rows], self._next_run(rows, returned))
        self.out.credits.add(document=rows, day=returned, amount=amount)
        self._pay(rows, paid, self.gross[rows] - amount)
        self._settle(rows, paid)

        rows = self._rows(Story.FULLY_CREDITED)
        credited = days.business(self.payable[rows] + self._between("credit after", rows, 3, 35))
        self.out.credits.add(document=rows, day=credited, amount=self.gross[rows])
        self._settle(rows, credited)

    def _given_up(self) -> None:
        rows = self._rows(Story.WRITTEN_OFF)
        given_up = days.business(np.maximum(self.docs.due[rows] + self._between("give up", rows, 150, 260), self.payable[rows]))
        is_foreign = self.docs.currency[rows] != self.docs.base[rows]
        in_part = self._often("paid some", rows, 400) & ~is_foreign & (self.day[rows] < given_up) & (self.gross[rows] >= 2)
        paid = np.where(in_part, self._part(rows, self._between("paid part", rows, 10, 70)), 0)
        self._pay(rows[in_part], self.day[rows][in_part], paid[in_part])
        self._adjust(rows, WRITE_OFF, given_up, paid - self.gross[rows])
        self._settle(rows, given_up)

        rows = self._rows(Story.RECOVERED)
        given_up = days.business(np.maximum(self.docs.due[rows] + self._between("give up", rows, 100, 170), self.payable[rows]))
        back = days.business(given_up + self._between("recovered after", rows, 30, 150))
        recovered = self._part(rows, self._between("recovered", rows, 30, 90))
        self._adjust(rows, WRITE_OFF, given_up, -self.gross[rows])
        self._adjust(rows, RECOVERY, back, recovered)
        self._pay(rows, back, recovered, solo=1)
        self._settle(rows, back)

        # Placed with an agency: it brings a part, the rest is written off.
        rows = self._rows(Story.AGENCY)
        placed = days.business(np.maximum(self.docs.due[rows] + self._between("placed", rows, 100, 160), self.payable[rows]))
        returned = days.business(placed + self._between("at the agency", rows, 40, 120))
        recovered = self._part(rows, self._between("agency brings", rows, 10, 80))
        given_up = days.business(returned + 6)
        self.out.placements.add(document=rows, placed=placed, amount=self.gross[rows], returned=returned, recovered=recovered)
        self._pay(rows, returned, recovered, solo=1)
        self._adjust(rows, WRITE_OFF, given_up, recovered - self.gross[rows])
        self._settle(rows, given_up)

    def _small_differences(self) -> None:
        for story, kind, low, high in [(Story.SMALL_BALANCE, SMALL_BALANCE, 1, 250), (Story.LATE_DISCOUNT, DISCOUNT, 300, 900)]:
            rows = self._rows(story)
            short = np.minimum(self._between("short by", rows, low, high), self.gross[rows] - 1)
            closed = days.business(self.day[rows] + self._between("closed after", rows, 2, 12))
            self._pay(rows, self.day[rows], self.gross[rows] - short)
            self._adjust(rows[short > 0], kind, closed[short > 0], -short[short > 0])
            self._settle(rows, closed)

    def _cash_trouble(self) -> None:
        rows = self._rows(Story.BOUNCED)
        bounced = days.business(self.day[rows] + self._between("bounces after", rows, 2, 9))
        again = self._next_run(rows, bounced + self._between("pays again after", rows, 5, 30))
        self._pay(rows, self.day[rows], self.gross[rows], solo=1, bounced=bounced)
        self._pay(rows, again, self.gross[rows], solo=2)
        self._settle(rows, again)

        rows = self._rows(Story.REAPPLIED)
        unapplied = days.business(self.day[rows] + self._between("unapplied after", rows, 1, 12))
        reapplied = days.business(unapplied + np.where(self._often("same day", rows, 500), 0, self._between("put back", rows, 1, 9)))
        self._pay(rows, self.day[rows], self.gross[rows], solo=1, unapplied=unapplied, reapplied=reapplied)
        self._settle(rows, reapplied)

        rows = self._rows(Story.PAID_THEN_VOID)
        # Paid at once, voided days later: the cash is unapplied again, and mostly paid back.
        paid = days.business(self.payable[rows])
        voided = days.business(paid + self._between("void paid after", rows, 3, 20))
        self.out.changed[rows] = voided
        self._pay(rows, paid, self.gross[rows], solo=1)
        back = self._often("pays back", rows, 700)
        repaid = days.business(voided + self._between("pay back after", rows, 2, 15))
        self._adjust(rows[back], PAID_BACK, repaid[back], self.gross[rows][back], on_receipt=1)
        self._settle(rows, voided)

        rows = self._rows(Story.VOID)
        self._settle(rows, self.out.changed[rows])

        rows = self._rows(Story.PREPAID)
        early = days.business(self.docs.day[rows] - self._between("prepaid by", rows, 3, 12))
        early = np.maximum(early, self.relations.opened[self.docs.relation[rows]])
        self._pay(rows, early, self.gross[rows], solo=1, applied=self.docs.known[rows])
        self._settle(rows, self.docs.known[rows])

        # Nobody knew whose cash it was. Mostly the receipt's row is corrected; else it stays as it was, and is applied.
        rows = self._rows(Story.UNIDENTIFIED)
        found = days.business(self.day[rows] + self._between("identified after", rows, 2, 25))
        stays = self._often("stays unidentified", rows, 400).astype(np.int64)
        self._pay(rows, self.day[rows], self.gross[rows], solo=1, applied=found, identified=found, stays_unidentified=stays)
        self._settle(rows, found)

        rows = self._rows(Story.CROSS_CURRENCY)
        self._pay(rows, self.day[rows], self.gross[rows], solo=1, crosses=1)
        self._settle(rows, self.day[rows])

    def _moved(self) -> None:
        rows = self._rows(Story.CHARGEBACK)
        back = days.business(self.day[rows] + self._between("charged back after", rows, 5, 40))
        amount = self._part(rows, self._between("charged back", rows, 10, 90))
        again = self._next_run(rows, back + self._between("pays charge", rows, 15, 60))
        self._pay(rows, self.day[rows], self.gross[rows])
        self._adjust(rows, CHARGEBACK, back, amount)
        self._pay(rows, again, amount)
        self._settle(rows, again)

        rows = self._rows(Story.FACTORED)
        sold = days.business(self.payable[rows] + self._between("factored after", rows, 2, 10))
        self._adjust(rows, FACTORED, sold, -self.gross[rows])
        self._settle(rows, sold)

        # To a sister customer: off the document, and onto that customer's account as an item of its own, paid there.
        rows = self._rows(Story.TRANSFERRED)
        moved = days.business(np.maximum(self.docs.due[rows] + self._between("moved after", rows, -10, 10), self.payable[rows]))
        self._adjust(rows, TRANSFER, moved, -self.gross[rows])
        self._settle(rows, moved)
