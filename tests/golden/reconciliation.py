"""Books whose general ledger differs from the subledger for a known reason, one company each; the causes are worked by hand.

Every company has an invoice of 1,000 from May, in both ledgers. What it has beside that is the story; `gl` is what its general ledger says at the three
period ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from .cases import Row, adjust, apply, as_text, company, customer, document, invoice, receipt
from .inboxes import Calendar, write_drop

MAY, JUNE, JULY = "2026-05-31", "2026-06-30", "2026-07-31"
ENDS = (MAY, JUNE, JULY)
DROPS = [
    Calendar("2026-07-02", "2026-07-02T06:00:00Z", "2026-07-01"),
    # The general ledger's balances come with this one, and were not read again since.
    Calendar("2026-08-04", "2026-08-04T06:00:00Z", "2026-08-03"),
    Calendar("2026-08-06", "2026-08-06T06:00:00Z", "2026-08-05", "incremental"),
]
AS_OF = "2026-08-05"

Amounts = tuple[Any, Any, Any]


@dataclass(frozen=True)
class Book:
    """One company. ``rows`` come with the first two drops, ``gone`` with the first only, ``mended`` with the second only, ``late`` with the third.

    ``gl`` and ``base`` are the general ledger's balances at the three period ends, in document currencies and in base. ``causes`` and ``items`` are by
    (period end, currency), in base with a third part "base": cause and amount; cause, object and amount. What is not named there ties.
    """

    company_id: str
    why: str
    rows: list[Row]
    gl: Mapping[str, Amounts]
    base: Amounts | None = None
    gone: tuple[Row, ...] = ()
    mended: tuple[Row, ...] = ()
    late: tuple[Row, ...] = ()
    causes: Mapping[tuple[str, ...], Mapping[str, Any]] = None  # type: ignore[assignment]
    items: Mapping[tuple[str, ...], list[tuple[str, str, Any]]] = None  # type: ignore[assignment]

    def feeds(self, drop: int) -> list[Row]:
        """Return the company's rows in one drop."""
        if drop == 2:
            return [self._own(row) for row in self.late]
        found = [invoice("MAY", 1000, "2026-05-10", currency="EUR"), *self.rows, *(self.gone if drop == 0 else self.mended)]
        return [*(self._own(row) for row in found), *(self._balances() if drop == 1 else [])]

    def _own(self, row: Row) -> Row:
        values = {"company_id": self.company_id, "customer_id": f"{self.company_id}-K", "currency": "EUR"} | row.values
        if row.feed == "applications":
            values = dict(row.values)
        ids = ("document_id", "receipt_id", "application_id", "adjustment_id", "source_id")
        return Row(row.feed, {name: f"{self.company_id}-{value}" if name in ids and value else value for name, value in values.items()})

    def _balances(self) -> list[Row]:
        kinds = [("document_currency", currency, balances) for currency, balances in self.gl.items()]
        kinds += [("base_total", "EUR", self.base)] if self.base else []
        return [
            Row(
                "gl_balances",
                {
                    "company_id": self.company_id,
                    "receivable_account": "1200",
                    "period_end": end,
                    "balance_kind": kind,
                    "currency": currency,
                    "closing_balance": balance,
                },
            )
            for kind, currency, balances in kinds
            for end, balance in zip(ENDS, balances, strict=True)
        ]


def book(company_id: str, why: str, *rows: Row, gl: Mapping[str, Amounts], causes: Any = None, items: Any = None, **more: Any) -> Book:
    """Write down a book; without causes every balance ties."""
    return Book(company_id, why, list(rows), gl, causes=causes or {}, items=items or {}, **more)


