"""Half a year of weekly drops, one late, one missing and one that corrects what was told long before; and what is open of it, counted from its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from landing import write_drop

from orchestration.settings import Home

WEEKS = 26
LATE, MISSING, CORRECTING = 5, 15, 20
FIRST_FRIDAY = date(2026, 1, 9)
RATE = "0.900000000"
# What the correcting drop says of documents that were told long before.
CORRECTED = {"D3-1": {"due_date": "2026-03-31"}, "D7-2": {"customer_id": "K1"}}


@dataclass(frozen=True)
class Posting:
    """One row of the simulated ledger: an invoice, or cash that settles one."""

    week: int
    currency: str
    amount: Decimal
    pays: str | None
    row: dict[str, str]
    application: dict[str, str] | None = None
    told: int | None = None

    @property
    def told_in(self) -> int:
        """The drop that tells it: its own week's, unless it was told late, or that drop is missing."""
        return self.told or (self.week + 1 if self.week == MISSING else self.week)


def friday(week: int) -> date:
    return FIRST_FRIDAY + timedelta(days=7 * (week - 1))


def postings() -> Iterator[Posting]:
    """Yield three invoices a week, every fourth week one in another currency; each is paid five weeks later, and one receipt in six is not applied."""
    for week in range(1, WEEKS + 1):
        for number, day in enumerate((4, 2, 0), start=1):
            posted = (friday(week) - timedelta(days=day)).isoformat()
            is_foreign = number == 3 and week % 4 == 0
            currency, amount = ("USD" if is_foreign else "EUR"), Decimal(f"{week * 100 + number * 10}.{number}5")
            yield Posting(
                week,
                currency,
                amount,
                None,
                {
                    "document_id": f"D{week}-{number}",
                    "company_id": "C1",
                    "customer_id": f"K{number}",
                    "document_type": "invoice",
                    "document_date": posted,
                    "posting_date": posted,
                    "payment_terms_id": "",
                    "due_date": (friday(week) + timedelta(days=20)).isoformat(),
                    "currency": currency,
                    "exchange_rate": RATE if is_foreign else "",
                    "gross_amount": f"{amount}",
                },
            )
            if week > 5:
                paid = week - 5
                old_currency = "USD" if number == 3 and paid % 4 == 0 else "EUR"
                old = Decimal(f"{paid * 100 + number * 10}.{number}5")
                receipt = {
                    "receipt_id": f"R{week}-{number}",
                    "company_id": "C1",
                    "customer_id": f"K{number}",
                    "receipt_date": posted,
                    "posting_date": posted,
                    "currency": old_currency,
                    "exchange_rate": RATE if old_currency == "USD" else "",
                    "amount": f"{old}",
                }
                application = {
                    "application_id": f"A{week}-{number}",
                    "source_type": "receipt",
                    "source_id": f"R{week}-{number}",
                    "document_id": f"D{paid}-{number}",
                    "amount": f"{old}",
                }
                yield Posting(week, old_currency, -old, f"D{paid}-{number}", receipt, application if week % 6 else None)
    yield backdated_cash()


def backdated_cash() -> Posting:
    """Return cash that is told by the correcting drop, and posted fourteen weeks before."""
    row = {
        "receipt_id": "R-BACK",
        "company_id": "C1",
        "customer_id": "K1",
        "receipt_date": friday(6).isoformat(),
        "posting_date": friday(6).isoformat(),
        "currency": "EUR",
        "amount": "55.55",
    }
    return Posting(6, "EUR", Decimal("-55.55"), "nothing yet", row, None, CORRECTING)


def write_week(inbox: Path, week: int) -> None:
    told = [posting for posting in postings() if posting.told_in == week]
    rows = {
        "documents": [posting.row for posting in told if posting.pays is None],
        "receipts": [posting.row for posting in told if posting.pays],
        "applications": [posting.application for posting in told if posting.application],
    }
    if week == CORRECTING:
        rows["documents"] += [{**posting.row, **CORRECTED[posting.row["document_id"]]} for posting in postings() if posting.row.get("document_id") in CORRECTED]
    feeds = {name: found for name, found in rows.items() if found}
    if week == 1:
        feeds["companies"] = [{"company_id": "C1", "name": "Half Year Ltd", "base_currency": "EUR"}]
        feeds["customers"] = [{"customer_id": f"K{number}", "name": f"Customer *{number}*"} for number in (1, 2, 3)]
    mode = "full" if week == 1 else "incremental"
    manifest = f"extracted_at: {friday(week) + timedelta(days=1)}T06:00:00Z\nbooks_through: {friday(week)}\nmode: {mode}\n"
    write_drop(inbox / f"{friday(week)}_weekly", manifest, **feeds)


def expected(week: int, known: set[int]) -> dict[str, Decimal]:
    """Return the open amount per currency at a week's end, of the drops in ``known``."""
    open_amounts: dict[str, Decimal] = {}
    for posting in postings():
        if posting.week <= week and posting.told_in in known:
            open_amounts[posting.currency] = open_amounts.get(posting.currency, Decimal()) + posting.amount
    return open_amounts


def open_items(week: int, known: set[int]) -> dict[str, tuple[Decimal, str, str]]:
    """Return amount, due date (none: empty) and customer of each open item at a week's end, of the drops in ``known``."""
    rows: dict[str, dict[str, str]] = {}
    amounts: dict[str, Decimal] = {}
    for posting in postings():
        if posting.week > week or posting.told_in not in known:
            continue
        if posting.pays is None:
            item = f"document:{posting.row['document_id']}"
            rows[item] = posting.row | (CORRECTED.get(posting.row["document_id"], {}) if CORRECTING in known else {})
        elif posting.application:
            item = f"document:{posting.pays}"
        else:
            item = f"receipt:{posting.row['receipt_id']}"
            rows[item] = posting.row
        amounts[item] = amounts.get(item, Decimal()) + posting.amount
    return {item: (amount, rows[item].get("due_date", ""), rows[item]["customer_id"]) for item, amount in amounts.items() if amount}


@dataclass(frozen=True)
class HalfYear:
    """The home after the half year, and what was seen on the way."""

    home: Home
    frozen_after: list[int]
    first_eight: dict[str, str]
    first_version: tuple[Path, str]
