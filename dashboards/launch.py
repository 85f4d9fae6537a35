"""Start the app's server: on this machine only unless told otherwise, without telemetry, the browser left alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from orchestration.errors import DONE, FAILED, ArwError, Terminated
from orchestration.settings import Home

APP = Path(__file__).with_name("app.py")
# What must hold wherever the app is started from; the rest is in .streamlit/config.toml beside app.py.
ALWAYS = {"browser.gatherUsageStats": "false", "client.showErrorDetails": "none", "server.headless": "true"}


def command(host: str, port: int) -> list[str]:
    """Return the command that serves the app."""
    options = ALWAYS | {"server.address": host, "server.port": str(port)}
    return [sys.executable, "-m", "streamlit", "run", str(APP), *(f"--{name}={value}" for name, value in options.items())]


def serve(home: Home, host: str, port: int, progress: Callable[[str], None]) -> int:
    """Serve until told to stop, and return how the server ended."""
    _refuse_taken(host, port)
    progress(f"dashboards on http://{host}:{port}, reading {home.published}; Ctrl-C ends them")
    server = subprocess.Popen(command(host, port), env=os.environ | {"AR_HOME": str(home.root)})
    try:
        return DONE if server.wait() == 0 else FAILED
    except (KeyboardInterrupt, Terminated):
        return DONE
    finally:
        # Whatever ended us, the server does not outlive us.
        server.terminate()
        server.wait()


def _refuse_taken(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ArwError(f"The dashboards cannot listen on {host}:{port} ({error.strerror}). Nothing was started. --port N takes another one.") from None
