"""`python -m benchmarks run SIZE…` measures; `compare FILE` holds the last measurement against a saved one, ratios only."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import drops, measure, report
from orchestration.database import LIMIT
from orchestration.demo.generator import SMALLEST, size_of
from orchestration.settings import Home, home_at, project_dir

# The line with which each stage of `arw run` begins; what comes before the first is landing.
STAGES = {
    "bringing the raw tables up": "raw tables",
    "building as of": "models",
    "auditing the build": "audit",
    "checks passed": "publish",
    "with the snapshots frozen since": "reports",
    "published ": "snapshots",
    "published already": "snapshots",
    "exporting": "export",
    "is there already": "export",
}
UNITS = {"k": 1_000, "M": 1_000_000}
# Beyond this size no drops are measured that come later.
MOST_OF_EVERYTHING = 5_000_000


def main() -> None:
    """Measure the sizes that were named, or compare two measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command")
    run = commands.add_parser("run")
    run.add_argument("sizes", nargs="+", help="numbers of documents: 100k, 1M, 250000")
    run.add_argument("--scratch", type=Path, required=True, help="where the demos and homes go: about 3 GB for each million documents")
    run.add_argument("--out", type=Path, required=True, help="the table: OUT.json and OUT.md; sizes that were measured before stay in it")
    run.add_argument("--keep", action="store_true", help="leave the demos and homes where they are")
    run.add_argument("--memory-limit", help="what DuckDB may use, such as 4GB (AR_MEMORY_LIMIT)")
    files = commands.add_parser("files", help="add what `python -m benchmarks.files` printed to the table")
    files.add_argument("printed", type=Path)
    files.add_argument("--out", type=Path, required=True)
    compare = commands.add_parser("compare")
    compare.add_argument("now", type=Path)
    compare.add_argument("baseline", type=Path)
    options = parser.parse_args()
    if options.command == "compare":
        print(report.comparison(_read(options.now), _read(options.baseline)))
        return
    measured = _read(options.out.with_suffix(".json")) if options.out.with_suffix(".json").exists() else {"machine": _machine(), "fixed": None, "sizes": {}}
    if options.command == "files":
        measured |= {"files": _read(options.printed), "machine_of_files": _machine()}
        _write(measured, options.out)
        return
    if options.memory_limit:
        os.environ[LIMIT] = options.memory_limit
    wanted = [_number(size) for size in options.sizes]
    for documents in wanted if measured["fixed"] else [SMALLEST, *wanted]:
        _say(f"measuring {documents:,} documents")
        found = measure_size(documents, options.scratch, keep=options.keep) | {"memory_limit": os.environ.get(LIMIT), "commit": _commit()}
        if documents == SMALLEST:
            measured["fixed"] = found
        else:
            measured["sizes"] = dict(sorted((measured["sizes"] | {str(documents): found}).items(), key=lambda entry: int(entry[0])))
        _write(measured, options.out)


def _write(measured: dict[str, Any], out: Path) -> None:
    out.with_suffix(".json").write_text(json.dumps(measured, indent=1, default=asdict) + "\n", encoding="utf-8")
    out.with_suffix(".md").write_text(report.table(_read(out.with_suffix(".json"))), encoding="utf-8")
    _say(f"wrote {out.with_suffix('.md')}")


def measure_size(documents: int, scratch: Path, *, keep: bool) -> dict[str, Any]:
    """Measure everything at one size, in a home of its own."""
    inbox, home = scratch / f"inbox-{documents}", home_at(scratch / f"home-{documents}")
    shutil.rmtree(home.root, ignore_errors=True)
    if not inbox.exists():
        measure.of([*_arw(home.root), "demo", "--size", str(documents), "--out", str(inbox)])
    found: dict[str, Any] = {"bytes_of_inbox": measure.bytes_below(inbox)}
    floor, said = measure.of(measure.python("floor", str(inbox)))
    found["floor"] = {**asdict(floor), "steps": json.loads(said)}
    landing, said = measure.of(measure.python("floor", "--landing", str(inbox)))
    found["floor_of_landing"] = {**asdict(landing), "rows": json.loads(said)["rows"]}
    _say("  the whole run")
    found["run"] = _run(home.root, inbox)
    found["bytes"] = {
        "lake": measure.bytes_below(home.lake),
        "warehouse.duckdb": measure.bytes_below(home.warehouse),
        "published version": max(measure.bytes_below(file) for file in home.published.glob("ar_*.duckdb")),
    }
    for name, command in {"nothing to do": ["run", str(inbox)], "status": ["status"], "sql": ["sql", "select 1"]}.items():
        _say(f"  {name}")
        found[name] = measure.of([*_arw(home.root), *command])[0]
    _say("  answers")
    found["questions"] = json.loads(measure.of(measure.python("questions", str(home.root)))[1])
    if documents <= MOST_OF_EVERYTHING:
        found |= _days_after(documents, home, scratch)
    if not keep:
        shutil.rmtree(inbox)
        shutil.rmtree(home.root)
    return found


def _days_after(documents: int, home: Home, scratch: Path) -> dict[str, Any]:
    """Measure two days with changes and a full drop without any."""
    found: dict[str, Any] = {}
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        (books_through,) = con.execute("select max(books_through) from meta.drops").fetchone() or (dt.date.min,)
    for day, share in enumerate((0.001, 0.01), start=1):
        _say(f"  a day with {share:.1%}")
        drop = scratch / f"drop-{documents}-{day}"
        shutil.rmtree(drop, ignore_errors=True)
        changed = drops.daily(home, drop, share, books_through + dt.timedelta(days=day))
        found[f"daily {share:.1%}"] = {**_run(home.root, drop), "documents": changed}
        shutil.rmtree(drop)
    _say("  a full drop without a change")
    drop = scratch / f"drop-{documents}-full"
    shutil.rmtree(drop, ignore_errors=True)
    drops.unchanged(home, drop, books_through + dt.timedelta(days=3))
    found["unchanged full drop"] = _run(home.root, drop)
    shutil.rmtree(drop)
    return found


def _run(home: Path, path: Path) -> dict[str, Any]:
    cost, said = measure.of([*_arw(home), "--json", "run", str(path)], STAGES)
    stages = {("landing" if stage == "start" else stage): asdict(spent) for stage, spent in cost.stages.items()}
    return {**asdict(cost), "stages": stages, "rows_loaded": json.loads(said)["loaded"]["rows_loaded"]}


def _arw(home: Path) -> list[str]:
    return [str(Path(sys.executable).with_name("arw")), "--home", str(home)]


def _machine() -> dict[str, Any]:
    names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "measured_on": dt.date.today().isoformat(),
    }


def _commit() -> str:
    """Return the commit that is measured; sizes may have been measured at different ones."""
    with suppress(OSError, subprocess.CalledProcessError):
        return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=project_dir(), check=True, capture_output=True, text=True).stdout.strip()
    return ""


def _number(size: str) -> int:
    return int(size[:-1]) * UNITS[size[-1]] if size[-1] in UNITS else size_of(size)


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
