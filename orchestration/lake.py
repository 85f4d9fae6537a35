"""The lake: what was landed, immutable; and the raw tables that are made from it.

lake/drops/<drop_id>.json               what the drop is and what became of its files; written last, it makes the drop exist
lake/<system>/<feed>/<drop_id>.parquet  its rows without faults, typed, with file and line
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.database import connect
from orchestration.errors import ArwError
from orchestration.extracts import raw
from orchestration.extracts.books import write_books
from orchestration.extracts.contract import feeds, systems
from orchestration.extracts.drops import drop_id, files_of, find_drops, fingerprinted
from orchestration.extracts.errors import ExtractError, NotADrop
from orchestration.extracts.land import Landing, land
from orchestration.extracts.manifest import Manifest, read_manifest
from orchestration.extracts.profiles import CANONICAL, Profile, find_profile
from orchestration.extracts.records import DropRecord, feed_counts, file_counts, read_record
from orchestration.files import sync, write_json
from orchestration.settings import Home

__all__ = ["DropRecord", "LoadResult", "drops", "load", "refresh_raw"]

Progress = Callable[[str], None]


@dataclass
class LoadResult:
    """What one call of ``load`` did; rows are counted by feed."""

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
    chosen = find_profile(profile, place.root, may_be_a_path=True) if profile else None
    folders = find_drops(Path(path).absolute(), chosen)
    _tidy(place.lake)
    result = LoadResult(seen=len(folders))
    with _scratch_database(place.lake) as con:
        loader = _Loader(place, chosen, con, drops(home))
        for folder in folders:
            loaded_at = _naive_utc(now or datetime.now(UTC))
            try:
                record, is_new = loader.load(folder, loaded_at)
            except ExtractError as error:
                error.drop = folder.name
                result.refused.append(error)
                _note_attempt(place.lake, "refused", folder, loaded_at, str(error), None, [{"file": error.file}])
                progress(f"refused {error}")
                continue
            _count(result, folder, record, is_new)
            told = f"{record.total('rows_loaded'):,} rows of {len(record.feeds)} feeds landed, {record.total('rows_rejected'):,} rejected"
            progress(f"{folder.name}: {told if is_new else 'loaded before, nothing new'}")
    return result


def drops(home: Path) -> list[DropRecord]:
    """Return the landed drops of ``home`` in the order of knowledge, the newest last; cheap."""
    folder = Home(Path(home)).lake / "drops"
    return sorted((read_record(path) for path in folder.glob("*.json")), key=lambda record: record.order)


def refresh_raw(home: Path, progress: Progress = lambda _: None) -> None:
    """Bring the raw tables and the books of the loading in ``warehouse.duckdb`` up to the lake, from the lake alone."""
    place = Home(Path(home).absolute())
    place.root.mkdir(parents=True, exist_ok=True)
    landed = drops(home)
    with _warehouse(place.warehouse) as con:
        con.execute("begin")
        for schema in ("meta", *(f"raw_{system}" for system in systems())):
            con.execute(f"create schema if not exists {schema}")
        write_books(con, landed, (place.lake / "attempts").glob("*.json"), (place.lake / "rejects").glob("*.parquet"))
        raw.refresh(con, place.lake, landed)
        con.execute("commit")
    progress(f"raw tables hold {len(landed)} drops")


@dataclass
class _Loader:
    """Takes drops one after the other; each knows of the ones before."""

    home: Home
    chosen: Profile | None
    con: duckdb.DuckDBPyConnection
    known: list[DropRecord]
    profiles: dict[str, Profile] = field(default_factory=dict)
    # What each drop asks of all before it, kept beside them: thousands may stand in an inbox.
    by_id: dict[str, DropRecord] = field(default_factory=dict)
    by_path: dict[str, str] = field(default_factory=dict)
    filled_feeds: set[str] = field(default_factory=set)
    last_own_moment: datetime | None = None

    def __post_init__(self) -> None:
        for record in self.known:
            self._know(record)

    def load(self, folder: Path, loaded_at: datetime) -> tuple[DropRecord, bool]:
        """Return the drop's record and whether it is new; raises an ExtractError when it cannot be taken."""
        manifest, said = read_manifest(folder)
        profile = self.chosen or self._profile(manifest.profile or CANONICAL)
        if profile.manifest:
            manifest, said = read_manifest(folder, profile.manifest)
        files = fingerprinted(folder, files_of(folder, profile))
        if not files:
            raise NotADrop(folder.name, "it holds no file of any feed")
        identity = drop_id(said, profile.digest, files)
        if twin := self.by_id.get(identity):
            note = f"the same content was loaded from {twin.path} at {twin.loaded_at.isoformat(' ', 'seconds')}"
            copies = [{**file, "rows_loaded": 0, "rows_rejected": 0, "rows_duplicate": file["rows_in"]} for file in twin.files]
            _note_attempt(self.home.lake, "duplicate", folder, loaded_at, note, twin.drop_id, copies)
            return twin, False
        with _staging(self.home.lake / ".staging" / identity, folder) as scratch:
            landing = land(self.con, identity, files, profile, manifest, self.filled_feeds, scratch)
            earlier = self.by_path.get(str(folder))
            notes = [f"same name as drop {earlier}, other content: a new version"] if earlier else []
            extracted_at = manifest.extracted_at or self._next_moment(loaded_at)
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
                feeds={landed.feed: feed_counts(landed) for landed in landing.feeds},
                files=[file for landed in landing.feeds for file in file_counts(landed, files, notes)],
            )
            _store(self.home.lake, landing, record)
        self._know(record)
        return record, True

    def _know(self, record: DropRecord) -> None:
        self.by_id[record.drop_id] = record
        self.by_path[record.path] = record.drop_id
        self.filled_feeds.update(name for name, feed in record.feeds.items() if feed["rows_loaded"])
        if not record.has_own_time:
            self.last_own_moment = max(self.last_own_moment or record.extracted_at, record.extracted_at)

    def _profile(self, name: str) -> Profile:
        if name not in self.profiles:
            self.profiles[name] = find_profile(name, self.home.root, may_be_a_path=False)
        return self.profiles[name]

    def _next_moment(self, loaded_at: datetime) -> datetime:
        """Return a knowledge time for a drop without one: loading order is knowledge order, also on a clock set back."""
        last = self.last_own_moment
        return loaded_at if last is None or last < loaded_at else last + timedelta(microseconds=1)


