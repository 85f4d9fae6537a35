"""The lake: what was landed, immutable; and the raw tables that are made from it.

lake/drops/<drop_id>.json               what the drop is and what became of its files; written last, it makes the drop exist
lake/<system>/<feed>/<drop_id>.parquet  its good rows, typed, with file and line
lake/rejects/<drop_id>.parquet          its rejected rows
lake/attempts/<id>.json                 a drop that was refused, or that was there already
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import ArwError
from orchestration.extracts import history
from orchestration.extracts.contract import feeds, systems
from orchestration.extracts.drops import DropFile, drop_id, files_of, find_drops, fingerprinted
from orchestration.extracts.errors import ExtractError, NotADrop
from orchestration.extracts.history import Delivery, create_versions, in_building_order
from orchestration.extracts.land import REJECTS_COLUMNS, FeedLanding, Landing, land
from orchestration.extracts.manifest import Manifest, read_manifest
from orchestration.extracts.profiles import CANONICAL, Profile, find_profile
from orchestration.extracts.rules import literal
from orchestration.files import sync, write_json
from orchestration.settings import Home

Progress = Callable[[str], None]


@dataclass(frozen=True)
class DropRecord:
    """One landed drop, as its JSON record in the lake says."""

    drop_id: str
    extracted_at: datetime
    books_through: date
    loaded_at: datetime
    profile: str
    source_id: str
    path: str
    scope_companies: tuple[str, ...] | None
    scope_posting_from: date | None
    has_own_time: bool
    feeds: Mapping[str, Mapping[str, Any]]
    files: Sequence[Mapping[str, Any]]

    @property
    def order(self) -> tuple[datetime, str]:
        """The drop's place in the order of knowledge."""
        return self.extracted_at, self.drop_id


@dataclass
class LoadResult:
    """What one call of ``load`` did."""

    seen: int = 0
    landed: list[DropRecord] = field(default_factory=list)
    duplicate: list[str] = field(default_factory=list)
    refused: list[ExtractError] = field(default_factory=list)
    rows_loaded: Counter[str] = field(default_factory=Counter)
    rows_rejected: Counter[str] = field(default_factory=Counter)
    rows_duplicate: Counter[str] = field(default_factory=Counter)


def load(
    path: Path,
    home: Path,
    profile: str | None = None,
    now: datetime | None = None,
    progress: Progress = lambda _: None,
) -> LoadResult:
    """Land the drop or the inbox at ``path`` in the lake of ``home``.

    A drop that cannot be taken is collected in the result's ``refused`` and the others are landed. ``now`` is the
    moment of loading (UTC), the knowledge time of a drop that does not say its own.
    """
    place = Home(Path(home).absolute())
    lake = place.lake
    result = LoadResult()
    chosen = find_profile(profile, place.root, may_be_a_path=True) if profile else None
    folders = find_drops(Path(path).absolute(), chosen)
    _tidy(lake)
    known = drops(home)
    for folder in folders:
        result.seen += 1
        loaded_at = _naive_utc(now or datetime.now(UTC))
        try:
            record = _load_drop(folder, place, chosen, loaded_at, known, result)
        except ExtractError as error:
            error.drop = folder.name
            result.refused.append(error)
            _note_attempt(lake, "refused", folder, loaded_at, note=str(error), file=error.file)
            progress(f"refused {error}")
            continue
        if record is None:
            progress(f"{folder.name}: loaded before, nothing new")
            continue
        known.append(record)
        result.landed.append(record)
        for name, landed in record.feeds.items():
            result.rows_loaded[name] += landed["rows_loaded"]
            result.rows_rejected[name] += landed["rows_rejected"]
            result.rows_duplicate[name] += landed["rows_duplicate"]
        rows, rejected = (sum(feed[key] for feed in record.feeds.values()) for key in ("rows_loaded", "rows_rejected"))
        progress(f"{folder.name}: {rows:,} rows of {len(record.feeds)} feeds landed, {rejected:,} rejected")
    return result


def drops(home: Path) -> list[DropRecord]:
    """Return the landed drops of ``home`` in the order of knowledge, the newest last; cheap."""
    folder = Home(Path(home)).lake / "drops"
    return sorted((_read_record(path) for path in folder.glob("*.json")), key=lambda record: record.order)


