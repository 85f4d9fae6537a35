"""What is printed is exact, harmless, and aligned."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import terminal


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**18), max_value=10**18))
def test_decimals_are_printed_exactly(value: Decimal) -> None:
    assert Decimal(terminal.text(value)) == value
    assert "E" not in terminal.text(value)
    assert json.loads(terminal.to_json([value]), parse_float=Decimal, parse_int=Decimal) == [value]


def test_json_has_every_kind_of_value() -> None:
    row = {"a": None, "b": True, "c": 'x"y', "d": date(2026, 2, 28), "e": datetime(2026, 2, 28, 1, 2), "f": [1, {"g": Decimal("0.000000000")}]}
    printed = terminal.to_json(row)
    assert json.loads(printed) == {"a": None, "b": True, "c": 'x"y', "d": "2026-02-28", "e": "2026-02-28T01:02:00", "f": [1, {"g": 0.0}]}
    assert "0.000000000" in printed


def test_numbers_that_json_does_not_know_are_texts() -> None:
    assert json.loads(terminal.to_json([float("inf"), float("nan"), Decimal("NaN")])) == ["inf", "nan", "NaN"]


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_text_is_never_a_formula_in_csv(value: str) -> None:
    assert terminal.safe_cell(value) == f"'{value}"


def test_a_negative_number_stays_a_number_in_csv() -> None:
    assert terminal.safe_cell(Decimal("-12.500")) == "-12.500"


def test_a_name_cannot_move_the_cursor() -> None:
    assert "\x1b" not in terminal.text("\x1b[2Jevil")


def test_a_table_is_aligned_with_numbers_to_the_right() -> None:
    printed = terminal.table(["name", "amount"], [["a", Decimal("1.000")], ["bbbb", Decimal("-100.250")]])
    assert printed.splitlines() == ["name    amount", "----  --------", "a        1.000", "bbbb  -100.250"]


def test_a_long_text_is_cut_with_a_mark() -> None:
    assert terminal.table(["x"], [["y" * 200]]).splitlines()[-1] == "y" * 79 + "…"


def test_a_kpi_table_has_companies_across_and_says_what_cannot_be_computed() -> None:
    kpis = [
        {"month_end": date(2026, 6, 30), "company_id": c, "currency": "EUR", "metric_id": m, "label": label, "unit": unit, "value": value}
        for c, m, label, unit, value in [
            ("C1", "net", "Net", "money", Decimal("1234567.891")),
            ("C1", "rate", "Rate", "ratio", Decimal("0.855")),
            ("ALL", "net", "Net", "money", Decimal("2.000")),
            ("ALL", "rate", "Rate", "ratio", None),
            ("ALL", "dso", "DSO", "days", Decimal("55.25")),
            ("ALL", "turns", "Turnover", "times", Decimal("0.565")),
        ]
    ]
    lines = terminal.kpi_table(kpis).splitlines()
    assert lines[0].split() == ["As", "of", "2026-06-30", "C1", "EUR", "ALL", "EUR"]
    assert [line.split() for line in lines[2:]] == [["Net", "1,234,567.89", "2.00"], ["Rate", "85.5", "%", "n/a"], ["DSO", "55.3"], ["Turnover", "0.57", "x"]]
