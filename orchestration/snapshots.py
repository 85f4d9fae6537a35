"""The weekly snapshots: the aging of each finished week, frozen item by item, append-only, each chained to the one before.

    snapshots/aging_<week end>.parquet        the open items, as marts.fct_open_items shows them
    snapshots/aging_<week end>.context.json   what the report says beside them: names, policy, comparisons, movements
    snapshots/aging_<week end>.json           the record; written last, it makes the snapshot exist

A record holds the hash of the record before it, the hashes of its two files, and a hash of the items' content that does not depend on how Parquet was written.
The published file holds the hashes of all records, so that a record that was taken away from the end of the chain is missed too.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration import open_items, published
from orchestration.errors import ArwError, PublishRefused
from orchestration.files import sha256_of, sync, write_json
from orchestration.reports import context
from orchestration.settings import Home

Progress = Callable[[str], None]

PREFIX = "aging_"
RULE = "a frozen snapshot never changes; restore the named files from a backup (earlier rows also stand in marts.fct_aging_snapshots of the published file)"


class SnapshotRefused(ArwError):
    """A week could not be frozen, because what is published does not agree with itself or with the chain."""


@dataclass(frozen=True)
class Total:
    """What one company was owed in one currency; amounts as exact text."""

    company_id: str
    currency: str
    base_currency: str
    item_count: int
    open_amount: str
    open_amount_base: str


@dataclass(frozen=True)
class Snapshot:
    """One frozen week, as its record says; ``record_sha256`` is the hash of all else in the record."""

    sequence: int
    snapshot_date: date
    previous_sha256: str | None
    items_sha256: str
    content_sha256: str
    context_sha256: str
    row_count: int
    totals: tuple[Total, ...]
    drops: tuple[str, ...]
    drops_hash: str
    policy_hash: str
    models_hash: str
    engine: str
    version: str
    as_of: date
    known_at: str
    taken_at: str
    record_sha256: str = ""

    @property
    def name(self) -> str:
        """The stem of the snapshot's files."""
        return f"{PREFIX}{self.snapshot_date.isoformat()}"

    def sealed(self) -> Snapshot:
        """Return the record with its own hash."""
        content = _as_json(self)
        del content["record_sha256"]
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return Snapshot(**{**_values(self), "record_sha256": hashlib.sha256(text.encode()).hexdigest()})


@dataclass(frozen=True)
class Fault:
    """Something about a frozen snapshot that is not as its record says."""

    record: str
    reason: str


def items_file(home: Home, snapshot: Snapshot) -> Path:
    """Return the Parquet file of the snapshot's open items."""
    return home.snapshots / f"{snapshot.name}.parquet"


def context_file(home: Home, snapshot: Snapshot) -> Path:
    """Return the file of what the report says beside the open items."""
    return home.snapshots / f"{snapshot.name}.context.json"


def week_end_on_or_before(day: date, week_end_day: int) -> date:
    """Return the last week end up to ``day``; weekdays as in ISO, 5 = Friday."""
    return day - timedelta(days=(day.isoweekday() - week_end_day) % 7)


def due_week_ends(first_books_through: date, through: date, week_end_day: int, frozen: Iterable[date]) -> list[date]:
    """Return the week ends that are complete and not frozen, oldest first.

    A week in which a snapshot lies is frozen, also if the policy has another day for week ends by now.
    """
    taken = set(frozen)
    week_end = week_end_on_or_before(first_books_through, week_end_day)
    due = []
    while week_end <= through:
        if not any(week_end - timedelta(days=day) in taken for day in range(7)):
            due.append(week_end)
        week_end += timedelta(days=7)
    return due


def read(home: Home) -> list[Snapshot]:
    """Return the records in the order in which they were taken."""
    return sorted((_read_record(path) for path in _record_files(home)), key=lambda snapshot: (snapshot.sequence, snapshot.snapshot_date))


def count(home: Home) -> int:
    """Return the number of records, readable or not."""
    return len(_record_files(home))


def verify(home: Home) -> list[Fault]:
    """Recompute the chain and every hash, and compare with what is published; return what is broken."""
    try:
        snapshots = read(home)
    except SnapshotRefused as unreadable:
        return [Fault(home.snapshots.name, str(unreadable))]
    found = _chain_faults(snapshots) + _file_faults(home, snapshots)
    broken = {fault.record for fault in found}
    with duckdb.connect() as con:
        for snapshot in snapshots:
            if snapshot.name not in broken:
                found += _content_faults(con, items_file(home, snapshot), snapshot)
    return found + _publication_faults(home, snapshots)


