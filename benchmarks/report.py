"""The table of a measurement, in Markdown, and what changed between two of them: ratios only, for two machines are never alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

BUILD = ("raw tables", "models")
STAGES = ("landing", "raw tables", "models", "audit", "publish", "snapshots", "reports", "export")
DROPS = ("daily 0.1%", "daily 1.0%", "unchanged full drop")
NOTABLY = 1.15
LEFT_OUT = """\
The floor reads the ledger's files with declared types and sums them. It leaves out: rejecting what is wrong with file, line and reason; every earlier version
of a row and the knowledge time; reversed applications, installments, stand-alone adjustments, book rates and exchange differences; holding applications that do
not fit; CRM, collections, risk and reconciliation; data tests, audit, content hashes; snapshots and reports; writing anything down.
"""


def table(measured: dict[str, Any]) -> str:
    """Return the page: machine, costs, ratios to the floor, growth, days after, answers."""
    fixed, sizes = measured["fixed"], measured["sizes"]
    parts = [
        "# Performance",
        "Written by `make bench`; do not edit. CPU = user and system seconds of all processes; wall depends on what else the machine does. "
        "Memory = the largest process. *Growing* = CPU less that of a demo of 100 documents, whose cost is start-up. "
        "÷ floor = growing CPU ÷ the floor's CPU in the same run. The machine was shared with other "
        "work: ratios are of CPU, and wall is at most what it says. The first load freezes all the weeks that its drops complete and reports on each.",
        f"Measured with {_said(measured['machine'])}.",
    ]
    parts += ["## Goals", _goals(sizes, fixed), "## Growth", _growth(sizes, fixed)]
    for size, found in sizes.items():
        parts += [f"## {int(size):,} documents", _costs(found, fixed)]
        parts += [_days(found, fixed) if DROPS[0] in found else "Of this size no later drops are measured.", _answers(found)]
    if measured.get("files"):
        parts += ["## Files as they come", _files(measured["files"], measured["machine_of_files"])]
    parts += ["## What the floor leaves out", LEFT_OUT.strip(), "## Start-up", _startup(fixed)]
    return "\n\n".join(part for part in parts if part) + "\n"


def comparison(now: dict[str, Any], baseline: dict[str, Any]) -> str:
    """Return how each ratio changed against the baseline; what grew notably is marked."""
    old, new = ratios(baseline), ratios(now)
    rows = []
    for name in sorted(old.keys() & new.keys()):
        change = new[name] / old[name] if old[name] else 1.0
        rows.append([name, f"{old[name]:.2f}", f"{new[name]:.2f}", f"{change:.2f}", "worse" if change > NOTABLY else "better" if change < 1 / NOTABLY else ""])
    return _markdown(["ratio", "baseline", "now", "now ÷ baseline", ""], rows)


def ratios(measured: dict[str, Any]) -> dict[str, float]:
    """Return every figure of a measurement that does not depend on the machine."""
    found: dict[str, float] = {}
    for size, one in measured["sizes"].items():
        floor, fixed = one["floor"]["cpu"], measured["fixed"]
        found[f"{size}: landing ÷ bare landing"] = _growing(one, fixed, "run", ["landing"]) / one["floor_of_landing"]["cpu"]
        for stage in STAGES:
            found[f"{size}: {stage} ÷ floor"] = _growing(one, fixed, "run", [stage]) / floor
        found[f"{size}: run ÷ floor"] = _growing(one, fixed, "run") / floor
        for drop in DROPS if DROPS[0] in one else ():
            found[f"{size}: {drop} ÷ run"] = _growing(one, fixed, drop) / _growing(one, fixed, "run")
    return found


def _growing(found: dict[str, Any], fixed: dict[str, Any], what: str, stages: Iterable[str] | None = None) -> float:
    """Return the CPU of a run, or of some stages of it, beyond what the smallest demo costs."""
    if stages is None:
        return float(found[what]["cpu"] - fixed[what]["cpu"])
    return float(sum(found[what]["stages"].get(stage, {"cpu": 0})["cpu"] - fixed[what]["stages"].get(stage, {"cpu": 0})["cpu"] for stage in stages))


def _goals(sizes: dict[str, Any], fixed: dict[str, Any]) -> str:
    """Return what the project wants to reach, as ratios within one run, and what each size reached."""
    run = {size: _growing(found, fixed, "run") for size, found in sizes.items()}
    rows = []

    def tell(goal: str, most: float, figures: Mapping[str, float | None], shown: str) -> None:
        said = ["" if (value := figures.get(size)) is None else f"{format(value, shown)} {'reached' if value <= most else 'missed'}" for size in sizes]
        rows.append([goal, *said])

    def of(size: str, what: str) -> float | None:
        return _growing(sizes[size], fixed, what) / run[size] if what in sizes[size] else None

    def answers(size: str, kind: str, names: str) -> float | None:
        times = [time for name, each in sizes[size].get("questions", {}).get(kind, {}).items() if names in name for time in each]
        return median(times) / 1000 if times else None

    tell("growing part of `arw run` at most 3 times the floor", 3, {size: run[size] / found["floor"]["cpu"] for size, found in sizes.items()}, ".1f")
    bare = {size: _growing(found, fixed, "run", ["landing"]) / found["floor_of_landing"]["cpu"] for size, found in sizes.items()}
    tell("landing: at most twice a bare typed read and Parquet write", 2, bare, ".1f")
    for drop, most in (("daily 1.0%", 0.08), ("daily 0.1%", 0.03), ("unchanged full drop", 0.4)):
        tell(f"{drop} ≤ {most:.0%} of the full run", most, {size: of(size, drop) for size in sizes}, ".0%")
    twice = {size: run[size] / run[str(int(size) // 2)] for size in sizes if str(int(size) // 2) in run}
    tell("at most 2.1 times the time of half the size", 2.1, twice, ".2f")
    tell("any as-of ≤ 1 s, median", 1, {size: answers(size, "as_of", "as_of") for size in sizes}, ".2f")
    tell("publish ≤ 1 s of wall beyond the checks", 1, {size: found["run"]["stages"]["publish"]["wall"] for size, found in sizes.items()}, ".1f")
    tell("dashboards' queries ≤ 0.1 s, median", 0.1, {size: answers(size, "dashboards", "") for size in sizes}, ".3f")
    tell("nothing to do ≤ 10 s of CPU", 10, {size: found["nothing to do"]["cpu"] for size, found in sizes.items()}, ".1f")
    tell("`arw status` ≤ 1 s", 1, {size: found["status"]["wall"] for size, found in sizes.items()}, ".2f")
    tell("`arw sql` ≤ 1 s", 1, {size: found["sql"]["wall"] for size, found in sizes.items()}, ".2f")
    return _markdown(["goal", *(f"{int(size):,}" for size in sizes)], rows)


def _said(machine: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items())


def _files(cases: Sequence[Mapping[str, Any]], machine: Mapping[str, Any]) -> str:
    rows = [
        [
            *(case["name"], f"{case['bytes'] / 1e6:,.0f}", f"{case['rows']:,}", f"{case['rejected']:,}", _seconds(case["cpu"]), _seconds(case["wall"])),
            *(f"{case['bytes'] / 1e6 / case['wall']:.1f}", f"{case['memory_mb']:,}"),
        ]
        for case in cases
    ]
    told = f"Landed, and the raw tables brought up to it. Measured with {_said(machine)}."
    return f"{told}\n\n" + _markdown(["case", "MB", "rows", "rejected", "CPU s", "wall s", "MB/s", "memory MB"], rows)


def _costs(found: dict[str, Any], fixed: dict[str, Any]) -> str:
    run, floor, bare = found["run"], found["floor"], found["floor_of_landing"]
    rows = []
    for name, stages in (
        ("landing", ["landing"]),
        ("full build", list(BUILD)),
        *((f"&nbsp;&nbsp;{stage}", [stage]) for stage in BUILD),
        *((stage, [stage]) for stage in STAGES if stage not in (*BUILD, "landing")),
    ):
        costs = [run["stages"][stage] for stage in stages if stage in run["stages"]]
        growing = _growing(found, fixed, "run", stages)
        rows.append(
            [name, _seconds(sum(c["cpu"] for c in costs)), _seconds(growing), _seconds(sum(c["wall"] for c in costs)), "", f"{growing / floor['cpu']:.1f}"]
        )
    growing = _growing(found, fixed, "run")
    rows.append(["**`arw run`**", _seconds(run["cpu"]), _seconds(growing), _seconds(run["wall"]), str(run["memory_mb"]), f"**{growing / floor['cpu']:.1f}**"])
    rows.append(["the floor", _seconds(floor["cpu"]), "", _seconds(floor["wall"]), str(floor["memory_mb"]), "1.0"])
    rows.append(["bare typed read and Parquet", _seconds(bare["cpu"]), "", _seconds(bare["wall"]), str(bare["memory_mb"]), f"{bare['cpu'] / floor['cpu']:.1f}"])
    landing = run["stages"]["landing"]
    speed = bare["cpu"] / max(_growing(found, fixed, "run", ["landing"]), 0.01)
    sizes = ", ".join(f"{name} {size / 1e6:,.0f} MB" for name, size in {"inbox": found["bytes_of_inbox"], **found["bytes"]}.items())
    return (
        _markdown(["", "CPU s", "growing", "wall s", "memory MB", "÷ floor"], rows)
        + f"\n\nLanding: {run['rows_loaded'] / landing['wall']:,.0f} rows/s, {found['bytes_of_inbox'] / 1e6 / landing['wall']:.1f} MB/s of wall; "
        + f"{speed:.0%} of the bare read's speed. On disk: {sizes}."
    )


def _days(found: dict[str, Any], fixed: dict[str, Any]) -> str:
    whole = _growing(found, fixed, "run")
    rows = []
    for drop in DROPS:
        growing = _growing(found, fixed, drop)
        rows.append([drop, str(found[drop].get("documents", "")), _seconds(found[drop]["cpu"]), _seconds(growing), f"{growing / whole:.0%}"])
    return _markdown(["a later drop", "documents", "CPU s", "growing", "of the full run's growing part"], rows)


def _answers(found: dict[str, Any]) -> str:
    rows = [[name, f"{median(times):,.0f}", f"{max(times):,.0f}"] for name, times in found["questions"]["as_of"].items()]
    dashboards = {name: median(times) for name, times in found["questions"]["dashboards"].items()}
    slowest = sorted(dashboards, key=lambda name: -dashboards[name])
    rows.append([f"dashboards: median of {len(dashboards)} queries", f"{median(dashboards.values()):,.0f}", f"{max(dashboards.values()):,.0f}"])
    rows += [[f"dashboards: {name}", f"{dashboards[name]:,.0f}", f"{max(found['questions']['dashboards'][name]):,.0f}"] for name in slowest[:5]]
    return _markdown(["answer", "median ms", "longest ms"], rows)


def _growth(sizes: dict[str, Any], fixed: dict[str, Any]) -> str:
    rows, before = [], None
    for size, found in sizes.items():
        growing = _growing(found, fixed, "run")
        limit = found.get("memory_limit") or "80 % of the machine's"
        rows.append(
            [
                *(f"{int(size):,}", _seconds(growing), f"{growing / int(size) * 1e6:.0f}", _seconds(found["floor"]["cpu"])),
                *(f"{growing / before:.1f}" if before else "", _seconds(found["run"]["wall"]), f"{found['run']['memory_mb']:,}", limit),
                found.get("commit", ""),
            ]
        )
        before = growing
    return _markdown(
        ["documents", "growing CPU s", "µs a document", "floor CPU s", "÷ the size before", "wall s", "memory MB", "limit of DuckDB", "commit"], rows
    )


def _startup(fixed: dict[str, Any]) -> str:
    rows = [[name, _seconds(fixed[name]["cpu"]), _seconds(fixed[name]["wall"])] for name in ("run", "nothing to do", "status", "sql")]
    rows += [[f"run: {stage}", _seconds(cost["cpu"]), _seconds(cost["wall"])] for stage, cost in fixed["run"]["stages"].items()]
    return "A demo of 100 documents.\n\n" + _markdown(["", "CPU s", "wall s"], rows)


def _seconds(value: float) -> str:
    return f"{value:.1f}"


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] + ["--:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
