"""The product against the oracle on a demo inbox: item by item, at ten past dates and as known at earlier drops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from golden.product import Product
from oracle.drops import read_feed, read_inbox, states
from oracle.ledger import Ledger, balances, derive, round_half_up
from oracle.metrics import CompanyBooks, GroupBooks, aging, months, open_items, realised, revalued, roll_forward
from running import arw, publish

pytestmark = pytest.mark.xdist_group("oracle-demo")

COLUMNS = (
    "company_id",
    "customer_id",
    "currency",
    "open_amount",
    "open_amount_base",
    "original_amount",
    "document_date",
    "posting_date",
    "due_date",
    "bucket_id",
)
DAYS_BACK = (0, 7, 33, 61, 92, 130, 181, 250, 365, 540)


@dataclass(frozen=True)
class Compared:
    """A published demo, and the oracle's ledger at each knowledge time."""

    product: Product
    ledgers: list[Ledger]
    as_of: date
    inbox: Path

    def ledger(self, known: int | None = None) -> Ledger:
        return self.ledgers[-1 if known is None else known]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    folder: Path = tmp_path_factory.mktemp("oracle-demo")
    arw(folder / "home", "demo", "--size", "2000", "--seed", "11", "--out", folder / "inbox")
    drops = read_inbox(folder / "inbox")
    con = publish(folder / "home", folder / "inbox")
    known_states = list(states(drops))
    product = Product(con, [f"{taken_at:%Y-%m-%d %H:%M:%S}" for taken_at, _ in known_states])
    newest = max(drops, key=lambda drop: drop.extracted_at)
    yield Compared(product, [derive(state) for _, state in known_states], newest.books_through, folder / "inbox")
    con.close()


def oracle_items(ledger: Ledger, as_of: date) -> dict[str, tuple[Any, ...]]:
    """Return what the oracle says of each open item; cash has no due date."""
    return {
        item_id: (
            line.item.company_id,
            line.item.customer_id,
            line.item.currency,
            line.open_amount,
            line.open_amount_base,
            line.item.original,
            line.item.document_date,
            line.item.posting_date,
            None if line.item.item_type == "receipt" else line.item.due_date,
            line.bucket,
        )
        for item_id, line in open_items(ledger, as_of).items()
    }


def product_items(product: Product, as_of: date, known: int | None) -> dict[str, tuple[Any, ...]]:
    """Return the same of the product."""
    return {item_id: tuple(row[name] for name in COLUMNS) for item_id, row in product.open_items((as_of, known)).items()}


@pytest.mark.parametrize("days_back", DAYS_BACK)
def test_open_items_of_a_past_date(compared: Compared, days_back: int) -> None:
    as_of = compared.as_of - timedelta(days=days_back)
    expected = oracle_items(compared.ledger(), as_of)
    assert expected, "the demo has open items on every one of these days"
    assert product_items(compared.product, as_of, None) == expected


@pytest.mark.parametrize("known", [0, 3, 7])
@pytest.mark.parametrize("days_back", [0, 40])
def test_open_items_as_known_at_an_earlier_drop(compared: Compared, known: int, days_back: int) -> None:
    as_of = compared.as_of - timedelta(days=days_back)
    assert product_items(compared.product, as_of, known) == oracle_items(compared.ledger(known), as_of)


@pytest.mark.parametrize("basis", ["due_date", "document_date", "posting_date"])
def test_aging(compared: Compared, basis: str) -> None:
    as_of = compared.as_of - timedelta(days=33)
    query = f"""
        select company_id, customer_id, currency, bucket_id, item_count, open_amount, open_amount_base
        from marts.aging_as_of(DATE '{as_of}', basis := '{basis}')"""
    mine = {row[:4]: row[4:] for row in compared.product.con.execute(query).fetchall()}
    assert mine == aging(compared.ledger(), as_of, basis)


@pytest.mark.parametrize("table", ["dso", "turnover", "collection"])
def test_the_monthly_metrics(compared: Compared, table: str) -> None:
    ledger = compared.ledger()
    for company_id, base in sorted(ledger.base_currencies.items()):
        books = CompanyBooks(ledger, company_id, compared.as_of)
        for month in books.months():
            expected: dict[str, Any] = dict({"dso": books.dso, "turnover": books.turnover, "collection": books.collection}[table](month))
            row = compared.product.month(table, company_id, base, month.end)
            assert {name: row[name] for name in expected} == expected, (company_id, month.end)


def test_the_roll_forward(compared: Compared) -> None:
    ledger = compared.ledger()
    pairs = sorted({(item.company_id, item.currency) for item in ledger.items.values()})
    for company_id, currency in pairs:
        for month_end, expected in roll_forward(ledger, company_id, currency, compared.as_of).items():
            if any(expected.values()):
                row = compared.product.month("rollforward", company_id, currency, month_end)
                assert {name: row[name] for name in expected} == expected, (company_id, currency, month_end)


REPORTING = "EUR"


