"""Profiles: what is written as declared is exact, anything else is rejected; nothing is guessed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest
from landing import audit_balances, csv, document, land, put, query, refusal

from orchestration import lake
from orchestration.extracts import errors
from orchestration.extracts.profiles import SHIPPED, find_profile, read_profile


def profile(tmp_path, said, **sql):
    for feed, text in sql.items():
        put(tmp_path / f"profile/{feed}.sql", text)
    put(tmp_path / "profile/profile.yaml", said)
    return str(tmp_path / "profile")


def amounts(tmp_path, said, values):
    """Land one amount after the other under a profile; return the amount of each, None where it was rejected."""
    lines = [f'A{n};D1;"{value}"' for n, value in enumerate(values)]
    put(tmp_path / "drop/ledger/adjustments.csv", "\n".join(["adjustment_id;document_id;amount", *lines]) + "\n")
    said = f"defaults: {{delimiter: ';', constants: {{adjustment_type: other, posting_date: 2026-01-01}}, {said}}}"
    land(tmp_path, tmp_path / "drop", profile=profile(tmp_path, said))
    loaded = dict(query(tmp_path, "select adjustment_id, amount from raw_ledger.adjustments"))
    assert len(loaded) + query(tmp_path, "select count(*) from meta.rejects")[0][0] == len(values)
    return [loaded.get(f"A{n}") for n in range(len(values))]


@pytest.mark.parametrize(
    ("said", "right", "wrong"),
    [
        (
            "decimal_mark: ',', grouping_mark: '.'",
            {"1.234,56": "1234.56", "1.234": "1234", "1234,5": "1234.5", "-1.234.567,890": "-1234567.89", ",5": "0.5", "0": "0"},
            ["1,234.56", "12.34", "1.2345", "1..234", "1.234,", "1234.567,8", "100-", "(5)", "1e5", "1 234"],
        ),
        (
            "grouping_mark: ','",
            {"1,234.56": "1234.56", "1234.56": "1234.56", "1,234,567": "1234567", "-1,000": "-1000"},
            ["1.234,56", "12,34", "1,23", ",123", "1,2345"],
        ),
        ("grouping_mark: ' '", {"1 234.56": "1234.56"}, ["1  234", "1 23"]),
        ("negative: trailing_minus", {"100.00-": "-100", "100.00": "100"}, ["-100.00", "--100", "100.00--"]),
        ("negative: parentheses", {"(100.00)": "-100", "100.00": "100"}, ["-100", "(100", "100)", "((1))", "(-1)"]),
        ("negative: cr_dr", {"100.00 CR": "-100", "100.00CR": "-100", "100.00 DR": "100", "100": "100"}, ["-100", "100 cr", "CR 100", "100 XX"]),
        ("negative: [minus, parentheses], decimal_mark: ','", {"-1,5": "-1.5", "(1,5)": "-1.5"}, ["1.5", "(1.5)", "-(1,5)"]),
    ],
)  # fmt: skip
def test_numbers_mean_what_the_profile_says(tmp_path, said, right, wrong):
    assert amounts(tmp_path, said, [*right, *wrong]) == [*map(Decimal, right.values()), *[None] * len(wrong)]


def test_a_value_that_is_not_as_declared_keeps_its_text_in_the_reason(tmp_path):
    amounts(tmp_path, "decimal_mark: ','", ["12.5"])
    assert query(tmp_path, "select reason, text from meta.rejects") == [("amount 12.5 (not as the profile writes numbers) is no plain number", "A0;D1;12.5")]


@pytest.mark.parametrize(
    ("date_format", "right", "wrong"),
    [
        ("%d/%m/%Y", {"03/04/2025": date(2025, 4, 3), "3/4/2025": date(2025, 4, 3)}, ["2025-04-03", "13/13/2025", "30/02/2025", "03/04/25", "03/04/9999"]),
        ("%m/%d/%Y", {"03/04/2025": date(2025, 3, 4)}, ["13/04/2025", "2025-03-04"]),
        ("%d.%m.%y", {"03.04.25": date(2025, 4, 3)}, ["03.04.2025", "03/04/25"]),
        ("%Y%m%d", {"20250403": date(2025, 4, 3)}, ["2025-04-03", "20251332"]),
        ("%m/%d/%y %H:%M", {"12/19/24 00:00": date(2024, 12, 19)}, ["12/19/24 08:00", "12/19/24"]),
    ],
)  # fmt: skip
def test_dates_mean_what_the_profile_says(tmp_path, date_format, right, wrong):
    rows = [document(f"D{n}", document_date=value, posting_date=value, due_date="") for n, value in enumerate([*right, *wrong])]
    put(tmp_path / "drop/ledger/documents.csv", csv(rows))
    land(tmp_path, tmp_path / "drop", profile=profile(tmp_path, f"defaults: {{date_format: '{date_format}'}}"))
    assert query(tmp_path, "select document_date from raw_ledger.documents order by document_id") == [(day,) for day in right.values()]
    audit_balances(tmp_path)


def test_timestamps_mean_what_the_profile_says(tmp_path):
    text = "activity_id,account_id,occurred_at,channel\n1,A,03.04.2025 10:15,call\n2,A,2025-04-03T10:15:00Z,call\n"
    put(tmp_path / "drop/crm/activities.csv", text)
    land(tmp_path, tmp_path / "drop", profile=profile(tmp_path, "defaults: {timestamp_format: '%d.%m.%Y %H:%M'}"))
    assert query(tmp_path, "select occurred_at from raw_crm.activities") == [(datetime(2025, 4, 3, 10, 15),)]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "latin-1", "cp850"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_are_declared(tmp_path, encoding, newline):
    text = "customer_id,name\nK1,Müller & Söhne\nK2,\"Zwei\nZeilen\"\n".replace("\n", newline)  # fmt: skip
    put(tmp_path / "drop/ledger/customers.csv", text.encode(encoding))
    land(tmp_path, tmp_path / "drop", profile=profile(tmp_path, f"defaults: {{encoding: {encoding}}}"))
    assert query(tmp_path, "select name, source_line from raw_ledger.customers order by 1 desc") == [("Zwei\nZeilen", 3), ("Müller & Söhne", 2)]


def test_a_file_that_is_not_in_the_declared_encoding_is_refused(tmp_path):
    put(tmp_path / "drop/ledger/customers.csv", "customer_id,name\nK1,ü\n".encode("latin-1"))
    said = profile(tmp_path, "defaults: {encoding: utf-16}")
    assert isinstance(refusal(tmp_path, tmp_path / "drop", profile=said), errors.UnreadableFile)


def test_files_are_found_by_pattern_renamed_mapped_and_filled_in(tmp_path):
    said = """
        description: An export of invoices, one file a month.
        manifest: {mode: incremental, source_id: sap}
        defaults: {delimiter: ";", decimal_mark: ",", grouping_mark: ".", date_format: "%d.%m.%Y"}
        files:
          invoices:
            pattern: ["RE_*.txt", "old/*.csv"]
            feed: documents
            quote: none
            rename: {Beleg: document_id, Kunde: customer_id, Art: document_type, Datum: document_date, Betrag: gross_amount}
            constants: {currency: EUR, company_id: "0100", posting_date: 31.01.2026}
            values: {document_type: {RV: invoice, RG: credit_memo}}
    """
    put(tmp_path / "drop/RE_01.txt", 'Beleg;Kunde;Art;Datum;Betrag;Text\n001;K1;RV;05.01.2026;1.234,50;2" pipe\n002;K1;XX;05.01.2026;1,00;\n')
    put(tmp_path / "drop/old/a.csv", "Beleg;Kunde;Art;Datum;Betrag\n003;K1;RG;06.01.2026;7\n")
    put(tmp_path / "drop/notes.md", "nothing")
    result = land(tmp_path, tmp_path / "drop", profile=profile(tmp_path, said))
    assert (result.landed[0].profile, result.landed[0].feeds["documents"]["mode"]) == ("profile", "incremental")
    shown = "document_id, company_id, document_type, gross_amount, document_date, posting_date, source_file, source_line"
    assert query(tmp_path, f"select {shown} from raw_ledger.documents order by 1") == [
        ("sap:001", "sap:0100", "invoice", Decimal("1234.5"), date(2026, 1, 5), date(2026, 1, 31), "RE_01.txt", 2),
        ("sap:003", "sap:0100", "credit_memo", Decimal("7"), date(2026, 1, 6), date(2026, 1, 31), "old/a.csv", 2),
    ]
    assert query(tmp_path, "select key, reason, text from meta.rejects") == [
        ("sap:002", "document_type XX is none of invoice, debit_memo, finance_charge, opening_balance, refund, journal_debit, "
                    "credit_memo, opening_credit, journal_credit", "002;K1;XX;05.01.2026;1,00;"),
    ]  # fmt: skip


SQL_PROFILE = """
    files:
      items: {pattern: "*.csv", numbers: [Total], dates: {Day: "%m/%d/%Y"}, decimal_mark: ","}