def require_unchanged(home: Home, snapshot: Snapshot) -> None:
    """Refuse to read a snapshot whose files are not as its record says."""
    for fault in _file_faults(home, [snapshot]):
        raise SnapshotRefused(f"{fault.record}: {fault.reason}. Nothing was written. Restore it from a backup; `arw snapshot verify` lists all that is broken.")


def freeze(home: Home, as_of: date | None, progress: Progress) -> list[Snapshot]:
    """Freeze every week that is complete in the version in force and not frozen yet, oldest first, up to ``as_of``."""
    frozen = _sound(home)
    version = published.find(home)
    if version.warning:
        raise SnapshotRefused(f"{version.warning} Nothing was frozen: a snapshot is taken of the version in force only.")
    with open_items.books(version.file, home.build_file.parent / "spill") as con:
        build = _record(con, "select * from meta.build_info")
        if build["is_as_known_then"]:
            raise SnapshotRefused(
                f"{version.file.name} shows the books as known at {build['known_at']}. Nothing was frozen: a snapshot holds all that is known."
            )
        drops = con.execute("select drop_id, books_through from meta.drops order by extracted_at, drop_id").fetchall()
        books_through = [row[1] for row in drops]
        through = min(max(books_through), build["as_of"], as_of or date.max)
        due = due_week_ends(min(books_through), through, int(json.loads(build["variables"])["week_end_day"]), (snapshot.snapshot_date for snapshot in frozen))
        if due:
            open_items.reduce(con, [day for week_end in due for day in (week_end, *context.days(week_end))])
        else:
            progress(f"no week is due: {len(frozen)} are frozen{f', the last {frozen[-1].snapshot_date}' if frozen else ''}")
        _tidy(home, frozen)
        taken: list[Snapshot] = []
        for week_end in due:
            snapshot = _freeze_week(con, home, week_end, version, build, [row[0] for row in drops], [*frozen, *taken])
            taken.append(snapshot)
            progress(f"froze the week to {week_end}: {snapshot.row_count} open items")
    return taken


def write_table(con: duckdb.DuckDBPyConnection, home: Home) -> int:
    """Bring marts.fct_aging_snapshots and meta.snapshots of a file that is about to be published up to the frozen weeks; return the rows of the former.

    Damaged snapshots are never published as frozen ones: that is rule 4 of the contract, and it refuses. Books as known at a past moment hold the
    weeks that were frozen of drops known by then; those as of an earlier day show no week after it. What the file has of them already stays.
    """
    snapshots = of_build(con, _sound(home))
    [[as_of]] = con.execute("select as_of from meta.build_info").fetchall()
    columns = [
        (row[0], row[1]) for row in con.execute("describe select cast(null as date) as snapshot_date, '' as version, * from marts.fct_open_items").fetchall()
    ]
    shown = {one.snapshot_date: one.record_sha256 for one in snapshots if one.snapshot_date <= as_of}
    there = _weeks_held(con, columns)
    if there is None:
        con.execute(f"create or replace table marts.fct_aging_snapshots ({', '.join(f'{name} {kind}' for name, kind in columns)})")
        there = {}
    for week in sorted(day for day, record in there.items() if shown.get(day) != record):
        con.execute("delete from marts.fct_aging_snapshots where snapshot_date = ?", [week])
        del there[week]
    files = [str(items_file(home, one)) for one in snapshots if one.snapshot_date in shown and one.snapshot_date not in there]
    if files:
        # A column that the models have got since is empty in older snapshots; one that they lost stays in the Parquet file. All at once: whole row groups
        # go straight into the file, smaller pieces first into its log.
        frozen = {row[0] for row in con.execute("describe select * from read_parquet($files, union_by_name = true)", {"files": files}).fetchall()}
        shared = ", ".join(name for name, _ in columns if name in frozen)
        con.execute(f"insert into marts.fct_aging_snapshots by name select {shared} from read_parquet($files, union_by_name = true)", {"files": files})
    con.execute(
        """
        create or replace table meta.snapshots (
            sequence integer, snapshot_date date, version varchar, as_of date, known_at varchar, taken_at varchar, row_count bigint, drops integer,
            policy_hash varchar, models_hash varchar, content_sha256 varchar, record_sha256 varchar
        )
        """
    )
    for one in snapshots:
        con.execute(
            "insert into meta.snapshots values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                *(one.sequence, one.snapshot_date, one.version, one.as_of, one.known_at, one.taken_at, one.row_count, len(one.drops)),
                *(one.policy_hash, one.models_hash, one.content_sha256, one.record_sha256),
            ],
        )
    (rows,) = con.execute("select count(*) from marts.fct_aging_snapshots").fetchone() or (0,)
    return int(rows)


