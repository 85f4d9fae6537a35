"""One pipeline at a time, and a dead one holds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.lock import WarehouseBusy, pipeline_lock
from orchestration.settings import Home

HOLDER = """
import sys
from pathlib import Path
from orchestration.lock import pipeline_lock
from orchestration.settings import Home
with pipeline_lock(Home(Path(sys.argv[1])), "arw run"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Start another process that holds the home."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        pipe.close()


def test_a_second_pipeline_says_who_holds_the_warehouse(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(WarehouseBusy, match=rf"`arw run` \(process {holder.pid}.*Nothing was changed"), pipeline_lock(Home(tmp_path), "arw build"):
        pass


def test_a_killed_pipeline_holds_nothing(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    with pipeline_lock(Home(tmp_path), "arw build"):
        assert str(os.getpid()) in Home(tmp_path).lock.read_text(encoding="utf-8")


def test_waiting_gets_the_lock_when_the_other_ends(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    told = []

    def let_go(line: str) -> None:
        told.append(line)
        assert holder.stdin is not None
        holder.stdin.close()

    with pipeline_lock(Home(tmp_path), "arw build", wait=True, progress=let_go):
        assert holder.wait() == 0
    assert "arw run" in told[0]


def test_the_lock_is_free_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), pipeline_lock(Home(tmp_path), "arw run"):
        raise ZeroDivisionError
    with pipeline_lock(Home(tmp_path), "arw run"):
        pass
    assert Home(tmp_path).lock.read_text(encoding="utf-8") == ""