def refresh_raw(home: Path, progress: Progress = lambda _: None) -> None:
    """(Re)build the raw tables and the tables of the load's books in ``warehouse.duckdb``, from the lake alone."""
    place = Home(Path(home))
    place.root.mkdir(parents=True, exist_ok=True)
    landed = drops(home)
    made_of = _state(landed)
    with _warehouse(place.warehouse) as con:
        con.execute("begin")
        for schema in ("meta", *(f"raw_{system}" for system in systems())):
            con.execute(f"create schema if not exists {schema}")
        con.execute("create table if not exists meta.raw_state (made_of varchar)")
        if con.execute("select made_of from meta.raw_state").fetchall() != [(made_of,)]:
            _rebuild_raw(con, place.lake, landed)
            con.execute("delete from meta.raw_state")
            con.execute("insert into meta.raw_state values (?)", [made_of])
        _write_books(con, place.lake, landed)
        con.execute("commit")
    progress(f"raw tables hold {len(landed)} drops")


def _rebuild_raw(con: duckdb.DuckDBPyConnection, lake: Path, landed: Sequence[DropRecord]) -> None:
    tables = {feed.name: f"raw_{feed.system}.{feed.name}" for feed in feeds().values()}
    for feed in in_building_order():
        deliveries = [_delivery(lake, record, feed.name) for record in landed if feed.name in record.feeds]
        create_versions(con, feed, deliveries, tables)


def _state(landed: Sequence[DropRecord]) -> str:
    """Return what the raw tables are made of: the drops, and how they are put together."""
    makers = (Path(history.__file__), Path(history.__file__).with_name("contract.yaml"))
    made_of = [*(maker.read_text(encoding="utf-8") for maker in makers), *(record.drop_id for record in landed)]
    return hashlib.sha256("\n".join(made_of).encode()).hexdigest()


def _load_drop(folder: Path, home: Home, chosen: Profile | None, loaded_at: datetime, known: Sequence[DropRecord], result: LoadResult) -> DropRecord | None:
    """Land one drop; None if it is in the lake already."""
    lake = home.lake
    manifest, said = read_manifest(folder)
    profile = chosen or find_profile(manifest.profile or CANONICAL, home.root, may_be_a_path=False)
    if profile.manifest:
        manifest, said = read_manifest(folder, profile.manifest)
    files = fingerprinted(folder, files_of(folder, profile))
    if not files and not said:
        raise NotADrop(folder.name, "it holds no file of any feed")
    identity = drop_id(said, profile.digest, files)
    twin = next((record for record in known if record.drop_id == identity), None)
    if twin:
        result.duplicate.append(folder.name)
        for name, landed in twin.feeds.items():
            result.rows_duplicate[name] += landed["rows_in"]
        _note_duplicate(lake, folder, loaded_at, files, twin)
        return None
    extracted_at = manifest.extracted_at or _next_moment(loaded_at, known)
    scratch = lake / ".staging" / identity
    scratch.mkdir(parents=True)
    try:
        with _connection(scratch) as con:
            known_feeds = {name for record in known for name, feed in record.feeds.items() if feed["rows_loaded"]}
            landing = land(con, identity, files, profile, manifest, known_feeds, scratch)
        record = DropRecord(
            drop_id=identity,
            extracted_at=extracted_at,
            books_through=manifest.books_closed_on(extracted_at),
            loaded_at=loaded_at,
            profile=profile.name,
            source_id=manifest.source_id,
            path=str(folder),
            scope_companies=_prefixed_companies(manifest),
            scope_posting_from=manifest.scope_posting_from,
            has_own_time=manifest.extracted_at is not None,
            feeds={feed.feed: _feed_record(feed) for feed in landing.feeds},
            files=_file_records(files, landing, known, folder),
        )
        _store(lake, landing, record)
    except duckdb.OutOfMemoryException as error:
        raise ArwError(_failed(folder, "out of memory", error)) from error
    except (OSError, duckdb.IOException) as error:
        raise ArwError(_failed(folder, "the lake could not be written", error)) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return record


def _failed(folder: Path, what: str, error: Exception) -> str:
    first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return (
        f"{folder.name}: {what} ({first_line}). Nothing of this drop was loaded, the warehouse was left unchanged. "
        "Make room and load again: what was landed before is kept."
    )


def _next_moment(loaded_at: datetime, known: Sequence[DropRecord]) -> datetime:
    """Return a knowledge time for a drop without one: loading order is knowledge order, also on a clock set back."""
    last = max((record.extracted_at for record in known if not record.has_own_time), default=None)
    return loaded_at if last is None or last < loaded_at else last + timedelta(microseconds=1)


def _prefixed_companies(manifest: Manifest) -> tuple[str, ...] | None:
    if manifest.scope_companies is None or not manifest.source_id:
        return manifest.scope_companies
    return tuple(f"{manifest.source_id}:{company}" for company in manifest.scope_companies)