def _weeks_held(con: duckdb.DuckDBPyConnection, columns: Sequence[tuple[str, str]]) -> dict[date, str] | None:
    """Return the weeks that marts.fct_aging_snapshots of the open file holds, with their records; None where it is not there, or has other columns."""
    try:
        described = [(row[0], row[1]) for row in con.execute("describe select * from marts.fct_aging_snapshots").fetchall()]
        counts = dict(con.execute("select snapshot_date, count(*) from marts.fct_aging_snapshots group by 1").fetchall())
        recorded = con.execute("select snapshot_date, record_sha256, row_count from meta.snapshots").fetchall()
    except duckdb.CatalogException:
        return None
    if described != list(columns):
        return None
    return {day: record if rows == counts[day] else "" for day, record, rows in recorded if day in counts}


def of_build(con: duckdb.DuckDBPyConnection, snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Return the snapshots that belong into the build that is open: all, unless it shows the books as known at a past moment."""
    (is_as_known_then,) = con.execute("select is_as_known_then from meta.build_info").fetchone() or (False,)
    known = {row[0] for row in con.execute("select drop_id from meta.drops").fetchall()} if is_as_known_then else set()
    return [one for one in snapshots if not is_as_known_then or known.issuperset(one.drops)]


def are_published(home: Home, file: Path) -> bool:
    """Tell whether the published file holds every snapshot that was frozen."""
    there = _published_records(file)
    return there is not None and there == [(one.sequence, one.snapshot_date, one.record_sha256) for one in read(home)]


def _sound(home: Home) -> list[Snapshot]:
    """Return the records when every file is as they say; refuse otherwise."""
    snapshots = read(home)
    found = _chain_faults(snapshots) + _file_faults(home, snapshots) + _publication_faults(home, snapshots)
    if found:
        examples = [f"{fault.record}: {fault.reason}" for fault in found]
        raise PublishRefused(
            f"{len(found)} faults in the frozen snapshots of {home.snapshots}",
            [
                {
                    "check": "frozen_snapshots_are_unchanged",
                    "rule": "4",
                    "means": RULE,
                    "rows": len(found),
                    "examples": examples,
                    "next": "`arw snapshot verify` lists them.",
                }
            ],
        )
    return snapshots


def _chain_faults(snapshots: Sequence[Snapshot]) -> list[Fault]:
    """Compare each record with its own hash, and with the one before it."""
    found = []
    previous: Snapshot | None = None
    for place, snapshot in enumerate(snapshots, start=1):
        if snapshot.sealed().record_sha256 != snapshot.record_sha256:
            found.append(Fault(snapshot.name, "the record was changed: it does not have its own hash"))
        elif snapshot.sequence != place:
            found.append(Fault(snapshot.name, f"it is number {snapshot.sequence} in the chain and stands at place {place}: a record is missing or double"))
        elif snapshot.previous_sha256 != (previous.record_sha256 if previous else None):
            found.append(Fault(snapshot.name, "it was taken after another record than the one before it: that one was changed or replaced"))
        previous = snapshot
    return found


def _file_faults(home: Home, snapshots: Sequence[Snapshot]) -> list[Fault]:
    found = []
    for snapshot in snapshots:
        for path, expected in ((items_file(home, snapshot), snapshot.items_sha256), (context_file(home, snapshot), snapshot.context_sha256)):
            if not path.is_file():
                found.append(Fault(snapshot.name, f"{path.name} is missing"))
            elif sha256_of(path) != expected:
                found.append(Fault(snapshot.name, f"{path.name} was changed: its checksum is not the recorded one"))
    return found


def _content_faults(con: duckdb.DuckDBPyConnection, file: Path, snapshot: Snapshot) -> list[Fault]:
    content, rows = content_hash(con, file)
    if content != snapshot.content_sha256 or rows != snapshot.row_count:
        return [Fault(snapshot.name, f"{file.name} holds other items than were frozen ({rows} rows; {snapshot.row_count} recorded)")]
    if _totals(con, file) != snapshot.totals:
        return [Fault(snapshot.name, f"the items in {file.name} do not add up to the recorded totals")]
    return []


def _publication_faults(home: Home, snapshots: Sequence[Snapshot]) -> list[Fault]:
    """Compare with the records that the version in force was published with: none of them may be gone or replaced."""
    try:
        file = published.find(home).file
    except published.NothingPublished:
        return []
    now = {snapshot.sequence: snapshot.record_sha256 for snapshot in snapshots}
    return [
        Fault(f"{PREFIX}{day.isoformat()}", f"{file.name} was published with this snapshot, and its record is {'another one' if sequence in now else 'gone'}")
        for sequence, day, record in _published_records(file) or []
        if now.get(sequence) != record
    ]


def _published_records(file: Path) -> list[tuple[int, date, str]] | None:
    with duckdb.connect(str(file), read_only=True) as con:
        return _records_in(con)


def _records_in(con: duckdb.DuckDBPyConnection) -> list[tuple[int, date, str]] | None:
    try:
        return con.execute("select sequence, snapshot_date, record_sha256 from meta.snapshots order by 1").fetchall()
    except duckdb.CatalogException:
        return None


def _freeze_week(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    week_end: date,
    version: published.Version,
    build: dict[str, Any],
    drops: list[str],
    chain: Sequence[Snapshot],
) -> Snapshot:
    scratch = home.snapshots / ".tmp"
    stem = f"{PREFIX}{week_end.isoformat()}"
    known_at = str(version.pointer["known_at"])
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        items, said = scratch / f"{stem}.parquet", scratch / f"{stem}.context.json"
        with open_items.on_days(con):
            write_items(con, items, week_end, version.name)
        _agree(con, items, week_end)
        said.write_text(context.dump(context.gather(con, week_end, known_at, items)), encoding="utf-8")
        content, rows = content_hash(con, items)
        snapshot = Snapshot(
            sequence=len(chain) + 1,
            snapshot_date=week_end,
            previous_sha256=chain[-1].record_sha256 if chain else None,
            items_sha256=sha256_of(items),
            content_sha256=content,
            context_sha256=sha256_of(said),
            row_count=rows,
            totals=_totals(con, items),
            drops=tuple(drops),
            drops_hash=build["drops_hash"],
            policy_hash=build["policy_hash"],
            models_hash=build["models_hash"],
            engine=build["engine"],
            version=version.name,
            as_of=build["as_of"],
            known_at=known_at,
            taken_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        ).sealed()
        for path in (items, said):
            sync(path)
            path.chmod(0o444)
            path.replace(home.snapshots / path.name)
        write_record(home.snapshots / f"{stem}.json", snapshot)
    except (OSError, duckdb.IOException) as error:
        raise SnapshotRefused(
            f"The week to {week_end} could not be frozen in {home.snapshots}: {error}. Weeks frozen before are unchanged, and so is the published version. "
            "Make room, then run `arw snapshot`: it goes on from there."
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return snapshot


def write_items(con: duckdb.DuckDBPyConnection, file: Path, week_end: date, version: str) -> None:
    """Write what is open at a week's end in the build or version that is open, as a snapshot holds it."""
    con.execute(
        f"""
        copy (
            select cast('{week_end.isoformat()}' as date) as snapshot_date, {_literal(version)} as version, *
            from marts.open_items_as_of(date '{week_end.isoformat()}') order by item_id
        ) to {_literal(file)} (format parquet, compression zstd)
        """
    )


def write_record(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot's record in one step; with it the snapshot exists."""
    write_json(path, _as_json(snapshot))


def _agree(con: duckdb.DuckDBPyConnection, items: Path, week_end: date) -> None:
    """Check the frozen items against the weekly aging, which the models compute another way; refuse when they differ."""
    difference = con.execute(
        """
        with frozen as (
            select company_id, currency, bucket_id, count(*) as items, sum(open_amount) as amount, sum(open_amount_base) as amount_base
            from read_parquet($items) group by all
        ),
        aging as (
            select company_id, currency, bucket_id, sum(item_count) as items, sum(open_amount) as amount, sum(open_amount_base) as amount_base
            from marts.fct_aging_weekly where week_end = $week_end group by all
        )
        select coalesce(frozen.company_id, aging.company_id), coalesce(frozen.currency, aging.currency), coalesce(frozen.bucket_id, aging.bucket_id),
            frozen.amount, aging.amount
        from frozen full join aging
            on aging.company_id = frozen.company_id and aging.currency = frozen.currency and aging.bucket_id = frozen.bucket_id
        where frozen.items is distinct from aging.items or frozen.amount is distinct from aging.amount or frozen.amount_base is distinct from aging.amount_base
        order by 1, 2, 3 limit 1
        """,
        {"items": str(items), "week_end": week_end},
    ).fetchone()
    if difference:
        company, currency, bucket, frozen, aging = difference
        raise SnapshotRefused(
            f"The open items of {company} {currency} in bucket {bucket} at {week_end} are {frozen}, and marts.fct_aging_weekly says {aging}. "
            "The week was not frozen; weeks frozen before and the published version are unchanged. `arw build --full-refresh` and `arw publish`, then again."
        )


def content_hash(con: duckdb.DuckDBPyConnection, file: Path) -> tuple[str, int]:
    """Return a hash of the rows and their number that depends on names, types and values, not on how or in which order they are stored."""
    columns = con.execute("describe select * from read_parquet($file)", {"file": str(file)}).fetchall()
    digest = hashlib.sha256("".join(f"{name} {kind}\n" for name, kind, *_ in columns).encode())
    # Each value with its length before it, so that no two rows can look alike.
    line = ", ".join(f"coalesce(strlen(cast({name} as varchar)) || ':' || cast({name} as varchar), '-')" for name, *_ in columns)
    cursor = con.execute(f"select sha256(concat({line})) as row_hash from read_parquet($file) order by row_hash", {"file": str(file)})
    rows = 0
    while batch := cursor.fetchmany(50_000):
        rows += len(batch)
        digest.update("".join(row[0] for row in batch).encode())
    return digest.hexdigest(), rows


def _totals(con: duckdb.DuckDBPyConnection, file: Path) -> tuple[Total, ...]:
    rows = con.execute(
        """
        select company_id, currency, base_currency, count(*), cast(sum(open_amount) as varchar), cast(sum(open_amount_base) as varchar)
        from read_parquet($file) group by all order by 1, 2, 3
        """,
        {"file": str(file)},
    ).fetchall()
    return tuple(Total(*row) for row in rows)


def _tidy(home: Home, frozen: Sequence[Snapshot]) -> None:
    """Remove what a killed freeze left behind: files without a record."""
    shutil.rmtree(home.snapshots / ".tmp", ignore_errors=True)
    known = {snapshot.name for snapshot in frozen}
    for path in home.snapshots.glob(f"{PREFIX}*"):
        if path.name.split(".", 1)[0] not in known:
            path.unlink()


def _record_files(home: Home) -> list[Path]:
    return [path for path in sorted(home.snapshots.glob(f"{PREFIX}*.json")) if not path.name.endswith(".context.json")]


def _read_record(path: Path) -> Snapshot:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        snapshot = Snapshot(
            **{
                **said,
                "snapshot_date": date.fromisoformat(said["snapshot_date"]),
                "as_of": date.fromisoformat(said["as_of"]),
                "totals": tuple(Total(**total) for total in said["totals"]),
                "drops": tuple(said["drops"]),
            }
        )
        if snapshot.name != path.stem:
            raise ValueError(f"it is the record of {snapshot.snapshot_date}")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SnapshotRefused(f"{path} is no snapshot record ({error}). Nothing was changed. Restore it from a backup.") from error
    return snapshot


def _values(snapshot: Snapshot) -> dict[str, Any]:
    return {field.name: getattr(snapshot, field.name) for field in fields(snapshot)}


def _as_json(snapshot: Snapshot) -> dict[str, Any]:
    return asdict(snapshot) | {"snapshot_date": snapshot.snapshot_date.isoformat(), "as_of": snapshot.as_of.isoformat()}


def _record(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    cursor = con.execute(query)
    row = cursor.fetchone()
    if row is None:
        raise SnapshotRefused(
            "The published version does not say what it was built from. Nothing was frozen. `arw build` and `arw publish` make one that does."
        )
    return dict(zip((column[0] for column in cursor.description or []), row, strict=True))


def _literal(value: str | Path) -> str:
    return "'" + str(value).replace("'", "''") + "'"
