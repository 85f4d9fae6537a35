"""The weekly report's files, written from what was frozen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orchestration.settings import Home


def write_missing(home: Home, progress: Callable[[str], None]) -> list[Path]:
    """Write the report files of every snapshot that lacks one."""
    return []
