"""Runs `arw` as a user would, in a process of its own, and opens what it published."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent


def arw(home: Path, *arguments: str | Path, expect: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    """Run one `arw` command on a home; fail with what it said unless it ended as expected."""
    command = [str(Path(sys.executable).parent / "arw"), "--home", str(home), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode in expect, f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def publish(home: Path, inbox: Path, *, override: str | None = None) -> duckdb.DuckDBPyConnection:
    """Load, build and publish an inbox, and open the published file; ``override`` names a check that may refuse at first."""
    arw(home, "load", inbox)
    arw(home, "build")
    done = arw(home, "publish", expect=(0,) if override is None else (0, 3))
    if done.returncode == 3 and override is not None:
        arw(home, "publish", "--override", override, "--by", "the tests", "--because", "these rows are held on purpose")
    return published(home)


def published(home: Path) -> duckdb.DuckDBPyConnection:
    """Open the version that readers see, read-only."""
    pointer = json.loads((home / "published" / "current.json").read_text(encoding="utf-8"))
    return duckdb.connect(str(home / "published" / pointer["file"]), read_only=True)
