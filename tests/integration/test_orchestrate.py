"""Dagster, whole: served, killed, taken up again by the sensor, ticked by the schedule, refused by the audit.

One home passes through all of it, for a Dagster process takes seconds to start: the tests build on one another, in this order.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from orchestration import audit, lake, orchestrator, published, recovery, snapshots
from orchestration.assets.publishing import PUBLISHED
from orchestration.assets.session import Session
from orchestration.assets.weekly import REPORT, SNAPSHOT
from orchestration.definitions import assemble
from orchestration.demo import DemoSummary, generate
from orchestration.extracts.contract import feeds
from orchestration.lock import pipeline_lock
from orchestration.settings import Home, project_dir

pytestmark = pytest.mark.xdist_group("dagster")

SEED = 11
ARW = Path(sys.executable).with_name("arw")


@dataclass(frozen=True)
class Site:
    """A home with its inbox, all drops of the demo but the last in it, and how to work there."""

    home: Home
    demo: DemoSummary
    late: Path

    @property
    def environment(self) -> dict[str, str]:
        return orchestrator.environment_of(
            self.home, os.environ | {"AR_INBOX_QUIET_SECONDS": "0", "AR_TIME_ZONE": "Europe/Berlin", "AR_INBOX": str(self.inbox)}
        )

    @property
    def inbox(self) -> Path:
        return self.home.root / "inbox"

    @cached_property
    def definitions(self) -> dg.Definitions:
        return assemble(self.home, self.environment)

    def execute(self, job: str, **how: Any) -> dg.ExecuteInProcessResult:
        with dg.DagsterInstance.from_config(str(orchestrator.instance_folder(self.home))) as instance:
            return self.definitions.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False, **how)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("dagster")
    demo = generate(folder / "demo", size=100, seed=SEED)
    home = Home(folder / "home")
    shutil.copytree(demo.out, home.root / "inbox")
    newest = max((home.root / "inbox").iterdir())
    late = newest.rename(folder / newest.name)
    return Site(home, demo, late)


def metadata(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, Any]:
    [event] = [event for event in result.get_asset_materialization_events() if event.asset_key == key]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def events(result: dg.ExecuteInProcessResult, kind: str) -> list[str]:
    return [str(event.step_key) for event in result.all_events if event.event_type_value == kind]


def lines_until_end(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stderr is not None
    while line := process.stderr.readline():
        yield line


def test_orchestrate_serves_on_this_machine_only_and_leaves_nothing_running(site: Site) -> None:
    inbox_aside = site.inbox.rename(site.home.root / "aside")
    with socket.socket() as probe:
        probe.bind((orchestrator.ADDRESS, 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [ARW, "orchestrate", "--home", site.home.root, "--port", str(port)], env=site.environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        told = []
        for line in lines_until_end(process):
            told.append(line)
            if f"http://127.0.0.1:{port}" in line:
                break
        query = json.dumps({"query": "{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError { __typename } } } } }"})
        request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", query.encode(), {"content-type": "application/json"})
        with urllib.request.urlopen(request) as response:
            [location] = json.load(response)["data"]["workspaceOrError"]["locationEntries"]
        children = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        group = os.getpgid(children[0])
        listening = {line.split()[1].split(":")[0] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[1].endswith(f":{port:04X}")}
        second = subprocess.run([ARW, "orchestrate", "--home", site.home.root, "--port", str(port)], env=site.environment, capture_output=True, text=True)
    finally:
        process.send_signal(signal.SIGTERM)
        rest = list(lines_until_end(process))
    assert location == {"name": "receivables_warehouse", "locationOrLoadError": {"__typename": "RepositoryLocation"}}
    assert len(children) == 3
    assert listening == {"0100007F"}  # 127.0.0.1, as the kernel writes it
    assert second.returncode == 1 and "orchestrated already" in second.stderr
    assert process.wait() == 0, told + rest
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    assert list(site.inbox.iterdir()) == []  # it was made, for the first drop
    site.inbox.rmdir()
    inbox_aside.rename(site.inbox)


def kill_at(site: Site, text: str, time: int) -> None:
    """Start the main job and kill it, as a power cut would, when it has said ``text`` so many times."""
    command = [sys.executable, "-m", "dagster", "job", "execute", "-m", "orchestration.definitions", "-j", "main_job"]
    process = subprocess.Popen(command, cwd=project_dir(), env=site.environment, stderr=subprocess.PIPE, text=True)
    told = []
    for line in lines_until_end(process):
        told.append(line)
        if text in line:
            time -= 1
            if time == 0:
                process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "".join(told[-20:])


def test_a_killed_run_publishes_nothing_and_is_put_on_record_unless_it_works_on(site: Site) -> None:
    kill_at(site, "- dbt_build - dbt ", random.Random(SEED).randint(1, 4))
    assert len(lake.drops(site.home.root)) == len(list(site.inbox.iterdir()))
    with pytest.raises(published.NothingPublished):
        published.find(site.home)
    with dg.DagsterInstance.from_config(str(orchestrator.instance_folder(site.home))) as instance:
        [run] = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.STARTED
        with pipeline_lock(site.home, f"Dagster run {run.run_id}"):
            assert recovery.end_left_runs(instance, recovery.holder_of(site.home)) == []
        assert recovery.end_left_runs(instance, recovery.holder_of(site.home)) == [run.run_id]
        [run] = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.FAILURE
        # With `run_retries` this is what the daemon goes by: the run is started again.
        assert run.tags["dagster/will_retry"] == "true"


def test_the_sensor_takes_a_drop_once_it_is_complete_and_the_whole_graph_runs(site: Site) -> None:
    drop = shutil.copytree(site.late, site.inbox / site.late.name)
    half = (drop / "ledger" / "documents.csv").rename(drop / "ledger" / "documents.csv.part")
    sensor = site.definitions.resolve_sensor_def("inbox")
    cursor = None

    def tick() -> tuple[str, list[dg.RunRequest]]:
        nonlocal cursor
        with dg.build_sensor_context(cursor=cursor, definitions=site.definitions) as context:
            result = sensor.evaluate_tick(context)
        cursor = result.cursor
        return result.skip_message or "", list(result.run_requests or [])

    for _ in range(2):
        reason, requests = tick()
        assert f"{drop.name}: ledger/documents.csv.part is still being written" in reason and requests == []
    half.rename(drop / "ledger" / "documents.csv")
    assert f"{drop.name}: it is new or has changed" in tick()[0]
    _, [request] = tick()
    # Only this one: what the killed run had landed is known.
    assert request.run_config == {"ops": {"raw": {"config": {"drops": [drop.name]}}}}
    assert tick() == (f"No new drop in {site.inbox}.", [])

    result = site.execute("main_job", run_config=request.run_config)
    assert result.success, [event.message for event in result.all_events if event.is_failure]

    # Nothing is lost and nothing is double, for all that was killed before.
    landed = lake.drops(site.home.root)
    read = {feed: sum(file["rows_in"] for drop in landed for file in drop.files if file["feed"] == feed) for feed in feeds()}
    assert read == {feed: site.demo.row_counts.get(feed, 0) for feed in feeds()}
    for feed in feeds().values():
        assert metadata(result, dg.AssetKey([feed.system, feed.name]))["dagster/row_count"] == sum(
            record.feeds[feed.name]["rows_loaded"] for record in landed if feed.name in record.feeds
        )
    week_ends = [snapshot.snapshot_date for snapshot in snapshots.read(site.home)]
    assert week_ends == [min(week_ends) + timedelta(days=7 * week) for week in range(len(week_ends))]
    assert max(week_ends) == date.fromisoformat(str(metadata(result, PUBLISHED)["as of"]))
    assert snapshots.verify(site.home) == []
    # Every model is an asset, every data test and every control total a check, and all were told.
    graph = site.definitions.resolve_asset_graph()
    assert {event.asset_key for event in result.get_asset_materialization_events()} == graph.materializable_asset_keys
    checks = result.get_asset_check_evaluations()
    assert {check.asset_check_key for check in checks} == graph.asset_check_keys
    assert [check.check_name for check in checks if not check.passed] == []
    tests = [node for node in json.loads(orchestrator.manifest_file(site.home).read_text())["nodes"].values() if node["resource_type"] == "test"]
    # What the audit asks is one of its checks, and not asked twice.
    asked = {node["name"] for node in tests if "audited" not in node["tags"]}
    assert asked | {"events_are_unique"} <= {check.check_name for check in checks}
    version = published.find(site.home)
    assert metadata(result, REPORT)["folder"] == str(site.home.reports)
    with duckdb.connect(str(version.file), read_only=True) as con:
        for table, rows in con.execute("select table_name, estimated_size from duckdb_tables() where schema_name = 'marts'").fetchall():
            if table != "fct_aging_snapshots":
                assert metadata(result, dg.AssetKey(["marts", table]))["dagster/row_count"] == rows


def test_the_weekly_schedule_ticks_on_saturdays_at_six_and_freezes_no_week_twice(site: Site) -> None:
    schedule = site.definitions.resolve_schedule_def("weekly_snapshot")
    berlin = ZoneInfo("Europe/Berlin")
    ticks = schedule_execution_time_iterator(datetime(2026, 1, 1, tzinfo=berlin).timestamp(), schedule.cron_schedule, schedule.execution_timezone)
    for week in range(52):  # the clock changes on 29 March and on 25 October
        moment = next(ticks)
        assert (moment.date(), moment.hour, moment.minute) == (date(2026, 1, 3) + timedelta(days=7 * week), 6, 0)
        with dg.build_schedule_context(scheduled_execution_time=moment) as context:
            [request] = schedule.evaluate_tick(context).run_requests or []
        friday = (moment.date() - timedelta(days=1)).isoformat()
        assert request.run_config == {"ops": {"weekly_snapshot": {"config": {"as_of": friday}}}}
        assert request.run_key == f"weekly-{friday}"
    frozen = [snapshot.record_sha256 for snapshot in snapshots.read(site.home)]
    result = site.execute("weekly_job", run_config=request.run_config)
    assert result.success
    assert metadata(result, SNAPSHOT)["frozen"] == "no week was due"
    assert [snapshot.record_sha256 for snapshot in snapshots.read(site.home)] == frozen
    assert metadata(result, REPORT)["written"] == 0


def test_the_daily_schedule_runs_where_there_is_something_to_run_on(site: Site, tmp_path: Path) -> None:
    with dg.build_schedule_context(scheduled_execution_time=datetime(2026, 3, 29, 5, tzinfo=ZoneInfo("Europe/Berlin"))) as context:
        [request] = site.definitions.resolve_schedule_def("daily_load").evaluate_tick(context).run_requests or []
        assert request.run_key == "daily-2026-03-29"
        empty = Site(Home(tmp_path), site.demo, site.late)
        shutil.copytree(orchestrator.manifest_file(site.home).parent, orchestrator.manifest_file(empty.home).parent)
        result = empty.definitions.resolve_schedule_def("daily_load").evaluate_tick(context)
        assert result.run_requests == [] and "Nothing was loaded yet" in (result.skip_message or "")


def test_again_publishes_nothing_new(site: Site) -> None:
    before = site.home.pointer.read_bytes()
    result = site.execute("main_job", asset_selection=[PUBLISHED, SNAPSHOT, REPORT])
    assert result.success
    assert metadata(result, PUBLISHED)["is new"] is False
    assert site.home.pointer.read_bytes() == before


def test_a_failed_audit_leaves_the_old_version_and_is_not_tried_again(site: Site) -> None:
    before = site.home.pointer.read_bytes()
    sound = site.home.build_file.read_bytes()
    with duckdb.connect(str(site.home.build_file)) as con:
        con.execute(
            "update marts.fct_ar_events set amount = amount + 1 where event_id = (select min(event_id) from marts.fct_ar_events where event_type = 'document')"
        )
    result = site.execute("main_job", asset_selection=[PUBLISHED, SNAPSHOT, REPORT])
    site.home.build_file.write_bytes(sound)
    assert not result.success
    assert events(result, "STEP_FAILURE") == ["published"]
    assert events(result, "STEP_UP_FOR_RETRY") == []
    answers = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert set(answers) == {check.check_id for check in audit.CHECKS}
    assert answers["documents_are_in_the_ledger"] is False
    assert "The version in force is unchanged" in "".join(event.message or "" for event in result.all_events) + str(
        [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    )
    assert site.home.pointer.read_bytes() == before


def test_a_busy_warehouse_is_tried_again_a_refused_drop_is_not(site: Site) -> None:
    patient = Session(home_folder=str(site.home.root), busy_retries=2, busy_seconds=0)
    with pipeline_lock(site.home, "arw run elsewhere"):
        result = site.execute("weekly_job", resources={"session": patient})
    assert events(result, "STEP_UP_FOR_RETRY") == ["weekly_snapshot", "weekly_snapshot"]
    assert not result.success
    before = site.home.pointer.read_bytes()
    broken = site.inbox / "broken" / "ledger" / "documents.csv"
    broken.parent.mkdir(parents=True)
    broken.write_text("<html>please log in</html>\n", encoding="utf-8")
    result = site.execute("main_job", run_config={"ops": {"raw": {"config": {"drops": ["broken"]}}}})
    shutil.rmtree(site.inbox / "broken")
    assert events(result, "STEP_FAILURE") == ["raw"] and events(result, "STEP_UP_FOR_RETRY") == []
    assert [check.check_name for check in result.get_asset_check_evaluations() if not check.passed] == ["drops_are_accepted"]
    assert site.home.pointer.read_bytes() == before
