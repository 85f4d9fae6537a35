"""The app as its readers have it: served by `arw dashboards`, looked at with Debian's Chromium."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from running import arw
from versions import hostile_names, renaming, republish

from orchestration.settings import Home, project_dir

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SCREENSHOTS = project_dir() / "screenshots"
START_SECONDS = 120


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: `make browser-deps` installs Debian's")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def home(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a home with a small published demo in which some customers have hostile names."""
    folder = tmp_path_factory.mktemp("browser")
    arw(folder / "home", "demo", "--size", "1200", "--seed", "7", "--out", folder / "inbox")
    arw(folder / "home", "run", folder / "inbox")
    published = Home(folder / "home")
    republish(published, "99991230T000000Z_hostile", renaming(hostile_names(published)))
    return published


@pytest.fixture(scope="session")
def app(home: Home) -> Iterator[str]:
    """Serve the dashboards as a user would, and return their address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "arw"), "--home", str(home.root), "dashboards", "--port", str(port)]
    server = subprocess.Popen(command, cwd=home.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/_stcore/health", server)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    # Each try ends by itself: the connection is refused at once, or answered.
    for _ in range(START_SECONDS * 4):
        assert server.poll() is None, "the server ended before it answered"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            with pytest.raises(subprocess.TimeoutExpired):
                server.wait(timeout=0.25)
    raise AssertionError(f"{address} did not answer within {START_SECONDS} s")
