"""Which weeks are due to be frozen."""

from __future__ import annotations

from datetime import date, timedelta

from orchestration.snapshots import due_week_ends, week_end_on_or_before

FRIDAY = 5
WEEK = timedelta(days=7)


def test_a_week_end_is_its_own_and_the_day_before_belongs_to_the_week_before() -> None:
    assert week_end_on_or_before(date(2026, 10, 23), FRIDAY) == date(2026, 10, 23)
    assert week_end_on_or_before(date(2026, 10, 22), FRIDAY) == date(2026, 10, 16)
    assert week_end_on_or_before(date(2026, 10, 24), FRIDAY) == date(2026, 10, 23)


def test_the_first_week_due_is_the_last_that_the_earliest_drop_completes() -> None:
    assert due_week_ends(date(2026, 10, 20), date(2026, 10, 31), FRIDAY, []) == [date(2026, 10, 16), date(2026, 10, 23), date(2026, 10, 30)]


def test_a_week_that_is_not_complete_is_not_due() -> None:
    assert due_week_ends(date(2026, 10, 23), date(2026, 10, 29), FRIDAY, []) == [date(2026, 10, 23)]


def test_a_missed_week_is_due_and_a_frozen_one_is_not() -> None:
    frozen = [date(2026, 10, 2), date(2026, 10, 16)]
    assert due_week_ends(date(2026, 10, 2), date(2026, 10, 23), FRIDAY, frozen) == [date(2026, 10, 9), date(2026, 10, 23)]


def test_books_that_begin_earlier_than_was_known_make_earlier_weeks_due() -> None:
    frozen = [date(2026, 10, 16)]
    assert due_week_ends(date(2026, 10, 2), date(2026, 10, 16), FRIDAY, frozen) == [date(2026, 10, 2), date(2026, 10, 9)]


def test_another_day_for_week_ends_freezes_no_week_again() -> None:
    fridays = [date(2026, 1, 2) + WEEK * n for n in range(20)]
    thursday, sunday = 4, 7
    assert due_week_ends(fridays[0], fridays[-1], thursday, fridays) == [date(2026, 1, 1)]
    assert due_week_ends(fridays[0], fridays[-1] + timedelta(days=2), sunday, fridays) == [date(2025, 12, 28)]
    assert due_week_ends(fridays[0], fridays[-1] + timedelta(days=9), sunday, fridays)[-1] == fridays[-1] + timedelta(days=9)


def test_the_turn_of_the_year_and_the_leap_day_are_weeks_like_others() -> None:
    assert due_week_ends(date(2027, 12, 31), date(2028, 3, 3), FRIDAY, [])[:2] == [date(2027, 12, 31), date(2028, 1, 7)]
    assert date(2028, 2, 25) in due_week_ends(date(2028, 2, 25), date(2028, 2, 29), FRIDAY, [])
