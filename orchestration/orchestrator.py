"""`arw orchestrate`: the Dagster UI, its daemon and our definitions, as three processes that live and end together.

The instance stands below the home, talks to nobody but this machine, and runs one pipeline at a time.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import yaml

from orchestration import dbt, inbox, timetable
from orchestration.errors import ArwError, Terminated
from orchestration.lock import WarehouseBusy, pipeline_lock
from orchestration.settings import Home, project_dir

Progress = Callable[[str], None]

ADDRESS = "127.0.0.1"
POOL = "warehouse"
LOCATION = "receivables_warehouse"
SECONDS_TO_END = 20
SECONDS_BETWEEN_LOOKS = 0.2
LAST_LINES = 15


class OrchestratorEnded(ArwError):
    """One of Dagster's processes ended by itself."""


@dataclass
class Services:
    """The processes that were started, all in one process group."""

    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    group: int = 0

    def ended(self) -> list[str]:
        """Return the names of those that are not there any more."""
        return [name for name, process in self.running.items() if process.poll() is not None]


def instance_folder(home: Home) -> Path:
    """Return Dagster's own folder (DAGSTER_HOME): its configuration, runs, logs and ticks."""
    return home.root / "dagster"


def manifest_file(home: Home) -> Path:
    """Return the parsed dbt project that the definitions are read from."""
    return instance_folder(home) / "dbt" / "manifest.json"


def instance_config() -> dict[str, Any]:
    """Return dagster.yaml: no telemetry, one run at a time, one writer, and a second chance for what crashed."""
    return {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        # What a step has to say goes into its run's log; capturing its output too would take four more processes per run.
        "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"},
        # By run, not by step: what a killed run held is free as soon as the run is over.
        "concurrency": {"runs": {"max_concurrent_runs": 1}, "pools": {"granularity": "run", "default_limit": 1}},
        "run_monitoring": {
            "enabled": True,
            "start_timeout_seconds": 300,
            "cancel_timeout_seconds": 120,
            "max_runtime_seconds": 21600,
            "poll_interval_seconds": 30,
        },
        # A run whose process died runs again. What fails in a step is for the step to judge: most of it would only fail again.
        "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
        "retention": {"sensor": {"purge_after_days": {"skipped": 1}}, "schedule": {"purge_after_days": {"skipped": 30}}},
    }


def prepare(home: Home, progress: Progress) -> None:
    """Write the instance's configuration, and parse the dbt project that the definitions are made of."""
    folder = instance_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text(yaml.safe_dump(instance_config(), sort_keys=False), encoding="utf-8")
    progress("parsing the dbt project")
    dbt.parse(home, manifest_file(home).parent)


def environment_of(home: Home, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that every Dagster process of this home needs."""
    return dict(environment) | {"AR_HOME": str(home.root), "DAGSTER_HOME": str(instance_folder(home)), "DAGSTER_DISABLE_TELEMETRY": "1"}


def orchestrate(home: Home, port: int, progress: Progress) -> None:
    """Serve until told to stop; whatever happens, none of the processes outlives this one."""
    timetable.time_zone(os.environ)
    place = inbox.place_of(os.environ, home)
    place.folder.mkdir(parents=True, exist_ok=True)
    instance_folder(home).mkdir(parents=True, exist_ok=True)
    with _alone(home), tempfile.TemporaryDirectory(prefix="arw-") as scratch:
        _refuse_taken(port)
        prepare(home, progress)
        log = home.logs / "orchestrate.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            services = Services()
            try:
                _serve(home, port, Path(scratch) / "code.sock", services, output, progress)
            except OrchestratorEnded as ended:
                raise OrchestratorEnded(f"{ended}\n{_last_lines(log)}\nAll were stopped; what is published is unchanged. The whole log: {log}") from None
            except (KeyboardInterrupt, Terminated):
                progress("stopping")
            finally:
                _stop(services)
        progress("stopped; a run that was under way is started again when this is")


def _serve(home: Home, port: int, code: Path, services: Services, output: IO[bytes], progress: Progress) -> None:
    environment = environment_of(home, os.environ)
    workspace = instance_folder(home) / "workspace.yaml"
    workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": {"socket": str(code), "location_name": LOCATION}}]}), encoding="utf-8")

    def start(name: str, *command: str) -> None:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=project_dir(),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=services.group,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        services.group = services.group or process.pid
        services.running[name] = process

    if (instance_folder(home) / "history").is_dir():
        progress("ending runs that an earlier orchestrator left")
        start("recovery", "-m", "orchestration.recovery")
        if services.running["recovery"].wait() != 0:
            raise OrchestratorEnded("The runs of an earlier orchestrator could not be ended.")
        del services.running["recovery"]
        services.group = 0
    progress("loading the definitions")
    start("code", "-m", "dagster", "api", "grpc", "--socket", str(code), "--module-name", "orchestration.definitions", "--location-name", LOCATION)
    _wait_until(lambda: _answers(socket.AF_UNIX, str(code)), services)
    start("webserver", "-m", "dagster_webserver", "--host", ADDRESS, "--port", str(port), "--workspace", str(workspace))
    start("daemon", "-m", "dagster._daemon", "run", "--workspace", str(workspace))
    _wait_until(lambda: _answers(socket.AF_INET, (ADDRESS, port)), services)
    progress(f"Dagster on http://{ADDRESS}:{port}; drops are taken from {inbox.place_of(os.environ, home).folder}; Ctrl-C stops it")
    _wait_until(lambda: False, services)


def _wait_until(is_there: Callable[[], bool], services: Services) -> None:
    while not is_there():
        if ended := services.ended():
            raise OrchestratorEnded(f"Dagster's {' and '.join(ended)} ended by itself.")
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _answers(family: socket.AddressFamily, address: Any) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(address) == 0


def _refuse_taken(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise ArwError(f"Port {port} on {ADDRESS} cannot be used ({error.strerror}). Nothing was started. Choose another with --port.") from None


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Hold Dagster's folder: two daemons on one instance would start everything twice."""
    try:
        with pipeline_lock(Home(instance_folder(home)), "arw orchestrate"):
            yield
    except WarehouseBusy as busy:
        raise ArwError(f"This home is being orchestrated already. {busy} Nothing was started.") from None


def _stop(services: Services) -> None:
    """End the group: first as one asks, then as one does not."""
    if not services.group:
        return
    for asked_again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked_again, signal.SIG_IGN)
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(services.group, how)
        except ProcessLookupError:
            break
        if _group_ended(services):
            break


def _group_ended(services: Services) -> bool:
    """Wait for every process of the group, the runs that the code server started among them."""
    deadline = time.monotonic() + SECONDS_TO_END
    while time.monotonic() < deadline:
        for process in services.running.values():
            process.poll()
        try:
            os.killpg(services.group, 0)
        except ProcessLookupError:
            return True
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return False


def _end_with_parent() -> None:
    """Ask Linux to end this child when its parent dies, so that a killed orchestrator leaves nothing running."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:])
