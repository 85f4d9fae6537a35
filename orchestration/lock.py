"""One pipeline at a time in one home."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO

from orchestration.errors import ArwError
from orchestration.settings import Home


class WarehouseBusy(ArwError):
    """Another pipeline works in this home."""


@contextmanager
def pipeline_lock(home: Home, command: str, *, wait: bool = False, progress: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Hold the home for one pipeline; the kernel lets go of it when the process ends, however it ends."""
    home.root.mkdir(parents=True, exist_ok=True)
    # Opened for append: the holder's words must survive until the lock is ours.
    with home.lock.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(file)
            if not wait:
                raise WarehouseBusy(f"The warehouse in {home.root} is held by {holder}. Nothing was changed. Wait for it to end, or add --wait.") from None
            progress(f"waiting for {holder}")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        json.dump({"pid": os.getpid(), "command": command, "since": datetime.now(UTC).isoformat("T", "seconds")}, file)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _holder(file: IO[str]) -> str:
    """Describe who holds the lock; between taking it and writing its name the holder is unknown."""
    file.seek(0)
    try:
        held = json.loads(file.read())
        return f"`{held['command']}` (process {held['pid']}, since {held['since']})"
    except (ValueError, KeyError, TypeError):
        return "another arw process"
