"""The inboxes that the cases share, and how they are written to disk."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from oracle.drops import Drop, make_drop, system_of

from . import absence, adjustments, applications, balance_forward, currencies, extremes, history, minor_units, months, open_amounts, practice, terms
from .cases import Case, Row, as_text, company, customer, invoice, rate
from .cases import terms as payment_terms

# What held and rejected amounts are measured against: without it a few refused rows would refuse the publishing of all cases.
BALLAST = 900_000

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
    scope: dict[str, Any] | None = None

    def manifest(self) -> str:
        """Return the drop's manifest."""
        entries = {"extracted_at": self.extracted_at, "books_through": self.books_through, "mode": self.mode, "scope": self.scope}
        return yaml.safe_dump({name: value for name, value in entries.items() if value is not None})


@dataclass(frozen=True)
class Inbox:
    """A series of drops and the cases that live in it."""

    name: str
    drops: list[Calendar]
    cases: list[Case]
    shared: list[Row]

    @property
    def as_of(self) -> date:
        """The last day of the newest drop's books."""
        return date.fromisoformat(self.drops[-1].books_through)

    def feeds(self, number: int, cases: list[Case] | None = None) -> dict[str, list[dict[str, str]]]:
        """Return one drop's rows by feed, of all the cases or of some (a feed that others deliver is then there, and empty)."""
        feeds: dict[str, list[dict[str, str]]] = defaultdict(list)
        for each in self.cases:
            for row in each.drops[number] if number < len(each.drops) else []:
                feeds.setdefault(row.feed, [])
        for each in self.cases if cases is None else cases:
            for feed, text in each.rows(number):
                feeds[feed].append(text)
        if number == 0 or self.drops[number].mode != "incremental":
            for feed, text in as_text(self.shared):
                feeds[feed].append(text)
        return dict(feeds)

    def oracle_drops(self, cases: list[Case] | None = None) -> list[Drop]:
        """Return the drops for the oracle."""
        return [
            make_drop(
                drop.name,
                self.feeds(number, cases),
                extracted_at=drop.extracted_at,
                books_through=drop.books_through,
                mode=drop.mode,
                scope=drop.scope,
            )
            for number, drop in enumerate(self.drops)
        ]

    def write(self, folder: Path) -> Path:
        """Write the inbox as a user would hand it over."""
        for number, drop in enumerate(self.drops):
            write_drop(folder / drop.name, self.feeds(number), drop.manifest())
        return folder


def write_drop(folder: Path, feeds: dict[str, list[dict[str, str]]], manifest: str) -> None:
    """Write one drop: the manifest and one CSV per feed."""
    (folder / "ledger").mkdir(parents=True)
    (folder / "crm").mkdir()
    (folder / "manifest.yaml").write_text(manifest, encoding="utf-8")
    for feed, rows in feeds.items():
        columns = list(dict.fromkeys(name for row in rows for name in row))
        with (folder / system_of(feed) / f"{feed}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def master() -> list[Row]:
    """The companies, terms and rates that all cases share."""
    return [*COMPANIES, *TERMS, *RATES]


def ballast(*pairs: tuple[str, str]) -> list[Row]:
    """An invoice per company and currency that is large beside everything that is held on purpose."""
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
                open_amount=BALLAST,
            )
        )
    return rows


CORE = Inbox(
    "core",
    [Calendar("2026-07-01", "2026-07-01T06:00:00Z", "2026-06-30")],
    [*applications.CASES, *practice.CASES, *adjustments.CASES, *terms.CASES, *currencies.CASES, *minor_units.CASES, *balance_forward.CASES, *months.CASES],
    [*COMPANIES, *TERMS, *RATES, *ballast(("ACME", "EUR"), ("BETA", "EUR"), ("ACME", "USD"), ("ACME", "DKK"), ("ACME", "SEK"))],
)

HISTORY = Inbox(
    "history",
    [
        Calendar("2026-03-01", "2026-03-01T06:00:00Z", "2026-02-28"),
        Calendar("2026-04-01", "2026-04-01T06:00:00Z", "2026-03-31", "incremental"),
        Calendar("2026-05-01", "2026-05-01T06:00:00Z", "2026-04-30", "incremental"),
        Calendar("2026-06-16", "2026-06-16T06:00:00Z", "2026-06-15", "incremental"),
    ],
    history.CASES,
    [*master(), *ballast(("ACME", "EUR"), ("ACME", "PLN"))],
)

ABSENCE = Inbox(
    "absence",
    [
        Calendar("2026-03-01", "2026-03-01T06:00:00Z", "2026-02-28"),
        Calendar("2026-04-01", "2026-04-01T06:00:00Z", "2026-03-31"),
        Calendar("2026-05-01", "2026-05-01T06:00:00Z", "2026-04-30", scope={"companies": ["BETA"], "posting_from": "2026-03-01"}),
    ],
    absence.CASES,
    [*master(), *ballast(("ACME", "EUR"), ("BETA", "EUR"))],
)

OPEN_AMOUNTS = Inbox(
    "open_amounts",
    [
        Calendar("2026-03-01", "2026-03-01T06:00:00Z", "2026-02-28", "open_items"),
        Calendar("2026-04-01", "2026-04-01T06:00:00Z", "2026-03-31", "open_items"),
        Calendar("2026-05-01", "2026-05-01T06:00:00Z", "2026-04-30", "open_items"),
    ],
    open_amounts.CASES,
    [*master(), *ballast(("ACME", "EUR"))],
)

EXTREMES = Inbox(
    "extremes",
    [Calendar("2026-07-01", "2026-07-01T06:00:00Z", "2026-06-30")],
    extremes.CASES,
    [*master(), invoice("TEN-MILLION", 10_000_000, "2026-01-01", company_id="ACME", customer_id="BALLAST", currency="EUR")],
)

INBOXES = [CORE, EXTREMES, HISTORY, ABSENCE, OPEN_AMOUNTS]
