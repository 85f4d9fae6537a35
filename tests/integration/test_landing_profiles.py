"""The three real ledgers, each under its profile: everything lands, and the totals are the source's."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from landing import audit_balances, land, query

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real ledgers are not at {DATA}; their licence keeps them out of the project")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    homes: dict[str, Path] = {}

    def landed(name: str) -> Path:
        if name not in homes:
            homes[name] = tmp_path_factory.mktemp(name)
            land(homes[name], DATA / name, profile=name)
            assert query(homes[name], "select count(*) from meta.rejects") == [(0,)]
            audit_balances(homes[name])
        return homes[name]

    return landed


TOTALS = "select currency, count(*), sum(gross_amount), sum(open_amount) from raw_ledger.documents group by 1 order by 1"


def test_ibm_late_payments(ledger):
    home = ledger("ibm_late_payments")
    assert query(home, TOTALS) == [("USD", 2466, Decimal("147703.180"), None)]
    assert query(home, "select count(*), sum(amount) from raw_ledger.applications") == [(2466, Decimal("147703.180"))]
    assert query(home, "select count(*), sum(amount) from raw_ledger.receipts") == [(2466, Decimal("147703.180"))]
    assert query(home, "select count(*) from raw_ledger.documents where document_id like '0%'") == [(266,)]
    assert query(home, "select count(*) from raw_crm.disputes where opened_on <= closed_on") == [(561,)]
    assert query(home, "select count(*), count(distinct country) from raw_ledger.customers") == [(100, 5)]
    days = "select min(document_date)::varchar, max(posting_date)::varchar, count_if(due_date = document_date + 30) from raw_ledger.documents"
    assert query(home, days) == [("2012-01-03", "2013-12-02", 2466)]


def test_unicorn_inc(ledger):
    home = ledger("unicorn_inc")
    assert query(home, TOTALS) == [
        ("CAD", 24, Decimal("29698.430"), Decimal("29698.43") - Decimal("25373.54")),
        ("USD", 3083, Decimal("6057441.840"), Decimal("6057441.84") - Decimal("5562045.76")),
    ]
    documents = "select count(*) filter (where due_date is null), count_if(settled_on = document_date), min(load_mode) from raw_ledger.documents"
    assert query(home, documents) == [(149, 3107, "open_items")]
    assert query(home, "select payment_terms_id, net_days from raw_ledger.payment_terms order by 2") == [
        ("Net 7", 7),
        ("Net 15", 15),
        ("Net 30", 30),
        ("Net 45", 45),
    ]
    one_currency = "select count(*) from raw_ledger.documents join raw_ledger.companies using (company_id) where currency <> base_currency"
    assert query(home, one_currency) == [(0,)]
    assert query(home, "select count(*) from raw_ledger.customers") == [(135,)]
    assert query(home, "select count(*) from raw_crm.contacts join raw_crm.accounts using (account_id)") == [(126,)]


def test_highradius_open_items(ledger):
    home = ledger("highradius_open_items")
    assert query(home, TOTALS) == [
        ("CAD", 747, Decimal("44471009.080"), Decimal("44471009.080")),
        ("USD", 8953, Decimal("275113716.830"), Decimal("275113716.830")),
    ]
    assert query(home, "select count(*), count_if(document_id like '%.%') from raw_ledger.documents") == [(9700, 0)]
    assert query(home, "select count(*) from raw_ledger.customers") == [(664,)]
    assert query(home, "select company_id, base_currency from raw_ledger.companies order by 1") == [
        ("CA02", "CAD"),
        ("U001", "USD"),
        ("U002", "USD"),
        ("U005", "USD"),
        ("U013", "USD"),
    ]