BOOKS = [
    book(
        "TIES",
        "Nothing differs, though there is unidentified cash, a journal and a document that was deleted in both.",
        receipt("R", 100, "2026-06-05", customer_id=""),
        document("journal_debit", "J", 80, "2026-06-10"),
        gone=(invoice("X", 130, "2026-06-11"),),
        gl={"EUR": (1000, 980, 980)},
        base=(1000, 980, 980),
    ),
    book(
        "LATER",
        "An invoice of 29 June is in the general ledger in July.",
        invoice("I", 240, "2026-06-29"),
        gl={"EUR": (1000, 1000, 1240)},
        base=(1000, 1000, 1240),
        causes={(JUNE, "EUR"): {"timing": -240}, (JUNE, "EUR", "base"): {"timing": -240}},
        items={(JUNE, "EUR"): [("timing", "I", -240)], (JUNE, "EUR", "base"): [("timing", "I", -240)]},
    ),
    book(
        "EARLIER",
        "Cash of 2 July is in the general ledger in June already.",
        receipt("R", 300, "2026-07-02"),
        gl={"EUR": (1000, 700, 700)},
        causes={(JUNE, "EUR"): {"timing": -300}},
        items={(JUNE, "EUR"): [("timing", "R", -300)]},
    ),
    book(
        "MIDMONTH",
        "A receipt of 11 June reached the general ledger in July only: it is gone from the difference there.",
        receipt("R", 310, "2026-06-11"),
        gl={"EUR": (1000, 1000, 690)},
        causes={(JUNE, "EUR"): {"timing": 310}},
        items={(JUNE, "EUR"): [("timing", "R", 310)]},
    ),
    book(
        "CUTOFF",
        "The general ledger was closed on 2 July: it holds all postings of the first two days.",
        invoice("I1", 110, "2026-07-01"),
        invoice("I2", 120, "2026-07-01"),
        receipt("R", 50, "2026-07-02"),
        invoice("I3", 77, "2026-07-03"),
        gl={"EUR": (1000, 1180, 1257)},
        causes={(JUNE, "EUR"): {"timing": 180}},
        items={(JUNE, "EUR"): [("timing", "=2026-07-01", 230), ("timing", "=2026-07-02", -50)]},
    ),
    book(
        "LATE",
        "An invoice of 15 July, and the deletion of another, were told on 6 August, after the general ledger was read on the 4th.",
        invoice("X", 40, "2026-06-15"),
        late=(invoice("I", 75, "2026-07-15"), Row("documents", invoice("X", 40, "2026-06-15").values | {"is_deleted": True})),
        gl={"EUR": (1000, 1040, 1040)},
        base=(1000, 1040, 1040),
        causes={
            (JUNE, "EUR"): {"timing": 40},
            (JULY, "EUR"): {"timing": -35},
            (JUNE, "EUR", "base"): {"timing": 40},
            (JULY, "EUR", "base"): {"timing": -35},
        },
        items={
            (JUNE, "EUR"): [("timing", "X", 40)],
            (JULY, "EUR"): [("timing", "I", -75), ("timing", "X", 40)],
            (JUNE, "EUR", "base"): [("timing", "X", 40)],
            (JULY, "EUR", "base"): [("timing", "I", -75), ("timing", "X", 40)],
        },
    ),
    book(
        "GLJOURNAL",
        "A manual journal of 500 in June, taken back in July; the subledger has no posting of it.",
        gl={"EUR": (1000, 1500, 1000)},
        base=(1000, 1500, 1000),
        causes={(JUNE, "EUR"): {"manual_journal": 500}, (JUNE, "EUR", "base"): {"manual_journal": 500}},
        items={(JUNE, "EUR"): [("manual_journal", f"={JUNE}", 500)], (JUNE, "EUR", "base"): [("manual_journal", f"={JUNE}", 500)]},
    ),
    book(
        "SLJOURNAL",
        "Two journals of the subledger never reached the general ledger.",
        document("journal_debit", "J1", 80, "2026-06-10"),
        document("journal_credit", "J2", 5, "2026-07-10"),
        gl={"EUR": (1000, 1000, 1000)},
        causes={(JUNE, "EUR"): {"manual_journal": -80}, (JULY, "EUR"): {"manual_journal": -75}},
        items={(JUNE, "EUR"): [("manual_journal", "J1", -80)], (JULY, "EUR"): [("manual_journal", "J1", -80), ("manual_journal", "J2", 5)]},
    ),
    book(
        "REVALUED",
        "The subledger revalues a dollar invoice by 12; the general ledger books that on another account.",
        invoice("U", 100, "2026-06-03", currency="USD", exchange_rate="0.9"),
        adjust("V", "revaluation", 12, "2026-06-30", of="U", amount_base=12, currency="USD"),
        gl={"EUR": (1000, 1000, 1000), "USD": (0, 100, 100)},
        base=(1000, 1090, 1090),
        causes={(JUNE, "EUR", "base"): {"manual_journal": -12}, (JULY, "EUR", "base"): {"manual_journal": -12}},
        items={(JUNE, "EUR", "base"): [("manual_journal", "V", -12)], (JULY, "EUR", "base"): [("manual_journal", "V", -12)]},
    ),
    book(
        "UNKNOWNCASH",
        "Cash that names no customer stands on a clearing account of the general ledger.",
        receipt("R1", 60, "2026-06-05", customer_id=""),
        receipt("R2", 40, "2026-06-06", customer_id=""),
        gl={"EUR": (1000, 1000, 1000)},
        base=(1000, 1000, 1000),
        causes={
            (JUNE, "EUR"): {"unapplied": 100},
            (JULY, "EUR"): {"unapplied": 100},
            (JUNE, "EUR", "base"): {"unapplied": 100},
            (JULY, "EUR", "base"): {"unapplied": 100},
        },
        items={(end, "EUR", *kind): [("unapplied", "R1", 60), ("unapplied", "R2", 40)] for end in (JUNE, JULY) for kind in ((), ("base",))},
    ),
    book(
        "ONACCOUNT",
        "Cash on account of 20 June counts in the general ledger from its application on 10 July on.",
        receipt("R", 90, "2026-06-20"),
        apply("A", "R", "MAY", 90, "2026-07-10", source_type="receipt"),
        gl={"EUR": (1000, 1000, 910)},
        causes={(JUNE, "EUR"): {"unapplied": 90}},
        items={(JUNE, "EUR"): [("unapplied", "R", 90)]},
    ),
    book(
        "ROUNDED",
        "Three invoices of 10.04 dollars at 0.9 are 9.036, rounded 9.04 each; the general ledger converts 30.12 at once: 27.11, not 27.12.",
        *(invoice(f"U{n}", "10.04", "2026-06-03", currency="USD", exchange_rate="0.9") for n in (1, 2, 3)),
        gl={"EUR": (1000, 1000, 1000), "USD": (0, "30.12", "30.12")},
        base=(1000, "1027.11", "1027.11"),
        causes={(end, "EUR", "base"): {"exchange_rounding": "-0.01"} for end in (JUNE, JULY)},
        items={(end, "EUR", "base"): [("exchange_rounding", "=EUR", "-0.01")] for end in (JUNE, JULY)},
    ),
    book(
        "TOOMUCH",
        "The same three invoices, but two cents: three movements round to 0.015 at most.",
        *(invoice(f"U{n}", "10.04", "2026-06-03", currency="USD", exchange_rate="0.9") for n in (1, 2, 3)),
        gl={"EUR": (1000, 1000, 1000), "USD": (0, "30.12", "30.12")},
        base=(1000, "1027.10", "1027.10"),
        causes={(end, "EUR", "base"): {"unexplained": "-0.02"} for end in (JUNE, JULY)},
    ),
    book(
        "DELETED",
        "An invoice that the extracts hold no more is still in the general ledger, and in July so is a draft.",
        gone=(invoice("X", 130, "2026-06-10"),),
        mended=(invoice("DRAFT", 45, "2026-07-05", status="draft"),),
        gl={"EUR": (1000, 1130, 1175)},
        causes={(JUNE, "EUR"): {"missing_document": 130}, (JULY, "EUR"): {"missing_document": 175}},
        items={
            (JUNE, "EUR"): [("missing_document", "X", 130)],
            (JULY, "EUR"): [("missing_document", "DRAFT", 45), ("missing_document", "X", 130)],
        },
    ),
    book(
        "UNPOSTED",
        "An invoice of 12 June never reached the general ledger; in July one of the 30th is not there yet either.",
        invoice("I1", 210, "2026-06-12"),
        invoice("I2", 33, "2026-07-30"),
        gl={"EUR": (1000, 1000, 1000)},
        causes={(JUNE, "EUR"): {"missing_document": -210}, (JULY, "EUR"): {"missing_document": -210, "timing": -33}},
        items={
            (JUNE, "EUR"): [("missing_document", "I1", -210)],
            (JULY, "EUR"): [("missing_document", "I1", -210), ("timing", "I2", -33)],
        },
    ),
    book(
        "HELD",
        "A dollar invoice without a rate is held, the general ledger has it at 92 euro; in July so is a write-off of a document that is not there.",
        invoice("U", 100, "2026-06-15", currency="USD"),
        adjust("W", "write_off", -15, "2026-07-05", of="NOPE", company_id="HELD", currency="EUR"),
        gl={"EUR": (1000, 1000, 985), "USD": (0, 100, 100)},
        base=(1000, 1092, 1077),
        causes={
            (JUNE, "USD"): {"held": 100},
            (JULY, "USD"): {"held": 100},
            (JULY, "EUR"): {"held": -15},
            (JUNE, "EUR", "base"): {"held": 92},
            (JULY, "EUR", "base"): {"held": 77},
        },
        items={
            (JUNE, "USD"): [("held", "U", 100)],
            (JULY, "USD"): [("held", "U", 100)],
            (JULY, "EUR"): [("held", "W", -15)],
            (JUNE, "EUR", "base"): [("held", "U", 92)],
            (JULY, "EUR", "base"): [("held", "U", 92), ("held", "W", -15)],
        },
    ),
    book(
        "REJECTED",
        "An invoice with an impossible due date was rejected; a corrected version of another too, so that the one before it stands.",
        invoice("I", 55, "2026-06-18", "2026-02-30"),
        gone=(invoice("N", 200, "2026-06-20"),),
        mended=(invoice("N", 220, "2026-06-20", "2026-02-30"),),
        gl={"EUR": (1000, 1275, 1275)},
        causes={(JUNE, "EUR"): {"rejected": 75}, (JULY, "EUR"): {"rejected": 75}},
        items={(end, "EUR"): [("rejected", "I", 55), ("rejected", "N", -200), ("rejected", "N", 220)] for end in (JUNE, JULY)},
    ),
    book(
        "MIXED",
        "A rejected invoice, cash that names no customer and a journal of the subledger at once: 55 + 100 - 80 = 75.",
        invoice("I", 55, "2026-06-18", "2026-02-30"),
        receipt("R", 100, "2026-06-05", customer_id=""),
        document("journal_debit", "J", 80, "2026-06-10"),
        gl={"EUR": (1000, 1055, 1055)},
        causes={(end, "EUR"): {"rejected": 55, "unapplied": 100, "manual_journal": -80} for end in (JUNE, JULY)},
        items={(end, "EUR"): [("manual_journal", "J", -80), ("rejected", "I", 55), ("unapplied", "R", 100)] for end in (JUNE, JULY)},
    ),
    book(
        "BASEONLY",
        "The general ledger delivers base totals only; a dollar invoice of 29 June, 90 euro, is in it in July.",
        invoice("U", 100, "2026-06-29", currency="USD", exchange_rate="0.9"),
        gl={},
        base=(1000, 1000, 1090),
        causes={(JUNE, "EUR", "base"): {"timing": -90}},
        items={(JUNE, "EUR", "base"): [("timing", "U", -90)]},
    ),
    book(
        "PARTLY",
        "A rejected invoice of 55 is a part of 63; what the other 8 are nobody knows.",
        invoice("I", 55, "2026-06-18", "2026-02-30"),
        gl={"EUR": (1000, 1063, 1063)},
        causes={(end, "EUR"): {"rejected": 55, "unexplained": 8} for end in (JUNE, JULY)},
        items={(end, "EUR"): [("rejected", "I", 55)] for end in (JUNE, JULY)},
    ),
    book(
        "NOBODYKNOWS",
        "17 too much from June on; a held, a rejected and an unidentified row are there, but none of them nor any sum of them comes to it.",
        invoice("I", 55, "2026-06-18", "2026-02-30"),
        receipt("R", 100, "2026-06-05", customer_id=""),
        invoice("U", 19, "2026-06-15", currency="USD"),
        gl={"EUR": (1000, 917, 917), "USD": (0, 0, 0)},
        causes={(end, "EUR"): {"unexplained": 17} for end in (JUNE, JULY)},
    ),
    book(
        "EDGE",
        "Cash of 2 July is in the general ledger in June already; as much of the last day of June is in both.",
        receipt("R0", 300, JUNE),
        receipt("R", 300, "2026-07-02"),
        gl={"EUR": (1000, 400, 400)},
        causes={(JUNE, "EUR"): {"timing": -300}},
        items={(JUNE, "EUR"): [("timing", "R", -300)]},
    ),
    book(
        "EITHER",
        "Two invoices of 50 on one day: the general ledger lacks one of them, nobody can say which.",
        invoice("I1", 50, "2026-06-30"),
        invoice("I2", 50, "2026-06-30"),
        gl={"EUR": (1000, 1050, 1100)},
        causes={(JUNE, "EUR"): {"unexplained": -50}},
    ),
]