@pytest.mark.parametrize("table", ["dso", "turnover", "collection"])
def test_the_monthly_metrics_of_the_group(compared: Compared, table: str) -> None:
    """Balances at the month end's rate, flows at each event's; rounded last, so the oracle rounds its sums here."""
    books = GroupBooks(compared.ledger(), REPORTING, compared.as_of)
    for month in books.months()[-9:]:
        expected: dict[str, Any] = dict({"dso": books.dso, "turnover": books.turnover, "collection": books.collection}[table](month))
        rounded = {name: round_half_up(value, REPORTING) if name.endswith("_amount") else value for name, value in expected.items()}
        row = compared.product.month(table, "ALL", REPORTING, month.end)
        assert {name: row[name] for name in expected} == rounded, month.end


@pytest.mark.parametrize(("days_back", "known"), [(0, None), (33, None), (181, None), (540, None), (0, 3), (40, 0)])
def test_open_items_at_the_rate_of_the_day(compared: Compared, days_back: int, known: int | None) -> None:
    as_of, ledger = compared.as_of - timedelta(days=days_back), compared.ledger(known)
    rows = compared.product.open_items((as_of, known))
    for item_id, line in open_items(ledger, as_of).items():
        row = rows[item_id]
        base_rate, base_amount = revalued(ledger, line, line.item.base_currency, as_of)
        group_rate, group_amount = revalued(ledger, line, REPORTING, as_of)
        mine = [row[name] for name in ("revaluation_rate", "revalued_base_amount_reporting", "reporting_rate", "open_amount_reporting")]
        assert mine == [base_rate, base_amount, group_rate, group_amount], item_id
        assert row["unrealised_base_amount_reporting"] == (None if base_amount is None else base_amount - line.open_amount_base), item_id
        assert (row["null_reason"] is None) == (base_amount is not None and group_amount is not None), item_id
    assert {row["reporting_currency"] for row in rows.values()} == {REPORTING}


def test_aging_in_the_reporting_currency_is_the_sum_of_its_items(compared: Compared) -> None:
    as_of = compared.as_of - timedelta(days=33)
    query = f"""
        select company_id, customer_id, currency, bucket_id, sum(open_amount_reporting), max(reporting_rate_date)
        from marts.{{}}(date '{as_of}') group by all"""
    cells, items = (compared.product.con.execute(query.format(name)).fetchall() for name in ("aging_as_of", "open_items_as_of"))
    assert sorted(cells) == sorted(items)


def test_the_monthly_revaluation(compared: Compared) -> None:
    ledger = compared.ledger()
    query = """
        select company_id, currency, month_end, base_currency, open_amount, open_amount_base, revalued_base_amount_reporting,
            unrealised_base_amount_reporting, realised_amount_base, open_amount_reporting
        from marts.fct_revaluation_monthly order by all"""
    rows = compared.product.con.execute(query).fetchall()
    spans = {month.end: month for month in months(min(event.posting_date for event in ledger.events), compared.as_of)}
    sums: dict[tuple[str, str, date], list[Decimal]] = {}
    for end in spans:
        for item, amount, amount_base in balances(ledger, end):
            sums.setdefault((item.company_id, item.currency, end), []).append(amount)
            sums.setdefault((item.company_id, item.currency, end), []).append(amount_base)
    some = False
    for company_id, currency, end, base_currency, *mine in rows:
        parts = sums.get((company_id, currency, end), [])
        amount, amount_base = sum(parts[::2], Decimal(0)), sum(parts[1::2], Decimal(0))
        rate, group_rate = ledger.rates.rate(currency, base_currency, end), ledger.rates.rate(currency, REPORTING, end)
        assert rate is not None and group_rate is not None, "the demo has a rate for every month end"
        at_rate = round_half_up(amount * rate, base_currency)
        gained = realised(ledger, company_id, currency, spans[end])
        assert mine == [amount, amount_base, at_rate, at_rate - amount_base, gained, round_half_up(amount * group_rate, REPORTING)], (company_id, currency, end)
        some = some or gained != 0
    assert some, "the demo realises exchange differences"


def test_what_is_held_and_flagged(compared: Compared) -> None:
    held, flagged = compared.product.exceptions()
    ledger = compared.ledger()
    assert held == {each.object_id for each in ledger.exceptions if each.is_held}
    assert flagged == {each.object_id for each in ledger.exceptions if not each.is_held}


def test_open_items_add_up_to_the_balance_list_of_the_demo(compared: Compared) -> None:
    """The ledger's own list of balances, made by the demo's generator, is a third opinion on the last month end that it lists."""
    delivered: dict[str, dict[tuple[str, str, str], Decimal]] = {}
    for drop in sorted(compared.inbox.iterdir()):
        for row in read_feed(drop / "ledger", "customer_balances") or []:
            listed = delivered.setdefault(row["as_of_date"], {})
            listed[row["company_id"], row["customer_id"], row["currency"]] = Decimal(row["balance"])
    day = max(delivered)
    query = f"select company_id, customer_id, currency, sum(open_amount) from marts.open_items_as_of(date '{day}') group by 1, 2, 3"
    mine = {row[:3]: row[3] for row in compared.product.con.execute(query).fetchall()}
    assert {key: amount for key, amount in mine.items() if amount} == {key: amount for key, amount in delivered[day].items() if amount}
