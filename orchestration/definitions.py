"""What Dagster is told: assets, jobs, schedules and the sensor, for the home and the settings that the environment names."""

from __future__ import annotations

import os
from collections.abc import Mapping

import dagster as dg

from orchestration import inbox, policy, schedules, sensors, timetable
from orchestration.assets import marts, parquet, publishing, raw, weekly
from orchestration.assets.session import Session
from orchestration.dbt_nodes import read_manifest
from orchestration.orchestrator import manifest_file
from orchestration.settings import Home, home_at

# A retry of a crashed run starts at the beginning: every step of it is done again at little cost, and the order of things is kept.
FROM_THE_START = {"dagster/retry_strategy": "ALL_STEPS"}


def assemble(home: Home, environment: Mapping[str, str]) -> dg.Definitions:
    """Return the definitions of one home."""
    place = inbox.place_of(environment, home)
    time_zone = timetable.time_zone(environment)
    week_end_day = int(str(policy.read(home).settings["week_end_day"]))
    dbt_build = marts.dbt_build_assets(read_manifest(manifest_file(home)))
    published = publishing.published_asset(sorted(key for key in dbt_build.keys if key.path[0] == "marts"))
    main_job = dg.define_asset_job("main_job", dg.AssetSelection.all(), description="Load, build, audit, publish, freeze: `arw run`.", tags=FROM_THE_START)
    weekly_job = dg.define_asset_job(
        "weekly_job",
        dg.AssetSelection.assets(weekly.SNAPSHOT, weekly.REPORT, parquet.PARQUET),
        description="Freeze the weeks that are due and write their reports: `arw snapshot`.",
        tags=FROM_THE_START,
    )
    return dg.Definitions(
        assets=[raw.raw_assets(place), dbt_build, published, weekly.weekly_snapshot, weekly.weekly_report, parquet.published_parquet],
        jobs=[main_job, weekly_job],
        schedules=[schedules.daily(main_job, home, place, time_zone), schedules.weekly(weekly_job, time_zone, week_end_day)],
        sensors=[sensors.drops(main_job, home, place)],
        resources={"session": Session(home_folder=str(home.root))},
        executor=dg.in_process_executor,
    )


@dg.definitions
def definitions() -> dg.Definitions:
    """Return the definitions of the home that the environment names."""
    return assemble(home_at(None), os.environ)
