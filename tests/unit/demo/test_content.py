"""What the small demo shows: everything that the dashboards, lists and reports want to talk about happens in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

FEEDS = {
    "ledger": ["customers", "documents", "installments", "receipts", "applications", "adjustments", "exchange_rates", "open_orders"],
    "crm": ["accounts", "users", "activities", "promises", "disputes", "dunning_events", "payment_plans", "credit_reviews", "agency_placements"],
}

# A sentence, and a condition on the rows of a feed that must hold for at least so many of them.
CONTENT = [
    ("intercompany customers", "customers", "is_intercompany = 'true'", 3),
    ("balance-forward customers", "customers", "application_rule = 'oldest_first'", 3),
    ("customers on hold", "customers", "on_hold = 'true'", 3),
    ("customers without a limit", "customers", "credit_limit is null", 20),
    ("customers without credit", "customers", "credit_limit::decimal(18, 3) = 0", 1),
    ("customers in a group", "customers", "parent_customer_id is not null", 50),
    ("customers who came in the last weeks", "customers", "drop_name like '%weekly' and opened_on >= '2026-08-29'", 1),
    ("names with a comma and quotes", "customers", "name like '%,%' and name like '%\"%'", 1),
    ("names with an umlaut", "customers", "regexp_matches(name, '[äöüß]')", 20),
    ("names that a spreadsheet takes for a formula", "customers", "name[1] in ('=', '+', '@')", 3),
    *[(f"documents of type {kind}", "documents", f"document_type = '{kind}'", 1) for kind in (
        "invoice", "debit_memo", "finance_charge", "opening_balance", "refund", "journal_debit", "credit_memo", "opening_credit", "journal_credit")],
    ("yen without decimals", "documents", "currency = 'JPY' and gross_amount not like '%.%'", 20),
    ("dinars with three decimals", "documents", "currency = 'KWD' and gross_amount like '%.___'", 20),
    ("voids", "documents", "status = 'void' and voided_on is not null", 50),
    ("voids of the last weeks", "documents", "status = 'void' and drop_name like '%weekly'", 3),
    ("drafts", "documents", "status = 'draft'", 3),
    ("deletions", "documents", "is_deleted = 'true'", 2),
    ("due dates left to the terms", "documents", "due_date is null", 200),
    ("backdated postings", "documents", "drop_name = '2026-09-05_weekly' and posting_date < '2026-08-21' and status = 'posted' and is_deleted = 'false'", 1),
    ("unidentified cash", "receipts", "customer_id is null", 10),
    ("bounced receipts", "receipts", "status = 'reversed' and reversed_on is not null and reversal_reason is not null", 50),
    ("bounces of the last weeks", "receipts", "status = 'reversed' and drop_name like '%weekly'", 2),
    ("receipts at risk", "receipts", "status = 'at_risk'", 20),
    ("receipts for several invoices", "applications", "source_type = 'receipt' and document_id[1] = 'D' and 1 < (select count(*) from applications as other "
     "where other.source_id = applications.source_id and other.drop_name = applications.drop_name)", 2_000),
    ("discounts taken", "applications", "discount_amount is not null", 300),
    ("applications reversed", "applications", "reversed_on is not null", 30),
    ("applications across currencies", "applications", "amount_in_source_currency is not null", 50),
    ("applications of credit memos", "applications", "source_type = 'document'", 300),
    ("applications of adjustments", "applications", "source_type = 'adjustment'", 2),
    ("adjustments settled by cash", "applications", "document_id[1] = 'J'", 5),
    ("installments named by their payment", "applications", "installment_sequence is not null", 100),
    ("applications on the receipt's own day", "applications", "applied_on is null", 1_000),
    ("installments", "installments", "true", 200),
    *[(f"adjustments of type {kind}", "adjustments", f"adjustment_type = '{kind}'", 3) for kind in (
        "write_off", "small_balance", "discount", "withholding_tax", "bank_fee", "factored", "chargeback", "recovery", "refund", "transfer", "revaluation",
        "other")],
    ("receipts paid back", "adjustments", "adjustment_type = 'refund' and receipt_id is not null", 3),
    ("open orders", "open_orders", "true", 500),
    ("accounts that are nobody's", "accounts", "collector_id is null", 3),
    ("second accounts", "accounts", "account_id like '%-2'", 10),
    ("accounts that changed hands", "accounts", "drop_name = '2026-09-26_weekly'", 10),
    ("a collector who left", "users", "role = 'former collector'", 1),
    ("managers", "users", "role = 'manager' and manager_id is null", 3),
    *[(f"activities that end in {outcome}", "activities", f"outcome = '{outcome}'", 20) for outcome in (
        "no_answer", "left_message", "contacted", "promise", "dispute", "refused", "claims_paid", "escalated")],
    *[(f"promises {status}", "promises", f"status = '{status}'", 20) for status in ("open", "cancelled", "superseded")],
    *[(f"disputes {resolution}", "disputes", f"resolution = '{resolution}'", 10) for resolution in ("credited", "collected", "rejected", "withdrawn")],
    ("disputes open", "disputes", "closed_on is null", 5),
    *[(f"reminders of level {level}", "dunning_events", f"level = '{level}'", 100) for level in (1, 2, 3, 4)],
    ("payment plans", "payment_plans", "sequence = '4'", 5),
    ("insured customers", "credit_reviews", "insured_amount is not null and insurer is not null", 50),
    ("specific reserves", "credit_reviews", "specific_reserve is not null", 3),
    ("placements that came back", "agency_placements", "returned_on is not null and recovered_amount is not null", 5),
]  # fmt: skip


@pytest.fixture(scope="module")
def rows(small: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every feed of the small demo as a table of text, with the drop's name."""
    with duckdb.connect() as connection:
        for system, feeds in FEEDS.items():
            for feed in feeds:
                connection.execute(f"""
                    create table {feed} as
                    select * exclude (filename), split_part(filename, '/', -3) as drop_name
                    from read_csv('{small}/*/{system}/{feed}.csv*', all_varchar = true, filename = true)
                """)
        yield connection


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    found = connection.execute(query).fetchone()
    assert found is not None
    return int(found[0])


