"""When the scheduled jobs are due: cron lines, the time zone they are read in, and the week that a tick is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestration.errors import BadUsage
from orchestration.snapshots import week_end_on_or_before

DAILY = "0 5 * * *"
DEFAULT_TIME_ZONE = "UTC"


def time_zone(environment: Mapping[str, str]) -> str:
    """Return the time zone of the schedules: ``AR_TIME_ZONE``, else UTC."""
    name = environment.get("AR_TIME_ZONE") or DEFAULT_TIME_ZONE
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadUsage(f"AR_TIME_ZONE is {name!r}, which is no time zone; write one like Europe/Berlin. Nothing was started.") from None
    return name


def weekly(week_end_day: int) -> str:
    """Return the cron line of the weekly snapshot: six in the morning after the week's last day (an ISO weekday)."""
    # Cron counts from Sunday = 0, so the day after ISO weekday n is n + 1 there, too, and Sunday comes round to 0.
    return f"0 6 * * {(week_end_day + 1) % 7}"


def week_end_before(moment: datetime, week_end_day: int) -> date:
    """Return the last day of the newest week that is over on the day of ``moment``, in the moment's own time zone."""
    return week_end_on_or_before(moment.date() - timedelta(days=1), week_end_day)
