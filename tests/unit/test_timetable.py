"""When the scheduled jobs are due."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from orchestration import timetable
from orchestration.errors import BadUsage

FRIDAY, SATURDAY, SUNDAY = 5, 6, 7


@pytest.mark.parametrize(("week_end_day", "cron"), [(FRIDAY, "0 6 * * 6"), (SATURDAY, "0 6 * * 0"), (SUNDAY, "0 6 * * 1"), (1, "0 6 * * 2")])
def test_the_snapshot_is_due_on_the_morning_after_the_week_ends(week_end_day: int, cron: str) -> None:
    assert timetable.weekly(week_end_day) == cron


@pytest.mark.parametrize(
    ("moment", "week_end"),
    [
        (datetime(2026, 6, 27, 6), date(2026, 6, 26)),  # Saturday, as scheduled
        (datetime(2026, 6, 26, 23, 59), date(2026, 6, 19)),  # Friday: its week is not over yet
        (datetime(2026, 7, 3, 6), date(2026, 6, 26)),  # a tick that comes six days late
        (datetime(2024, 3, 2, 6), date(2024, 3, 1)),  # the day after 29 February and 1 March
        (datetime(2027, 1, 2, 6), date(2027, 1, 1)),  # across the year's end
    ],
)
def test_a_tick_is_about_the_last_friday_that_is_over(moment: datetime, week_end: date) -> None:
    assert timetable.week_end_before(moment, FRIDAY) == week_end


@pytest.mark.parametrize("time_zone", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Pacific/Kiritimati"])
def test_every_saturday_of_a_year_is_about_the_day_before_in_its_own_time_zone(time_zone: str) -> None:
    saturdays = [datetime(2026, 1, 3, 6, tzinfo=ZoneInfo(time_zone)) + timedelta(days=7 * week) for week in range(52)]
    about = [timetable.week_end_before(saturday, FRIDAY) for saturday in saturdays]
    assert about == [date(2026, 1, 2) + timedelta(days=7 * week) for week in range(52)]


def test_the_time_zone_is_utc_unless_it_is_set() -> None:
    assert timetable.time_zone({}) == "UTC"
    assert timetable.time_zone({"AR_TIME_ZONE": ""}) == "UTC"
    assert timetable.time_zone({"AR_TIME_ZONE": "Asia/Tokyo"}) == "Asia/Tokyo"


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "europe berlin"])
def test_an_unknown_time_zone_is_refused_by_name(name: str) -> None:
    with pytest.raises(BadUsage, match="AR_TIME_ZONE"):
        timetable.time_zone({"AR_TIME_ZONE": name})
