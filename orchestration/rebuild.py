"""Proves that frozen weeks can be made again: builds exactly the drops that a week's record names, and compares the open items with the frozen ones.

Rule 4 of the contract: the same drops, policy and models give the same week, to the cent. With another policy or other models the difference is told, and
proves nothing against the week.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration import aside, lake, snapshots, warehouse
from orchestration.errors import BadUsage
from orchestration.meta import BuildInfo
from orchestration.settings import Home
from orchestration.snapshots import Snapshot

EXAMPLES = 3


@dataclass(frozen=True)
class Rebuilt:
    """What became of a frozen week that was made again; ``is_broken``: it should be the same, and is not or cannot be made."""

    record: str
    is_reproduced: bool
    is_broken: bool
    differs: tuple[str, ...] = ()


def rebuild(home: Home, week: date | None, progress: Callable[[str], None]) -> list[Rebuilt]:
    """Make frozen weeks again, the one that is named or all; weeks of the same drops share a build."""
    chain = [one for one in snapshots.read(home) if week in (None, one.snapshot_date)]
    if week and not chain:
        raise BadUsage(f"The week to {week} is not frozen in {home.snapshots}. Nothing was built. `arw snapshot verify` says what is.")
    landed = {drop.drop_id for drop in lake.drops(home.root)}
    found: list[Rebuilt] = []
    alike: dict[tuple[str, ...], list[Snapshot]] = {}
    for one in chain:
        if lost := sorted(set(one.drops) - landed):
            found.append(Rebuilt(one.name, False, True, (f"{len(lost)} of its {len(one.drops)} drops are not in the lake: {', '.join(lost[:EXAMPLES])}",)))
        else:
            alike.setdefault(tuple(sorted(one.drops)), []).append(one)
    for drops, weeks in alike.items():
        progress(f"building the {len(drops)} drops of {', '.join(str(one.snapshot_date) for one in weeks)}")
        with aside.holding(home, drops) as beside:
            info = warehouse.build(beside, max(one.as_of for one in weeks), progress=progress)
            with duckdb.connect(str(beside.build_file), read_only=True) as con:
                found += [_compare(con, home, beside, one, info) for one in weeks]
    return sorted(found, key=lambda one: one.record)


def _compare(con: duckdb.DuckDBPyConnection, home: Home, beside: Home, snapshot: Snapshot, info: BuildInfo) -> Rebuilt:
    """Compare the frozen items of a week with those of a build of its drops."""
    made = beside.root / f"{snapshot.name}.parquet"
    snapshots.write_items(con, made, snapshot.snapshot_date, snapshot.version)
    if snapshots.content_hash(con, made) == (snapshot.content_sha256, snapshot.row_count):
        return Rebuilt(snapshot.name, True, False)
    differs = _differences(con, snapshots.items_file(home, snapshot), made)
    others = [
        name for name, then, now in (("policy", snapshot.policy_hash, info.policy_hash), ("models", snapshot.models_hash, info.models_hash)) if then != now
    ]
    why = (f"frozen with another {' and other '.join(others)} than today's",) if others else ()
    is_reproduced = not any(rows for _, rows in differs)
    return Rebuilt(snapshot.name, is_reproduced, not is_reproduced and not others, (*why, *(text for text, _ in differs)))


def _differences(con: duckdb.DuckDBPyConnection, frozen: Path, made: Path) -> list[tuple[str, int]]:
    """Return what differs, in words, each with the number of items (0: only the set of columns differs)."""
    kinds: Sequence[dict[str, str]] = [
        {row[0]: row[1] for row in con.execute("describe select * from read_parquet($file)", {"file": str(file)}).fetchall()} for file in (frozen, made)
    ]
    found = [(f"column {name} is {'gone' if name in kinds[0] else 'new'}", 0) for name in sorted(set(kinds[0]) ^ set(kinds[1]))]
    files = {"frozen": str(frozen), "made": str(made)}
    both = "read_parquet($frozen) as frozen full join read_parquet($made) as made on made.item_id = frozen.item_id"
    checks = [("open only in the frozen week", "made.item_id is null"), ("open only in what was made again", "frozen.item_id is null")]
    checks += [(f"{name} differs", f"frozen.item_id = made.item_id and frozen.{name} is distinct from made.{name}") for name in kinds[0] if name in kinds[1]]
    for words, condition in checks:
        rows, examples = con.execute(
            f"select count(*), array_to_string(list_sort(list(coalesce(frozen.item_id, made.item_id)))[:{EXAMPLES}], ', ') from {both} where {condition}", files
        ).fetchone() or (0, "")
        if rows:
            found.append((f"{words}: {rows} items, {examples}", rows))
    return found
