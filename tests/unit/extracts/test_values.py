"""What may stand in a column and what may not, one value at a time."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from landing import audit_balances, document, land, query, write_drop

RIGHT = {
    "gross_amount": {
        "100": "100",
        "100.0000": "100",
        "0": "0",
        "-0.00": "0",
        ".5": "0.5",
        "007.10": "7.1",
        " 12.30 ": "12.3",
        "999999999999999.99": "999999999999999.99",
    },
    "document_date": {"2024-02-29": date(2024, 2, 29), "1900-01-01": date(1900, 1, 1), "2100-12-31": date(2100, 12, 31), " 2026-01-05 ": date(2026, 1, 5)},
    "document_number": {
        "00123": "00123",
        "=1+1": "=1+1",
        "  two  spaces ": "  two  spaces ",
        "tab\there": "tab\there",
        "two\nlines": "two\nlines",
        "   ": None,
        "Ω≠🙂": "Ω≠🙂",
    },
    "customer_id": {" 0042 ": "0042", "UNIDENTIFIED": "UNIDENTIFIED"},
    "exchange_rate": {"1.234567891": Decimal("1.234567891"), "0.000000001": Decimal("0.000000001"), "1.2340000000000": Decimal("1.234")},
    "status": {"posted": "posted", " draft ": "draft"},
    "receivable_account": {" 1200 ": "1200"},
}

WRONG = {
    "gross_amount": [
        "",
        "1,234.56",
        "1.234,56",
        "1.2.3",
        "(100.00)",
        "100.00-",
        "100.00 CR",
        "-5",
        "NaN",
        "Infinity",
        "inf",
        "1e5",
        "1E5",
        "0x10",
        "+5",
        "5.",
        "1_000",
        "\uff11\uff12",
        "$5",
        "12 3",
        "1.005",
        "1000000000000000",
        "12345678901234567890.00",
        "--5",
        ".",
    ],
    "document_date": [
        "",
        "03/04/2025",
        "2025-02-30",
        "2025-2-3",
        "25-02-03",
        "9999-12-31",
        "0026-01-01",
        "1899-12-31",
        "2101-01-01",
        "2025/02/03",
        "20250203",
        "2025-02-03 00:00:00",
        "today",
        "2025-W01-1",
        "infinity",
    ],
    "currency": ["", "XXX", "usd", "EURO", "€", "CLF"],
    "document_type": ["", "Invoice", "bill"],
    "status": ["open", "POSTED"],
    "customer_id": ["", "   ", "a\tb", "a\nb", "a\x07b"],
    "company_id": ["ALL"],
    "document_number": ["a\x00b", "a\x07b", "\x1b[31m", "a\x7fb", "a\u0085b", "a\u009fb"],
    "exchange_rate": ["0", "-1.5", "1.0123456789", "1000000000", "1e1", "1:2"],
    "tax_amount": ["-1", "19%"],
}


@pytest.fixture(scope="module")
def landed(tmp_path_factory):
    home = tmp_path_factory.mktemp("values")
    cases = [(True, column, value) for column, values in RIGHT.items() for value in values]
    cases += [(False, column, value) for column, values in WRONG.items() for value in values]
    rows = [document(f"D{number}", **{column: value}) for number, (_, column, value) in enumerate(cases)]
    land(
        home,
        write_drop(
            home / "drop", documents=[document("FULL", document_number="N", exchange_rate="1", status="posted", tax_amount="1", receivable_account="1"), *rows]
        ),
    )
    loaded = {row[0]: row for row in query(home, "select document_id, * from raw_ledger.documents")}
    columns = [row[0] for row in query(home, "describe raw_ledger.documents")]
    rejects = {key: (column, reason, line) for key, column, reason, line in query(home, 'select key, "column", reason, line from meta.rejects')}
    audit_balances(home)
    values = {key: dict(zip(columns, row[1:], strict=True)) for key, row in loaded.items()}
    return {(right, column, value): (values.get(f"D{n}"), rejects.get(f"D{n}")) for n, (right, column, value) in enumerate(cases)}


@pytest.mark.parametrize(("column", "value", "meant"), [(column, value, meant) for column, values in RIGHT.items() for value, meant in values.items()])
def test_a_right_value_is_kept_exactly(landed, column, value, meant):
    row, rejected = landed[True, column, value]
    assert rejected is None
    assert row[column] == (Decimal(meant) if column == "gross_amount" else meant)


@pytest.mark.parametrize(("column", "value"), [(column, value) for column, values in WRONG.items() for value in values])
def test_a_wrong_value_rejects_its_row_and_says_why(landed, column, value):
    row, rejected = landed[False, column, value]
    assert row is None
    assert rejected[0] == column
    assert rejected[1].startswith(f"{column} ")


def test_the_scale_of_an_amount_is_its_currency_s(tmp_path):
    rows = [
        document("J0", currency="JPY", gross_amount="100"),
        document("J1", currency="JPY", gross_amount="100.000"),
        document("J2", currency="JPY", gross_amount="100.5"),
        document("K3", currency="KWD", gross_amount="1.234"),
        document("K4", currency="KWD", gross_amount="1.2345"),
        document("K5", currency="KWD", gross_amount="1.23400"),
        document("E2", currency="EUR", gross_amount="1.23"),
        document("E3", currency="EUR", gross_amount="1.234"),
        document("E4", currency="EUR", gross_amount="1.2300000000000000000000"),
        document("B3", currency="JPY", gross_amount="100", gross_amount_base="1.234"),
    ]
    land(tmp_path, write_drop(tmp_path / "drop", documents=rows))
    assert sorted(query(tmp_path, "select document_id from raw_ledger.documents")) == [("B3",), ("E2",), ("E4",), ("J0",), ("J1",), ("K3",), ("K5",)]
    assert query(tmp_path, "select line, reason from meta.rejects order by 1") == [
        (4, "gross_amount 100.5 has more decimals than JPY has"),
        (6, "gross_amount 1.2345 has more than 3 decimals"),
        (9, "gross_amount 1.234 has more decimals than EUR has"),
    ]


def test_all_faults_of_a_row_are_named_with_its_text_and_what_can_be_read(tmp_path):
    bad = document("D9", currency="XXX", gross_amount="-1.50", document_date="x", reference='say "hi", you')
    land(tmp_path, write_drop(tmp_path / "drop", documents=[document(reference=""), bad]))
    [(file, line, column, reason, text, key, company, customer, currency, amount)] = query(
        tmp_path, 'select file, line, "column", reason, text, key, company_id, customer_id, currency, amount from meta.rejects'
    )
    assert (file, line, column, key, company, customer, currency, amount) == (
        "ledger/documents.csv",
        3,
        "document_date",
        "D9",
        "C1",
        "K1",
        None,
        Decimal("-1.5"),
    )
    assert reason == "document_date x is no date written YYYY-MM-DD; currency XXX is no ISO 4217 currency; " + (
        "gross_amount -1.50 is negative; amounts are positive, the type says which way"
    )
    assert text == 'D9,C1,K1,invoice,x,2026-01-01,2026-01-31,XXX,-1.50,"say ""hi"", you"'


def test_timestamps_become_utc(tmp_path):
    moments = {
        "2026-03-01T10:00:00Z": datetime(2026, 3, 1, 10),
        "2026-03-01T10:00:00+02:00": datetime(2026, 3, 1, 8),
        "2026-03-01 10:00:00-0530": datetime(2026, 3, 1, 15, 30),
        "2026-03-01T10:00:00": datetime(2026, 3, 1, 10),
        "2026-03-01T10:00": datetime(2026, 3, 1, 10),
        "2026-03-01": datetime(2026, 3, 1),
        "2026-03-01T10:00:00.123456Z": datetime(2026, 3, 1, 10, 0, 0, 123456),
    }
    wrong = ["2026-03-01T25:00:00Z", "2026-02-30T00:00:00Z", "01.03.2026 10:00", "2026-03-01T10:00:00 CET", "1772359200", "9999-12-31T00:00:00Z"]
    rows = "".join(f"A{n},C,{moment},call\n" for n, moment in enumerate([*moments, *wrong]))
    (tmp_path / "drop/crm").mkdir(parents=True)
    (tmp_path / "drop/crm/activities.csv").write_text("activity_id,account_id,occurred_at,channel\n" + rows)
    land(tmp_path, tmp_path / "drop")
    loaded = dict(query(tmp_path, "select activity_id, occurred_at from raw_crm.activities"))
    assert loaded == {f"A{n}": moment for n, moment in enumerate(moments.values())}
    assert len(query(tmp_path, "from meta.rejects")) == len(wrong)


def test_booleans_and_ranges(tmp_path):
    customers = "customer_id,name,on_hold\n" + "".join(f"K{n},N,{v}\n" for n, v in enumerate(["true", "FALSE", "Yes", "no", "1", "0", "", "t", "2", "on"]))
    terms = "payment_terms_id,net_days,fixed_day,discount_percent\nA,30,,\nB,-1,,\nC,30,31,2.5\nD,30,32,\nE,30,1,100.1\nF,3.5,,\n"
    land(tmp_path, write_drop(tmp_path / "drop", customers=customers, payment_terms=terms))
    assert query(tmp_path, "select on_hold from raw_ledger.customers order by customer_id") == [
        (True,),
        (False,),
        (True,),
        (False,),
        (True,),
        (False,),
        (None,),
    ]
    assert query(tmp_path, "select payment_terms_id from raw_ledger.payment_terms order by 1") == [("A",), ("C",)]
    assert [row[0] for row in query(tmp_path, "select key from meta.rejects order by 1")] == ["B", "D", "E", "F", "K7", "K8", "K9"]


def test_the_company_may_be_left_out_of_a_feed_but_not_of_some_rows(tmp_path):
    without = [{name: value for name, value in document(f"D{n}").items() if name != "company_id"} for n in range(2)]
    land(tmp_path / "a", write_drop(tmp_path / "1", documents=without))
    land(tmp_path / "b", write_drop(tmp_path / "2", documents=[document("D0", company_id=""), document("D1", company_id="")]))
    land(tmp_path / "c", write_drop(tmp_path / "3", documents=[document("D0"), document("D1", company_id="")]))
    ids = "select document_id, company_id from raw_ledger.documents order by 1"
    assert query(tmp_path / "a", ids) == query(tmp_path / "b", ids) == [("D0", None), ("D1", None)]
    assert query(tmp_path / "c", ids) == [("D0", "C1")]
    assert query(tmp_path / "c", "select key, reason from meta.rejects") == [("D1", "company_id is required and empty")]
