"""Start the app's server: on this machine only unless told otherwise, without telemetry, the browser left alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from orchestration.settings import Home

APP = Path(__file__).with_name("app.py")
# What must hold wherever the app is started from; the rest is in .streamlit/config.toml beside app.py.
ALWAYS = {"browser.gatherUsageStats": "false", "client.showErrorDetails": "none", "server.headless": "true"}


def command(host: str, port: int) -> list[str]:
    """Return the command that serves the app."""
    options = ALWAYS | {"server.address": host, "server.port": str(port)}
    return [sys.executable, "-m", "streamlit", "run", str(APP), *(f"--{name}={value}" for name, value in options.items())]


def serve(home: Home, host: str, port: int, progress: Callable[[str], None]) -> None:
    """Become the server; it ends with Ctrl-C or SIGTERM."""
    progress(f"dashboards on http://{host}:{port} (Ctrl-C ends them), reading {home.published}")
    os.environ["AR_HOME"] = str(home.root)
    os.execv(sys.executable, command(host, port))
