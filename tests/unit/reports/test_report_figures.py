"""How amounts are written, and how the charts are measured."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orchestration.reports import money, pages
from orchestration.reports.money import MINUS, NOTHING


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1234567.890", "EUR", "1,234,567.89"),
        ("-0.500", "EUR", f"{MINUS}0.50"),
        ("0.000", "EUR", NOTHING),
        ("1234567.000", "JPY", "1,234,567"),
        ("12.345", "KWD", "12.345"),
        # More decimals than the currency has are shown, not rounded away.
        ("0.125", "EUR", "0.125"),
    ],
)
def test_an_exact_amount_has_the_decimals_of_its_currency(amount: str, currency: str, shown: str) -> None:
    assert money.exact(Decimal(amount), currency) == shown


@pytest.mark.parametrize(("amount", "shown"), [("0.5", "+1"), ("-0.5", f"{MINUS}1"), ("0.49", "0"), ("-1234.5", f"{MINUS}1,235"), ("2.5", "+3")])
def test_a_change_is_rounded_half_up_and_has_its_sign(amount: str, shown: str) -> None:
    assert money.change(Decimal(amount)) == shown


def test_a_ratio_without_a_denominator_is_not_zero() -> None:
    assert money.percent(None) == "n/a"
    assert money.percent(Decimal("0.2804")) == "28.0 %"
    assert money.points(Decimal("-0.0249")) == f"{MINUS}2.5 pts"


@pytest.mark.parametrize(("span", "step"), [("1900000", "500000"), ("2100000", "1000000"), ("37", "10"), ("0.8", "0.2"), ("0", "0")])
def test_grid_lines_stand_at_round_numbers(span: str, step: str) -> None:
    assert pages._step(Decimal(span)) == Decimal(step)
