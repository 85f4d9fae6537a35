"""Currencies and their daily exchange rates, walked in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from orchestration.demo import days
from orchestration.demo.chance import Chance, Ints


@dataclass(frozen=True)
class Currency:
    """A currency of the demo. `size` of its units buy about what 100 euros do; `start` is its value in 0.00000001 euro."""

    code: str
    minor_units: int
    size: int
    start: int
    rate_digits: int


CURRENCIES = [
    Currency("EUR", 2, 100, 100_000_000, 4),
    Currency("USD", 2, 110, 92_000_000, 4),
    Currency("GBP", 2, 85, 117_000_000, 4),
    Currency("CHF", 2, 95, 105_000_000, 4),
    Currency("SEK", 2, 1_130, 8_850_000, 5),
    Currency("PLN", 2, 430, 23_200_000, 4),
    Currency("CAD", 2, 148, 67_500_000, 4),
    Currency("JPY", 0, 16_200, 615_000, 6),
    Currency("KWD", 3, 33, 299_000_000, 4),
]
EUR, USD, GBP, CHF, SEK, PLN, CAD, JPY, KWD = range(len(CURRENCIES))
MINOR_UNITS = np.array([c.minor_units for c in CURRENCIES], dtype=np.int64)
SIZES = np.array([c.size for c in CURRENCIES], dtype=np.int64)

# What each base currency needs: its companies' foreign documents, and the group's conversion.
PAIRS = [
    (USD, EUR),
    (GBP, EUR),
    (CHF, EUR),
    (SEK, EUR),
    (PLN, EUR),
    (EUR, USD),
    (CAD, USD),
    (JPY, USD),
    (GBP, USD),
    (EUR, GBP),
    (USD, GBP),
    (KWD, GBP),
]
FIRST_RATE = days.number_of(date(2023, 11, 1))


class Rates:
    """The rate of every pair on every business day, as a whole number of 10 ** -rate_digits of the from-currency."""

    def __init__(self, chance: Chance) -> None:
        self.days: Ints = days.business_days(FIRST_RATE, days.END)
        values = np.stack([_walk(chance, c, len(self.days)) for c in CURRENCIES])
        self._table = np.ones((len(CURRENCIES), len(CURRENCIES), len(self.days)), dtype=np.int64)
        for source, target in PAIRS:
            scaled = values[source] * 10 ** CURRENCIES[source].rate_digits
            self._table[source, target] = (2 * scaled + values[target]) // (2 * values[target])

    def on(self, source: Ints, target: Ints, day: Ints) -> Ints:
        """Return the rates of the last business day on or before each day (0 where both currencies are one)."""
        position = np.searchsorted(self.days, day, side="right") - 1
        result: Ints = np.where(source == target, 0, self._table[source, target, position])
        return result

    def to_base(self, amount: Ints, source: Ints, target: Ints, rate: Ints) -> Ints:
        """Return amounts in minor units of the base currency, rounded half up."""
        digits = np.array([c.rate_digits for c in CURRENCIES], dtype=np.int64)[source]
        divisor = 10 ** (digits + MINOR_UNITS[source])
        product = amount * rate * 10 ** MINOR_UNITS[target]
        result: Ints = np.where(source == target, amount, (2 * product + divisor) // (2 * divisor))
        return result

    def columns(self) -> dict[str, Ints]:
        """Return the exchange_rates feed: from, to, day and rate of every pair."""
        count = len(self.days)
        return {
            "source": np.repeat([s for s, _ in PAIRS], count).astype(np.int64),
            "target": np.repeat([t for _, t in PAIRS], count).astype(np.int64),
            "day": np.tile(self.days, len(PAIRS)),
            "rate": np.concatenate([self._table[s, t] for s, t in PAIRS]),
        }


def lot(currency: Ints) -> Ints:
    """Return the round amount whose multiples convert exactly, whatever the rate.

    A foreign document that is paid in parts is a multiple of it: then "amount x rate" and "its share of the base
    amount" are the same number, and the base balance between the parts is unambiguous.
    """
    digits = np.array([c.rate_digits for c in CURRENCIES], dtype=np.int64)[currency]
    result: Ints = 10 ** (digits + MINOR_UNITS[currency] - 2)
    return result


def _walk(chance: Chance, currency: Currency, count: int) -> Ints:
    """Walk a currency's value in euro: small daily steps, drawn back towards where it began."""
    if currency.code == "EUR":
        return np.full(count, currency.start, dtype=np.int64)
    steps = chance.bell(f"rate {currency.code}", np.arange(count, dtype=np.int64), currency.start // 260)
    value, values = currency.start, []
    for step in steps.tolist():
        value += step - (value - currency.start) // 150
        values.append(value)
    return np.array(values, dtype=np.int64)