def _feed_record(landing: FeedLanding) -> dict[str, Any]:
    return {
        "mode": landing.mode,
        "rows_in": sum(count.rows_in for count in landing.counts),
        "rows_loaded": sum(count.rows_loaded for count in landing.counts),
        "rows_rejected": sum(count.rows_rejected for count in landing.counts),
        "rows_duplicate": sum(count.rows_duplicate for count in landing.counts),
        "has_unreadable_key": landing.has_unreadable_key,
        "notes": list(landing.notes),
    }


def _file_records(files: Sequence[DropFile], landing: Landing, known: Sequence[DropRecord], folder: Path) -> list[dict[str, Any]]:
    """Return what became of each file (of each feed that a file delivers, where a profile makes several of it)."""
    by_name = {file.name: file for file in files}
    earlier = [record.drop_id for record in known if record.path == str(folder)]
    renewed = [f"same name as drop {earlier[-1]}, other content: a new version"] if earlier else []
    return [
        {
            "system": feeds()[landed.feed].system,
            "feed": landed.feed,
            "file": count.file,
            "sha256": by_name[count.file].fingerprint.sha256,
            "bytes": by_name[count.file].fingerprint.size,
            "rows_in": count.rows_in,
            "rows_loaded": count.rows_loaded,
            "rows_rejected": count.rows_rejected,
            "rows_duplicate": count.rows_duplicate,
            "note": "; ".join([*landed.notes, *renewed]),
        }
        for landed in landing.feeds
        for count in landed.counts
    ]


def _store(lake: Path, landing: Landing, record: DropRecord) -> None:
    """Move what was landed to its place; the record comes last, and with it the drop is there."""
    for landed in landing.feeds:
        feed = feeds()[landed.feed]
        _move(landing.folder / f"{feed.name}.parquet", lake / feed.system / feed.name / f"{record.drop_id}.parquet")
    if landing.rejected:
        _move(landing.folder / "rejects.parquet", lake / "rejects" / f"{record.drop_id}.parquet")
    place = lake / "drops" / f"{record.drop_id}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    write_json(place, _as_json(record))


