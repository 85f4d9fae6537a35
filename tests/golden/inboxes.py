"""The inboxes that the cases share, and how they are written to disk."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from oracle.drops import Drop, make_drop

from . import adjustments, applications, terms
from .cases import Case, Row, company, customer, invoice, rate
from .cases import terms as payment_terms

# What held and rejected amounts are measured against: without it a few refused rows would refuse the publishing of all cases.
BALLAST = 1_000_000_000

COMPANIES = [company("ACME", "EUR"), company("BETA", "EUR"), company("DOLLAR", "USD"), company("DINAR", "KWD")]

TERMS = [
    payment_terms("N0", 0),
    payment_terms("N15", 15),
    payment_terms("N30", 30),
    payment_terms("N60", 60),
    payment_terms("EOM", 0, end_of_month=True),
    payment_terms("EOM30", 30, end_of_month=True),
    payment_terms("FIXED10", 0, fixed_day=10),
    payment_terms("FIXED31", 0, fixed_day=31),
    payment_terms("SKONTO", 30, discount_days=10, discount_percent="2"),
]

RATES = [
    rate("USD", "EUR", "2026-01-10", "0.9"),
    rate("USD", "EUR", "2026-01-17", "0.95"),
    rate("EUR", "GBP", "2026-01-10", "0.8"),
    rate("CHF", "EUR", "2026-01-10", "1.05"),
    rate("SEK", "EUR", "2026-01-02", "0.09"),
    rate("JPY", "EUR", "2026-01-10", "0.006"),
    rate("KWD", "EUR", "2026-01-10", "3.0"),
    rate("EUR", "KWD", "2026-01-10", "0.333"),
]


@dataclass(frozen=True)
class Calendar:
    """One drop of an inbox: its name, when it was taken, how far the books go and how it is meant."""

    name: str
    extracted_at: str
    books_through: str
    mode: str = "full"


@dataclass(frozen=True)
class Inbox:
    """A series of drops and the cases that live in it."""

    name: str
    drops: list[Calendar]
    cases: list[Case]
    shared: list[Row]

    def feeds(self, number: int, cases: list[Case] | None = None) -> dict[str, list[dict[str, str]]]:
        """Return one drop's rows by feed, of all the cases or of some."""
        feeds: dict[str, list[dict[str, str]]] = defaultdict(list)
        wanted = self.cases if cases is None else cases
        inbox = Case(name="", why="", drops=[self.shared])
        for each in [*wanted]:
            for feed, row in each.rows(number):
                feeds[feed].append(row)
        if number == 0 or self.drops[number].mode != "incremental":
            for row in inbox.drops[0]:
                feeds[row.feed].append(
                    {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in row.values.items() if value is not None}
                )
        return dict(feeds)

    def oracle_drops(self, cases: list[Case] | None = None) -> list[Drop]:
        """Return the drops for the oracle."""
        return [
            make_drop(drop.name, self.feeds(number, cases), extracted_at=drop.extracted_at, books_through=drop.books_through, mode=drop.mode)
            for number, drop in enumerate(self.drops)
        ]

    def write(self, folder: Path) -> Path:
        """Write the inbox as a user would hand it over."""
        for number, drop in enumerate(self.drops):
            write_drop(folder / drop.name, self.feeds(number), f"extracted_at: {drop.extracted_at}\nbooks_through: {drop.books_through}\nmode: {drop.mode}\n")
        return folder


def write_drop(folder: Path, feeds: dict[str, list[dict[str, str]]], manifest: str) -> None:
    """Write one drop: the manifest and one CSV per feed."""
    (folder / "ledger").mkdir(parents=True)
    (folder / "manifest.yaml").write_text(manifest, encoding="utf-8")
    for feed, rows in feeds.items():
        columns = list(dict.fromkeys(name for row in rows for name in row))
        with (folder / "ledger" / f"{feed}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _ballast(*pairs: tuple[str, str]) -> list[Row]:
    rows = [customer("BALLAST")]
    for company_id, currency in pairs:
        rows.append(
            invoice(
                f"BALLAST-{company_id}-{currency}",
                BALLAST,
                "2024-01-01",
                "2027-01-01",
                company_id=company_id,
                customer_id="BALLAST",
                currency=currency,
                gross_amount_base=BALLAST,
            )
        )
    return rows


CORE = Inbox(
    "core",
    [Calendar("2026-07-01", "2026-07-01T06:00:00Z", "2026-06-30")],
    [*applications.CASES, *adjustments.CASES, *terms.CASES],
    [*COMPANIES, *TERMS, *RATES, *_ballast(("ACME", "EUR"), ("BETA", "EUR"))],
)

INBOXES = [CORE]
