"""One demo warehouse for all tests of the shell, built once; each test that changes something works on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from running import arw

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
