"""What a command cost: CPU of its whole process tree, wall, the largest process, and for `arw run` each stage of it."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU (user and system, all processes), seconds of wall, and the resident memory of the largest process in MB."""

    cpu: float
    wall: float
    memory_mb: int = 0
    stages: Mapping[str, Cost] = field(default_factory=dict)


def of(command: Sequence[str], marks: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None) -> tuple[Cost, str]:
    """Run a command to its end; return what it cost and its output.

    ``marks``: text of a progress line to the stage that begins with it. Before the first mark the stage is `start`.
    """
    started = time.monotonic()
    # The output goes to a file: a pipe that nobody reads would stop the command.
    with Path(os.devnull).open() as nothing, tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, stdin=nothing, stdout=output, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}, start_new_session=True
        )
        assert process.stderr is not None
        words: list[str] = []
        turns: list[tuple[str, float, float]] = [("start", 0.0, started)]
        for line in process.stderr:
            words.append(line)
            stage = next((stage for mark, stage in (marks or {}).items() if mark in line), None)
            if stage and stage != turns[-1][0]:
                turns.append((stage, _spent(process.pid), time.monotonic()))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        ended = time.monotonic()
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{''.join(words[-20:])}")
        output.seek(0)
        said = output.read()
    cpu = usage.ru_utime + usage.ru_stime
    turns.append(("", cpu, ended))
    stages: dict[str, Cost] = {}
    for (stage, cpu_then, wall_then), (_, cpu_next, wall_next) in itertools.pairwise(turns):
        before = stages.get(stage, Cost(0, 0))
        stages[stage] = Cost(before.cpu + cpu_next - cpu_then, before.wall + wall_next - wall_then)
    return Cost(cpu, ended - started, usage.ru_maxrss // 1024, stages if marks else {}), said


def _spent(pid: int) -> float:
    """Return the CPU of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(fields[place]) for place in (11, 12, 13, 14)) / TICKS


def python(module: str, *arguments: str) -> list[str]:
    """Return the command of one of the benchmark's own processes."""
    return [sys.executable, "-m", f"benchmarks.{module}", *arguments]


def bytes_below(folder: Path) -> int:
    """Return the size on disk of a file or of everything in a folder."""
    files = [folder] if folder.is_file() else [path for path in folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files)