@pytest.mark.parametrize(("feed", "condition", "at_least"), [case[1:] for case in CONTENT], ids=[case[0] for case in CONTENT])
def test_the_small_demo_has(rows: duckdb.DuckDBPyConnection, feed: str, condition: str, at_least: int) -> None:
    assert _number(rows, f"select count(*) from {feed} where {condition}") >= at_least


def test_unidentified_cash_is_identified_later(rows: duckdb.DuckDBPyConnection) -> None:
    assert (
        _number(rows, "select count(*) from receipts as a join receipts as b using (receipt_id) where a.customer_id is null and b.customer_id is not null") > 0
    )


def test_due_dates_and_amounts_are_corrected(rows: duckdb.DuckDBPyConnection) -> None:
    pairs = "select count(*) from documents as a join documents as b using (document_id) where a.drop_name < b.drop_name and"
    assert _number(rows, f"{pairs} a.due_date != b.due_date") > 0
    assert _number(rows, f"{pairs} a.gross_amount != b.gross_amount") > 0
    assert _number(rows, f"{pairs} a.status = 'draft' and b.status = 'posted'") > 0


def test_the_same_document_number_stands_in_two_companies_and_once_in_each(rows: duckdb.DuckDBPyConnection) -> None:
    assert _number(rows, "select max(n) from (select count(distinct company_id) as n from documents group by document_number)") == 3
    assert _number(rows, "select max(n) from (select count(distinct document_id) as n from documents group by company_id, document_number)") == 1


def test_every_company_has_two_accounts_and_foreign_customers(rows: duckdb.DuckDBPyConnection) -> None:
    found = rows.execute("select company_id, count(distinct receivable_account), count(distinct currency) from documents group by 1 order by 1").fetchall()
    assert [(company, accounts) for company, accounts, _ in found] == [("C100", 2), ("C200", 2), ("C300", 2)]
    assert all(currencies >= 4 for _, _, currencies in found)


def test_business_is_seasonal_and_grows(rows: duckdb.DuckDBPyConnection) -> None:
    by_month = dict(rows.execute("select posting_date[:7], count(*) from documents where document_type = 'invoice' group by 1").fetchall())
    assert by_month["2025-08"] < by_month["2025-07"]
    assert by_month["2025-10"] > by_month["2025-08"]
    assert sum(by_month[f"2025-{month:02d}"] for month in range(3, 9)) > 1.05 * sum(by_month[f"2024-{month:02d}"] for month in range(3, 9))


def test_volumes_have_a_long_tail(rows: duckdb.DuckDBPyConnection) -> None:
    counts = [n for (n,) in rows.execute("select count(*) from documents group by customer_id order by 1 desc").fetchall()]
    assert sum(counts[: len(counts) // 5]) > sum(counts) // 2
    assert counts[-1] < counts[0] // 20


def test_every_rate_that_a_document_needs_is_there(rows: duckdb.DuckDBPyConnection) -> None:
    assert _number(rows, """
        select count(*) from documents
        where exchange_rate is not null and not exists (
            select 1 from exchange_rates where from_currency = documents.currency and rate_date = documents.posting_date
            and rate::decimal(18, 9) = documents.exchange_rate::decimal(18, 9))
    """) == 0  # fmt: skip
    assert _number(rows, "select count(*) from documents where exchange_rate is not null") > 1_000
