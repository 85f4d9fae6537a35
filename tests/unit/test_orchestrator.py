"""The orchestrator's settings, and what it refuses before anything is started."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration import orchestrator
from orchestration.errors import ArwError, BadUsage
from orchestration.settings import Home


def test_the_instance_talks_to_nobody_and_runs_one_pipeline_at_a_time() -> None:
    config = orchestrator.instance_config()
    assert config["telemetry"] == {"enabled": False} and config["nux"] == {"enabled": False}
    assert config["concurrency"] == {"runs": {"max_concurrent_runs": 1}, "pools": {"granularity": "run", "default_limit": 1}}
    assert config["run_monitoring"]["enabled"]
    assert config["run_retries"] == {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False}


def test_every_process_works_below_the_home(tmp_path: Path) -> None:
    environment = orchestrator.environment_of(Home(tmp_path), {"AR_HOME": "/elsewhere", "AR_TIME_ZONE": "UTC"})
    assert environment == {"AR_HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path / "dagster"), "DAGSTER_DISABLE_TELEMETRY": "1", "AR_TIME_ZONE": "UTC"}


def test_a_taken_port_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((orchestrator.ADDRESS, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ArwError, match=rf"Port {port} .* --port"):
            orchestrator.orchestrate(Home(tmp_path), port, lambda _: None)
    assert not orchestrator.manifest_file(Home(tmp_path)).exists()


def test_a_setting_that_cannot_be_meant_is_refused_before_anything_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AR_TIME_ZONE", "Berlin")
    with pytest.raises(BadUsage, match="AR_TIME_ZONE is 'Berlin'"):
        orchestrator.orchestrate(Home(tmp_path), 3000, lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_and_the_main_job_import_neither_dagster_nor_dbt_nor_streamlit() -> None:
    code = (
        "import sys\n"
        "import orchestration.cli, orchestration.pipeline, orchestration.orchestrator\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'dagster', 'dagster_dbt', 'dbt', 'streamlit', 'plotly', 'pandas'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
