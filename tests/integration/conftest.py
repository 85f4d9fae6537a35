"""What is dear to set up, made once: a demo warehouse for the tests of the shell, and a half-year of weekly drops for those of the two times.

Each test that changes something works on a copy.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from half_year import LATE, MISSING, WEEKS, HalfYear, friday, write_week
from replay import Project, compile_project
from running import ROOT, arw

from orchestration import snapshots
from orchestration.files import sha256_of
from orchestration.settings import Home

DEMO = ("--size", "2000", "--seed", "7")


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    """Return the home of a demo that was run once, and what the run printed. Not to be changed."""
    folder = tmp_path_factory.mktemp("shell")
    arw(folder / "home", "demo", *DEMO, "--out", folder / "inbox")
    done = arw(folder / "home", "run", folder / "inbox")
    return Home(folder / "home"), done.stdout


@pytest.fixture(scope="session")
def inbox(first_run: tuple[Home, str]) -> Path:
    """Return the demo inbox."""
    return first_run[0].root.with_name("inbox")


@pytest.fixture(scope="module")
def demo_home(first_run: tuple[Home, str], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a copy of the demo's home that the module may change."""
    copy = tmp_path_factory.mktemp("copy") / "home"
    shutil.copytree(first_run[0].root, copy)
    return Home(copy)


@pytest.fixture(scope="session")
def half_year(tmp_path_factory: pytest.TempPathFactory) -> HalfYear:
    """Run the half year in two prefixes of the inbox; the first freezing is killed, and finds a file without a record when it runs again."""
    folder = tmp_path_factory.mktemp("half_year")
    home, inbox = Home(folder / "home"), folder / "inbox"
    for week in range(1, 9):
        if week != LATE:
            write_week(inbox, week)
    for step in (("load", inbox), ("build",), ("publish",)):
        arw(home.root, *step)
    first = home.published / json.loads(home.pointer.read_text())["file"]
    first_version = first, sha256_of(first)
    kill_freezing(home)
    records = len(snapshots.read(home))
    orphan = home.snapshots / f"aging_{friday(records + 1)}.parquet"
    orphan.unlink(missing_ok=True)
    orphan.write_bytes(b"half a file")
    arw(home.root, "snapshot")
    counts = [len(snapshots.read(home))]
    first_eight = {path.name: sha256_of(path) for path in home.snapshots.iterdir()}
    for week in (LATE, *range(9, WEEKS + 1)):
        if week != MISSING:
            write_week(inbox, week)
    arw(home.root, "run", inbox)
    counts.append(len(snapshots.read(home)))
    return HalfYear(home, counts, first_eight, first_version)


def kill_freezing(home: Home) -> None:
    """Kill `arw snapshot` when it has frozen a week and is at the next."""
    command = [str(Path(sys.executable).parent / "arw"), "--home", str(home.root), "snapshot"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(f"froze the week to {friday(1)}")
        process.kill()


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return the compiled project. Tests that use it belong to the group `replay`, so that dbt compiles once."""
    return compile_project(tmp_path_factory.mktemp("project") / "target")
