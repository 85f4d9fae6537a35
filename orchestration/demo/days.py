"""The demo's calendar: fixed days, business days, payment runs and drops. Nothing here asks the clock.

A day is a whole number, counted from 1970-01-01, so that whole columns of days can be computed with.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from orchestration.demo.chance import Flags, Ints

_EPOCH = date(1970, 1, 1)


def number_of(day: date) -> int:
    """Return the number of a date."""
    return (day - _EPOCH).days


def date_of(number: int) -> date:
    """Return the date of a number."""
    return _EPOCH + timedelta(days=int(number))


START = number_of(date(2024, 2, 1))  # the books open: balances are taken over on this day
HISTORY_END = number_of(date(2026, 8, 28))  # a Friday: the first drop's last complete day
WEEKS = 8
BOOKS_THROUGH = np.array([HISTORY_END + 7 * week for week in range(WEEKS + 1)], dtype=np.int64)
END = int(BOOKS_THROUGH[-1])  # 2026-10-23
NEVER = WEEKS + 1  # the number of a drop that does not come

_FIRST = number_of(date(2023, 1, 1))
_LAST = number_of(date(2030, 12, 31))
_ALL = np.arange(_FIRST, _LAST + 1, dtype=np.int64)
_DATES = [date_of(int(n)) for n in _ALL]

MONTH = np.array([(d.year - 2024) * 12 + d.month - 1 for d in _DATES], dtype=np.int64)
IS_BUSINESS = np.array([d.weekday() < 5 for d in _DATES])


def _next_in(chosen: Flags) -> Ints:
    """Return, for every day of the calendar, the first chosen day on or after it."""
    days = _ALL[chosen]
    result: Ints = days[np.minimum(np.searchsorted(days, _ALL), len(days) - 1)]
    return result


_BUSINESS = _next_in(IS_BUSINESS)
_WEEKDAY = np.array([d.weekday() for d in _DATES])
_DAY = np.array([d.day for d in _DATES])
_IS_MONTH_END = np.diff(MONTH, append=-1) != 0
_MONTH_END = _next_in(_IS_MONTH_END)


def _business_days_of(chosen: Flags) -> Flags:
    """Move chosen days to the next business day."""
    moved = np.zeros(len(_ALL), dtype=bool)
    moved[_BUSINESS[chosen] - _FIRST] = True
    return moved


# How customers pay: daily, on one day of the week, or by the month.
RUNS = np.stack(
    [_BUSINESS]
    + [_next_in(np.isin(_WEEKDAY, weekday)) for weekday in range(5)]
    + [_next_in(_business_days_of(np.isin(_DAY, [10, 25])))]
    + [_next_in(_business_days_of(_DAY == 15))]
    + [_next_in(_business_days_of(_IS_MONTH_END))]
)
DAILY = 0


def business(day: Ints) -> Ints:
    """Return the same day, or the Monday after a weekend."""
    result: Ints = _BUSINESS[day - _FIRST]
    return result


def run(kind: Ints, day: Ints) -> Ints:
    """Return the first payment run on or after a day."""
    result: Ints = RUNS[kind, day - _FIRST]
    return result


def month(day: Ints) -> Ints:
    """Return the months since January 2024."""
    result: Ints = MONTH[day - _FIRST]
    return result


def month_end(day: Ints) -> Ints:
    """Return the last day of each day's month."""
    result: Ints = _MONTH_END[day - _FIRST]
    return result


def fixed_day_of_next_month(day: Ints, fixed: Ints) -> Ints:
    """Return a fixed day of the month that follows each day's month (its last day where it is shorter)."""
    end = month_end(day)
    result: Ints = np.minimum(end + fixed, month_end(end + 1))
    return result


def drop_of(day: Ints) -> Ints:
    """Return which drop first knows what happened on a day: 0 the history, 1 to 8 the weeks, 9 none."""
    result: Ints = np.searchsorted(BOOKS_THROUGH, day, side="left").astype(np.int64)
    return result


def month_ends(first: int, last: int) -> list[int]:
    """Return the month ends in a range of days."""
    return [int(n) for n in _ALL[_IS_MONTH_END] if first <= n <= last]


def business_days(first: int, last: int) -> Ints:
    """Return the business days in a range of days."""
    result: Ints = _ALL[IS_BUSINESS & (first <= _ALL) & (last >= _ALL)]
    return result
