"""Amounts keep all their decimals, and data stays data."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from dashboards import formatting

HOSTILE = ("<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "$a^2$", ":material/x:", "a & b", "=1+1", "\u202etxt")


@pytest.mark.parametrize(
    ("value", "currency", "written"),
    [
        ("1234567.891", "KWD", "1,234,567.891"),
        ("1234567.890", "USD", "1,234,567.89"),
        ("1234567.000", "JPY", "1,234,567"),
        ("-0.500", "EUR", "\N{MINUS SIGN}0.50"),
        ("-0.001", "EUR", "0.00"),
        ("0.005", "EUR", "0.01"),
        ("999999999999999.999", "KWD", "999,999,999,999,999.999"),
    ],
)
def test_an_amount_is_written_with_its_currencys_decimals(value: str, currency: str, written: str) -> None:
    assert formatting.amount(Decimal(value), currency) == written


def test_what_is_unknown_is_never_written_as_zero() -> None:
    assert formatting.amount(None, "EUR") == formatting.percent(None) == formatting.days(None) == formatting.times(None) == "n/a"
    assert formatting.change(None, "money") is None


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        ("0.2391", "money", "+23.9 %"),
        ("-0.044", "ratio", "-4.4 pts"),
        ("12.66", "days", "+12.7 days"),
        ("0.0001", "ratio", "0.0 pts"),
        ("0.1249", "times", "+0.12 \N{MULTIPLICATION SIGN}"),
    ],
)
def test_a_change_has_its_sign_and_its_unit(value: str, unit: str, written: str) -> None:
    assert formatting.change(Decimal(value), unit) == written.replace(" ", formatting.SPACE)


def test_dates_have_their_month_in_words() -> None:
    assert formatting.day(date(2026, 10, 3)) == "3 Oct 2026".replace(" ", formatting.SPACE)
    assert formatting.moment(datetime(2026, 10, 3, 6, 5)).endswith(", 06:05")
    assert formatting.day(None) == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_html_of_a_text_holds_no_markup_of_it(text: str) -> None:
    written = formatting.html(text)
    inner = written.removeprefix("<bdi>").removesuffix("</bdi>")
    assert "<" not in inner and ">" not in inner
    assert '"' not in formatting.attribute('" onmouseover="x')


def test_a_definition_is_no_markdown() -> None:
    written = formatting.markdown("a * b $c$ [d](e) :material/x: `f` <b>")
    assert ":material" not in written
    for character in "*$[]`<>":
        assert f"\\{character}" in written
