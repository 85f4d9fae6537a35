"""The schedules: the main job every day, the weekly snapshot when its week is over."""

from __future__ import annotations

import dagster as dg

from orchestration import inbox, lake, timetable
from orchestration.inbox import Place
from orchestration.settings import Home


def daily(job: dg.UnresolvedAssetJobDefinition, home: Home, place: Place, time_zone: str) -> dg.ScheduleDefinition:
    """Return the daily schedule of the main job, which also takes up what the sensor left after a failure."""

    @dg.schedule(job=job, name="daily_load", cron_schedule=timetable.DAILY, execution_timezone=time_zone, default_status=dg.DefaultScheduleStatus.RUNNING)
    def daily_load(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if not inbox.look(place) and not lake.drops(home.root):
            return dg.SkipReason(f"Nothing was loaded yet, and no drop is in {place.folder}.")
        return dg.RunRequest(run_key=f"daily-{context.scheduled_execution_time.date()}")

    return daily_load


def weekly(job: dg.UnresolvedAssetJobDefinition, time_zone: str, week_end_day: int) -> dg.ScheduleDefinition:
    """Return the schedule of the weekly snapshot, as of the day on which the week ended."""

    @dg.schedule(
        job=job,
        name="weekly_snapshot",
        cron_schedule=timetable.weekly(week_end_day),
        execution_timezone=time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def weekly_snapshot(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        week_end = timetable.week_end_before(context.scheduled_execution_time, week_end_day).isoformat()
        return dg.RunRequest(
            run_key=f"weekly-{week_end}", run_config={"ops": {"weekly_snapshot": {"config": {"as_of": week_end}}}}, tags={"week_end": week_end}
        )

    return weekly_snapshot