def _move(source: Path, target: Path) -> None:
    sync(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
    sync(target.parent)


def _tidy(lake: Path) -> None:
    """Remove what a killed load left behind: everything that no record speaks of."""
    shutil.rmtree(lake / ".staging", ignore_errors=True)
    there = {path.stem for path in (lake / "drops").glob("*.json")}
    folders = [lake / "rejects", *(lake / feed.system / feed.name for feed in feeds().values())]
    for path in (path for folder in folders for path in folder.glob("*.parquet")):
        if path.stem not in there:
            path.unlink()
    for folder in (lake / "drops", lake / "attempts"):
        for path in folder.glob("*.tmp"):
            path.unlink()


def _note_duplicate(lake: Path, folder: Path, loaded_at: datetime, files: Sequence[DropFile], twin: DropRecord) -> None:
    _note_attempt(
        lake,
        "duplicate",
        folder,
        loaded_at,
        drop_id=twin.drop_id,
        files=[{**file, "rows_loaded": 0, "rows_rejected": 0, "rows_duplicate": file["rows_in"], "note": ""} for file in twin.files],
        note=f"the same content was loaded at {twin.loaded_at.isoformat(' ', 'seconds')} from {twin.path}",
    )


def _note_attempt(lake: Path, status: str, folder: Path, loaded_at: datetime, **what: Any) -> None:
    """Record a drop that was not landed; the same attempt again replaces its record."""
    attempt = {"status": status, "path": str(folder), **what}
    identity = hashlib.sha256(json.dumps(attempt, sort_keys=True).encode()).hexdigest()[:20]
    place = lake / "attempts" / f"{identity}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    write_json(place, {**attempt, "loaded_at": loaded_at.isoformat()})


def _delivery(lake: Path, record: DropRecord, feed: str) -> Delivery:
    landed = record.feeds[feed]
    rejects = lake / "rejects" / f"{record.drop_id}.parquet"
    return Delivery(
        drop_id=record.drop_id,
        extracted_at=record.extracted_at,
        books_through=record.books_through,
        mode=landed["mode"],
        source_id=record.source_id,
        scope_companies=record.scope_companies,
        scope_posting_from=record.scope_posting_from,
        has_unreadable_key=landed["has_unreadable_key"],
        rows=lake / feeds()[feed].system / feed / f"{record.drop_id}.parquet",
        rejects=rejects if landed["rows_rejected"] else None,
    )


def _write_books(con: duckdb.DuckDBPyConnection, lake: Path, landed: Sequence[DropRecord]) -> None:
    """Write meta.drops, meta.load_audit and meta.rejects."""
    con.execute(
        """
        create or replace table meta.drops (
            drop_id varchar, extracted_at timestamp, books_through date, profile varchar, source_id varchar,
            path varchar, loaded_at timestamp
        )
        """
    )
    con.execute(
        """
        create or replace table meta.load_audit (
            drop_id varchar, system varchar, feed varchar, file varchar, sha256 varchar, bytes bigint, rows_in bigint,
            rows_loaded bigint, rows_rejected bigint, rows_duplicate bigint, status varchar, note varchar,
            path varchar, loaded_at timestamp
        )
        """
    )
    audit: list[list[Any]] = []
    for record in landed:
        con.execute(
            "insert into meta.drops values (?, ?, ?, ?, ?, ?, ?)",
            [
                record.drop_id,
                record.extracted_at,
                record.books_through,
                record.profile,
                record.source_id,
                record.path,
                record.loaded_at,
            ],
        )
        audit += [_audit_row(file, record.drop_id, "landed", record.path, record.loaded_at, file["note"]) for file in record.files]
    for path in sorted((lake / "attempts").glob("*.json")):
        attempt = json.loads(path.read_text(encoding="utf-8"))
        loaded_at = datetime.fromisoformat(attempt["loaded_at"])
        files = attempt.get("files") or [{"file": attempt.get("file")}]
        audit += [_audit_row(file, attempt.get("drop_id"), attempt["status"], attempt["path"], loaded_at, attempt["note"]) for file in files]
    if audit:
        con.executemany(f"insert into meta.load_audit values ({', '.join('?' * len(audit[0]))})", audit)
    con.execute(f"create or replace table meta.rejects ({REJECTS_COLUMNS})")
    rejects = sorted((lake / "rejects").glob("*.parquet"))
    if rejects:
        paths = ", ".join(literal(str(path)) for path in rejects)
        con.execute(f"insert into meta.rejects select * from read_parquet([{paths}])")


def _audit_row(file: Mapping[str, Any], drop: str | None, status: str, path: str, loaded_at: datetime, note: str) -> list[Any]:
    counted = [file.get(name, 0) for name in ("rows_in", "rows_loaded", "rows_rejected", "rows_duplicate")]
    said = [file.get(name) for name in ("system", "feed", "file", "sha256", "bytes")]
    return [drop, *said, *counted, status, note or None, path, loaded_at]


@contextmanager
def _connection(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database for one drop, in memory, spilling next to the lake."""
    con = duckdb.connect(":memory:", config={"temp_directory": str(scratch / "spill")})
    try:
        con.execute("set TimeZone = 'UTC'")
        yield con
    finally:
        con.close()


@contextmanager
def _warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the pipeline's database; one that is damaged is thrown away, for the lake has everything."""
    try:
        con = duckdb.connect(str(path))
    except duckdb.Error as error:
        if "lock" in str(error).lower():
            raise ArwError(
                f"{path} is held by another process ({str(error).splitlines()[0]}). Nothing was changed. Close what has it open and run again."
            ) from error
        for damaged in (path, path.with_name(path.name + ".wal")):
            damaged.unlink(missing_ok=True)
        con = duckdb.connect(str(path))
    try:
        con.execute("set TimeZone = 'UTC'")
        yield con
    finally:
        con.close()


def _naive_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _as_json(record: DropRecord) -> dict[str, Any]:
    return {
        **record.__dict__,
        "extracted_at": record.extracted_at.isoformat(),
        "books_through": record.books_through.isoformat(),
        "loaded_at": record.loaded_at.isoformat(),
        "scope_posting_from": record.scope_posting_from.isoformat() if record.scope_posting_from else None,
    }


def _read_record(path: Path) -> DropRecord:
    said = json.loads(path.read_text(encoding="utf-8"))
    companies, posting_from = said["scope_companies"], said["scope_posting_from"]
    return DropRecord(
        **{
            **said,
            "extracted_at": datetime.fromisoformat(said["extracted_at"]),
            "books_through": date.fromisoformat(said["books_through"]),
            "loaded_at": datetime.fromisoformat(said["loaded_at"]),
            "scope_companies": None if companies is None else tuple(companies),
            "scope_posting_from": date.fromisoformat(posting_from) if posting_from else None,
        }
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Load a drop or an inbox and refresh the raw tables, without the rest of the pipeline."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.lake", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("load")
    command.add_argument("path", type=Path)
    command.add_argument("--home", type=Path, default=Path(os.environ.get("AR_HOME", "var")))
    command.add_argument("--profile")
    said = parser.parse_args(arguments)
    tell: Progress = lambda text: print(text, file=sys.stderr)  # noqa: E731
    try:
        result = load(said.path, said.home, said.profile, progress=tell)
        refresh_raw(said.home, progress=tell)
    except ArwError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 1 if result.refused else 0


if __name__ == "__main__":
    sys.exit(main())
