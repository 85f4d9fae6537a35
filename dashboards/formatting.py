"""How values are written: amounts with all their decimals, dates with the month in words, everything safe to put into HTML."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from html import escape

from orchestration.extracts.contract import minor_units as units_of_currencies

MISSING = "n/a"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
SPACE = "\N{NO-BREAK SPACE}"


@cache
def minor_units(currency: str) -> int:
    """Return the number of decimals of a currency."""
    return units_of_currencies()[currency]


def amount(value: Decimal | None, currency: str) -> str:
    """Return an amount with its currency's decimals, grouped by thousands: 1,234.50."""
    return MISSING if value is None else _signed(_rounded(value, minor_units(currency)))


def money(value: Decimal | None, currency: str) -> str:
    """Return an amount behind its currency's code: EUR 1,234.50."""
    return f"{currency}{SPACE}{amount(value, currency)}"


def percent(value: Decimal | None) -> str:
    """Return a fraction in percent: 0.2335 as 23.4 %."""
    return MISSING if value is None else f"{_signed(_rounded(value * 100, 1))}{SPACE}%"


def days(value: Decimal | int | None) -> str:
    """Return a number of days: 48.5 days."""
    return MISSING if value is None else f"{_signed(_rounded(Decimal(value), 1))}{SPACE}days"


def times(value: Decimal | None) -> str:
    """Return a multiple, with the sign of multiplication behind it: 0.57 times."""
    return MISSING if value is None else f"{_signed(_rounded(value, 2))}{SPACE}{TIMES}"


def count(value: int | Decimal | None) -> str:
    """Return a whole number, grouped by thousands."""
    return MISSING if value is None else _signed(Decimal(value))


def metric(value: Decimal | None, unit: str, currency: str) -> str:
    """Return a metric's value in its unit, as meta.metric_definitions names it."""
    match unit:
        case "money":
            return amount(value, currency)
        case "days":
            return days(value)
        case "times":
            return times(value)
        case _:
            return percent(value)


def change(value: Decimal | None, unit: str) -> str | None:
    """Return a change with its sign: percent for money, points for ratios, days for days, a multiple for multiples; None where nothing can be compared."""
    if value is None:
        return None
    match unit:
        case "money":
            rounded, suffix = _rounded(value * 100, 1), "%"
        case "days":
            rounded, suffix = _rounded(value, 1), "days"
        case "times":
            rounded, suffix = _rounded(value, 2), TIMES
        case _:
            rounded, suffix = _rounded(value * 100, 1), "pts"
    return f"{rounded:+,f}{SPACE}{suffix}" if rounded else f"0.0{SPACE}{suffix}"


def day(value: date | None) -> str:
    """Return a date: 23 Oct 2026."""
    return "" if value is None else f"{value.day}{SPACE}{value:%b}{SPACE}{value:%Y}"


def month(value: date) -> str:
    """Return a month: Oct 2026."""
    return f"{value:%b}{SPACE}{value:%Y}"


def moment(value: datetime | None) -> str:
    """Return a moment: 23 Oct 2026, 06:00."""
    return "" if value is None else f"{day(value.date())}, {value:%H:%M}"


def words(code: str | None) -> str:
    """Return a code of the data as words: left_message as Left message."""
    return (code or "").replace("_", " ").capitalize()


def html(value: object) -> str:
    """Return data as HTML text: shown as typed whatever is in it, and kept from turning the text around it."""
    return f"<bdi>{escape(str(value), quote=True)}</bdi>"


def markdown(text: str) -> str:
    """Return a text of the metric definitions for a tooltip, which Streamlit reads as Markdown; names and other data never go this way."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$])", r"\\\1", text).replace(":", ":\N{WORD JOINER}")


def attribute(value: object) -> str:
    """Return data as the value of an HTML attribute."""
    return escape(str(value), quote=True)


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _signed(value: Decimal) -> str:
    # Below zero with a real minus; a rounded zero has no sign.
    return f"{MINUS if value < 0 else ''}{abs(value):,f}"