def _count(result: LoadResult, folder: Path, record: DropRecord, is_new: bool) -> None:
    if is_new:
        result.landed.append(record)
    else:
        result.duplicate.append(folder.name)
    for name, landed in record.feeds.items():
        result.rows_loaded[name] += landed["rows_loaded"] if is_new else 0
        result.rows_rejected[name] += landed["rows_rejected"] if is_new else 0
        result.rows_duplicate[name] += landed["rows_duplicate"] if is_new else landed["rows_in"]


def _prefixed_companies(manifest: Manifest) -> tuple[str, ...] | None:
    if manifest.scope_companies is None or not manifest.source_id:
        return manifest.scope_companies
    return tuple(f"{manifest.source_id}:{company}" for company in manifest.scope_companies)


def _store(lake: Path, landing: Landing, record: DropRecord) -> None:
    """Move what was landed to its place; the record comes last, and with it the drop is there."""
    for landed in landing.feeds:
        feed = feeds()[landed.feed]
        _move(landing.folder / f"{feed.name}.parquet", lake / feed.system / feed.name / f"{record.drop_id}.parquet")
    if landing.rejected:
        _move(landing.folder / "rejects.parquet", lake / "rejects" / f"{record.drop_id}.parquet")
    place = lake / "drops" / f"{record.drop_id}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    write_json(place, record.as_json())


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


def _note_attempt(lake: Path, status: str, folder: Path, loaded_at: datetime, note: str, drop: str | None, files: list[dict[str, Any]]) -> None:
    """Record a drop that was not landed; the same attempt again replaces its record."""
    attempt = {"status": status, "path": str(folder), "drop_id": drop, "note": note, "files": files}
    identity = hashlib.sha256(json.dumps(attempt, sort_keys=True).encode()).hexdigest()[:20]
    place = lake / "attempts" / f"{identity}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    write_json(place, {**attempt, "loaded_at": loaded_at.isoformat()})


@contextmanager
def _staging(scratch: Path, folder: Path) -> Iterator[Path]:
    """A folder to land a drop in; it goes away, whatever happens."""
    try:
        scratch.mkdir(parents=True)
        yield scratch
    except duckdb.OutOfMemoryException as error:
        raise ArwError(_failed(folder, "out of memory", error)) from error
    except (OSError, duckdb.IOException) as error:
        raise ArwError(_failed(folder, "the lake could not be written", error)) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _failed(folder: Path, what: str, error: Exception) -> str:
    return (
        f"{folder.name}: {what} ({str(error).splitlines()[0]}). Nothing of this drop was loaded, the warehouse was left unchanged. "
        "Make room and load again: what was landed before is kept."
    )


@contextmanager
def _scratch_database(lake: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory to land drops with, spilling next to the lake."""
    con = connect(spill=lake / ".staging" / "spill")
    try:
        con.execute("set TimeZone = 'UTC'")
        yield con
    finally:
        con.close()
        shutil.rmtree(lake / ".staging", ignore_errors=True)


@contextmanager
def _warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the pipeline's database; one that is damaged is thrown away, for the lake has everything."""
    try:
        con = connect(path)
    except duckdb.Error as error:
        if "lock" in str(error).lower():
            raise ArwError(
                f"{path} is held by another process ({str(error).splitlines()[0]}). Nothing was changed. Close what has it open and run again."
            ) from error
        for damaged in (path, path.with_name(path.name + ".wal")):
            damaged.unlink(missing_ok=True)
        con = connect(path)
    try:
        con.execute("set TimeZone = 'UTC'")
        yield con
    finally:
        con.close()


def _naive_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def main(arguments: Sequence[str] | None = None) -> int:
    """Load a drop or an inbox and refresh the raw tables, without the rest of the pipeline."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.lake", description=main.__doc__)
    command = parser.add_subparsers(required=True).add_parser("load")
    command.add_argument("path", type=Path)
    command.add_argument("--home", type=Path, default=Path(os.environ.get("AR_HOME", "var")))
    command.add_argument("--profile")
    options = parser.parse_args(arguments)

    def tell(text: str) -> None:
        print(text, file=sys.stderr)

    try:
        result = load(options.path, options.home, options.profile, progress=tell)
        refresh_raw(options.home, progress=tell)
    except ArwError as error:
        tell(str(error))
        return error.exit_code
    return 1 if result.refused else 0


if __name__ == "__main__":
    sys.exit(main())