def write(folder: Path) -> Path:
    """Write the inbox with all books."""
    for number, drop in enumerate(DROPS):
        feeds: dict[str, list[dict[str, str]]] = {}
        rows = [row for each in BOOKS for row in each.feeds(number)]
        if number < 2:
            rows += [company(each.company_id, "EUR") for each in BOOKS] + [customer(f"{each.company_id}-K") for each in BOOKS]
        for feed, text in as_text(rows):
            feeds.setdefault(feed, []).append(text)
        write_drop(folder / drop.name, feeds, drop.manifest())
    return folder


def expected_causes() -> dict[tuple[str, str, str, str], dict[str, Decimal]]:
    """Return by (company, period end, balance kind, currency) the causes that are not zero, of every balance that differs."""
    return {
        (each.company_id, key[0], "base_total" if len(key) == 3 else "document_currency", key[1]): {cause: Decimal(amount) for cause, amount in found.items()}
        for each in BOOKS
        for key, found in each.causes.items()
    }


def expected_items() -> list[tuple[str, str, str, str, str, str, Decimal]]:
    """Return company, period end, balance kind, currency, cause, object and amount of every row that makes up a difference, sorted."""
    return sorted(
        (
            each.company_id,
            key[0],
            "base_total" if len(key) == 3 else "document_currency",
            key[1],
            cause,
            object_id[1:] if object_id.startswith("=") else f"{each.company_id}-{object_id}",
            Decimal(amount),
        )
        for each in BOOKS
        for key, rows in each.items.items()
        for cause, object_id, amount in rows
    )