"""
SQL_DOCUMENTS = """
    select No as document_id, 'C' as company_id, Who as customer_id, 'invoice' as document_type, Day as document_date,
        Day as posting_date, 'EUR' as currency, Total as gross_amount, source_file, source_line
    from items;
"""
SQL_CUSTOMERS = "select Who as customer_id, Who as name, min(source_file) as source_file, min(source_line) as source_line from items group by Who"


def test_sql_yields_feeds_and_rejects_still_name_the_original_line(tmp_path):
    put(tmp_path / "drop/a.csv", 'No,Who,Day,Total\n1,"Ann, Bob",01/31/2026,"1,50"\n2,Ann,02/30/2026,"2,00"\nshort,line\n3,,01/31/2026,3.00\n')
    put(tmp_path / "drop/b.csv", "Total,Day,Who,No\n4,01/31/2026,Ann,4\n")
    said = profile(tmp_path, SQL_PROFILE, documents=SQL_DOCUMENTS, customers=SQL_CUSTOMERS)
    land(tmp_path, tmp_path / "drop", profile=said)
    assert query(tmp_path, "select document_id, gross_amount, source_file, source_line from raw_ledger.documents order by 1") == [
        ("1", Decimal("1.5"), "a.csv", 2),
        ("4", Decimal("4"), "b.csv", 2),
    ]
    assert query(tmp_path, "select feed, file, line, reason, text from meta.rejects order by 1, 3") == [
        ("customers", "a.csv", 5, "customer_id is required and empty; name is required and empty", '3,,01/31/2026,3.00'),
        ("documents", "a.csv", 3, "document_date 02/30/2026 (not written %m/%d/%Y) is no date written YYYY-MM-DD; posting_date 02/30/2026 "
                                  "(not written %m/%d/%Y) is no date written YYYY-MM-DD", '2,Ann,02/30/2026,"2,00"'),
        ("documents", "a.csv", 4, "has 2 values where the header has 4", "short,line"),
        ("documents", "a.csv", 5, "customer_id is required and empty; gross_amount 3.00 (not as the profile writes numbers) is no plain number",
                                  "3,,01/31/2026,3.00"),
    ]  # fmt: skip
    audit_balances(tmp_path)
    counts = query(tmp_path, "select feed, file, rows_in, rows_loaded, rows_rejected from meta.load_audit order by 1, 2")
    assert counts == [("customers", "a.csv", 3, 2, 1), ("customers", "b.csv", 0, 0, 0), ("documents", "a.csv", 4, 1, 3), ("documents", "b.csv", 1, 1, 0)]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select 1 as document_id", "source_file"),
        (SQL_DOCUMENTS.replace("Total as", "missing as"), "fails"),
        (SQL_DOCUMENTS.replace("Total as gross_amount,", ""), "does not yield gross_amount"),
        (SQL_DOCUMENTS.replace("Total as", "1.5::double as"), "DOUBLE"),
        ("copy (select 1) to 'x.csv'", "not one SELECT"),
        ("select 1; select 2", "not one SELECT"),
        ("selekt", "cannot be parsed"),
    ],
)
def test_sql_that_cannot_be_used_is_refused(tmp_path, sql, says):
    put(tmp_path / "drop/a.csv", "No,Who,Day,Total\n1,Ann,01/31/2026,1\n")
    with pytest.raises(errors.ExtractError, match=says):
        result = lake.load(tmp_path / "drop", tmp_path, profile=profile(tmp_path, SQL_PROFILE, documents=sql))
        raise result.refused[0]


@pytest.mark.parametrize(
    "said",
    [
        "encoding: cp1252",
        "defaults: {encodng: cp1252}",
        "defaults: {encoding: klingon}",
        "defaults: {decimal_mark: ',', grouping_mark: ','}",
        "defaults: {delimiter: ';;'}",
        "defaults: {negative: brackets}",
        "files: {a: {pattern: '*.csv', feed: invoices}}",
        "files: [a]",
        "files: {a: {pattern: '*.csv', feed: documents, parquet_rounding: {gross_amount: two}}}",
        "manifest: {mode: some}",
        "files: {a: {}, a: {}}",
        "files: {a",
    ],
)
def test_a_profile_that_cannot_be_meant_is_refused(tmp_path, said):
    profile(tmp_path, said)
    with pytest.raises(errors.BadProfile, match="left unchanged"):
        read_profile(tmp_path / "profile")


def test_the_digest_is_part_of_what_a_drop_is(tmp_path):
    put(tmp_path / "drop/ledger/adjustments.csv", 'adjustment_id,amount,adjustment_type,posting_date\nA,"1,234",other,2026-01-01\n')
    grouped, decimal = "defaults: {grouping_mark: ','}", "defaults: {decimal_mark: ','}"
    for said in (grouped, grouped, decimal):
        land(tmp_path, tmp_path / "drop", profile=profile(tmp_path, said))
    assert query(tmp_path, "select amount from raw_ledger.adjustments order by known_from") == [(Decimal(1234),), (Decimal("1.234"),)]


def test_a_manifest_may_name_a_profile_but_not_a_path(tmp_path):
    put(tmp_path / "drop/ledger/customers.csv", "customer_id;name\nK;N\n")
    folder = profile(tmp_path, "defaults: {delimiter: ';'}")
    put(tmp_path / "drop/manifest.yaml", f"profile: {folder}")
    assert isinstance(refusal(tmp_path / "home", tmp_path / "drop"), errors.BadProfile)
    put(tmp_path / "drop/manifest.yaml", "profile: ours")
    put(tmp_path / "home/profiles/ours/profile.yaml", "defaults: {delimiter: ';'}")
    land(tmp_path / "home", tmp_path / "drop")
    assert query(tmp_path / "home", "select name from raw_ledger.customers") == [("N",)]


def test_parquet_may_be_rounded_where_the_profile_says_so(tmp_path):
    (tmp_path / "drop/ledger").mkdir(parents=True)
    duckdb.execute(
        "copy (select 'A' || i as adjustment_id, 'other' as adjustment_type, '2026-01-01' as posting_date, [0.1 + 0.2, 1.005, -2.5][i + 1]::double as Amt "
        f"from range(3) t(i)) to '{tmp_path}/drop/ledger/adjustments.parquet'"
    )
    said = "files: {adjustments: {pattern: ledger/adjustments.parquet, feed: adjustments, rename: {Amt: amount}, parquet_rounding: {Amt: 2}}}"
    land(tmp_path, tmp_path / "drop", profile=profile(tmp_path, said))
    assert query(tmp_path, "select amount from raw_ledger.adjustments order by adjustment_id") == [(Decimal("0.3"),), (Decimal("1"),), (Decimal("-2.5"),)]


def test_a_single_file_is_a_drop_where_a_profile_says_what_it_is(tmp_path):
    put(tmp_path / "in/a.csv", "No,Who,Day,Total\n1,Ann,01/31/2026,1\n")
    said = profile(tmp_path, SQL_PROFILE, documents=SQL_DOCUMENTS)
    land(tmp_path, tmp_path / "in/a.csv", profile=said)
    assert query(tmp_path, "select document_id, source_file from raw_ledger.documents") == [("1", "a.csv")]
    with pytest.raises(errors.NotADrop):
        lake.load(tmp_path / "in/a.csv", tmp_path)
    with pytest.raises(errors.NotADrop):
        lake.load(tmp_path / "in", tmp_path)
    with pytest.raises(errors.NotADrop):
        lake.load(tmp_path / "nowhere", tmp_path)


def test_every_shipped_profile_can_be_read():
    names = sorted(path.name for path in SHIPPED.iterdir())
    assert names == ["canonical", "highradius_open_items", "ibm_late_payments", "unicorn_inc"]
    assert [find_profile(name, SHIPPED, may_be_a_path=False).name for name in names] == names
    assert find_profile("canonical", SHIPPED, may_be_a_path=False).digest == ""
    with pytest.raises(errors.BadProfile, match="Shipped are canonical"):
        find_profile("sap", SHIPPED, may_be_a_path=True)
