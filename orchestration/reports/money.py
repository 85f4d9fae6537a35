"""How amounts are written for people: exact, with the currency's own decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from orchestration.extracts.contract import minor_units

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
EXACT_DECIMALS = 3


def decimals(currency: str) -> int:
    """Return the digits after the point that amounts of this currency have."""
    return minor_units().get(currency, EXACT_DECIMALS)


def exact(amount: Decimal, currency: str) -> str:
    """Return the amount to its last minor unit; nothing is a dash."""
    if not amount:
        return NOTHING
    return _signed(amount, f",.{max(decimals(currency), _decimals_in(amount))}f")


def whole(amount: Decimal) -> str:
    """Return the amount in whole units, rounded half up, for headlines and charts."""
    return _signed(amount.quantize(Decimal(1), ROUND_HALF_UP), ",f")


def change(amount: Decimal) -> str:
    """Return a difference in whole units with its sign."""
    rounded = amount.quantize(Decimal(1), ROUND_HALF_UP)
    return f"+{rounded:,f}" if rounded > 0 else _signed(rounded, ",f") if rounded else "0"


def percent(ratio: Decimal | None) -> str:
    """Return a fraction as a percentage; without a denominator there is none."""
    return "n/a" if ratio is None else f"{_signed((ratio * 100).quantize(Decimal('0.1'), ROUND_HALF_UP), ',f')} %"


def points(difference: Decimal | None) -> str:
    """Return the difference of two fractions in percentage points."""
    if difference is None:
        return ""
    rounded = (difference * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{'+' if rounded > 0 else ''}{_signed(rounded, ',f')} pts"


def _signed(amount: Decimal, how: str) -> str:
    return format(amount, how).replace("-", MINUS)


def _decimals_in(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
