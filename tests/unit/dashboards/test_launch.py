"""How the app is served: here only, quietly, on a port that is free."""

from __future__ import annotations

import socket
import tomllib
from pathlib import Path

import pytest

from dashboards import launch
from orchestration import cli
from orchestration.errors import ArwError
from orchestration.settings import Home

CONFIG = tomllib.loads((launch.APP.parent / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


def test_the_app_listens_on_this_machine_only_unless_told_otherwise() -> None:
    options = cli.parser().parse_args(["dashboards"])
    assert (options.host, options.port) == ("127.0.0.1", 8501)
    command = launch.command(options.host, options.port)
    assert "--server.address=127.0.0.1" in command and "--server.port=8501" in command


def test_nothing_is_told_to_anyone() -> None:
    assert "--browser.gatherUsageStats=false" in launch.command("127.0.0.1", 1)
    assert "--client.showErrorDetails=none" in launch.command("127.0.0.1", 1)
    assert CONFIG["browser"]["gatherUsageStats"] is False
    # Streamlit's own exports know neither decimals nor formulas.
    assert CONFIG["client"]["disableDataExport"] is True


def test_both_themes_are_our_own_and_fetch_no_font() -> None:
    assert {"primaryColor", "backgroundColor", "textColor"} <= CONFIG["theme"]["light"].keys() & CONFIG["theme"]["dark"].keys()
    assert "http" not in (launch.APP.parent / "theme.css").read_text(encoding="utf-8")
    assert "font" not in CONFIG["theme"] and "fontFaces" not in CONFIG["theme"]


def test_a_taken_port_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ArwError, match=f"127.0.0.1:{port}.*--port"):
            launch.serve(Home(tmp_path), "127.0.0.1", port, print)
