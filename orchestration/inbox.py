"""The inbox: which drops wait in it, which of them are complete, and which came before.

Nobody says when a drop is complete, so it has to look the same twice, hold nothing that is still being written, and hold every file that its manifest
announces. What was loaded and has not changed since is left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from orchestration.errors import BadUsage
from orchestration.extracts.drops import feed_of, is_drop
from orchestration.extracts.manifest import FILE_NAME, read_text_yaml
from orchestration.lake import DropRecord
from orchestration.settings import Home

BEING_WRITTEN = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".inprogress")
# A folder that is a drop by itself, because the source writes into one place every night.
ITSELF = "."


@dataclass(frozen=True)
class Place:
    """Where drops arrive, and how they are written."""

    folder: Path
    profile: str | None
    quiet_seconds: float

    def drop(self, name: str) -> Path:
        """Return the folder of the drop called ``name``."""
        return self.folder if name == ITSELF else self.folder / name


@dataclass(frozen=True)
class Entry:
    """One file of a drop at one look; ``changed_at`` (UTC) is the file system's word, which no copy can set back."""

    name: str
    size: int
    modified_ns: int
    changed_at: datetime


@dataclass(frozen=True)
class Look:
    """A drop as it stood at one look."""

    name: str
    entries: tuple[Entry, ...]
    announced: frozenset[str] = frozenset()

    @property
    def signature(self) -> str:
        """Two looks with one signature saw the same drop."""
        seen = [[entry.name, entry.size, entry.modified_ns] for entry in self.entries]
        return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Decision:
    """What to do about an inbox: load ``ready``; ``waiting`` says why the others are not; ``memory`` is for the next look."""

    ready: tuple[str, ...]
    waiting: Mapping[str, str]
    memory: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    run_key: str = ""


def place_of(environment: Mapping[str, str], home: Home) -> Place:
    """Return the inbox: ``AR_INBOX``, else <home>/inbox, written as ``AR_PROFILE`` says."""
    quiet = environment.get("AR_INBOX_QUIET_SECONDS") or "30"
    try:
        seconds = float(quiet)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 3600:
        raise BadUsage(f"AR_INBOX_QUIET_SECONDS is {quiet!r}; write the seconds that a complete drop stays unchanged, like 30. Nothing was started.")
    return Place(
        folder=Path(environment.get("AR_INBOX") or home.root / "inbox").expanduser().absolute(),
        profile=environment.get("AR_PROFILE") or None,
        quiet_seconds=seconds,
    )


def look(place: Place) -> list[Look]:
    """Return every drop of the inbox as it stands now, by name; a folder that is not there yet is an empty inbox."""
    if is_drop(place.folder):
        return [_look_at(place, ITSELF)]
    if not place.folder.is_dir():
        return []
    names = sorted(child.name for child in place.folder.iterdir() if child.is_dir() and not child.name.startswith("."))
    return [_look_at(place, name) for name in names]


def unfinished(seen: Look) -> str | None:
    """Say why a drop cannot be complete as it stands, or None."""
    if not seen.entries:
        return "it is empty"
    for name in (seen.name, *(entry.name for entry in seen.entries)):
        if name.lower().endswith(BEING_WRITTEN):
            return f"{name} is still being written"
    there = {feed.name for entry in seen.entries if (feed := feed_of(entry.name))}
    missing = sorted(seen.announced - there)
    return f"its manifest announces {', '.join(missing)}, which did not come yet" if missing else None


def is_loaded(seen: Look, path: Path, landed: Iterable[DropRecord]) -> bool:
    """Whether the lake has this very drop: every file that it has of it stands there unchanged since before it was loaded.

    In doubt the answer is no: what is loaded again is recognised by its content, and changes nothing.
    """
    sizes = {entry.name: entry.size for entry in seen.entries}
    newest = max((entry.changed_at for entry in seen.entries), default=None)
    return any(
        record.path == str(path) and newest is not None and newest < record.loaded_at and all(sizes.get(file["file"]) == file["bytes"] for file in record.files)
        for record in landed
    )


def decide(looks: Iterable[Look], memory: Mapping[str, Mapping[str, Any]], known: frozenset[str]) -> Decision:
    """Return which drops to load: complete, the same as when last seen, neither asked for before nor in the lake."""
    ready, waiting, remembered = [], {}, {}
    for seen in looks:
        before = memory.get(seen.name, {})
        is_same = before.get("signature") == seen.signature
        is_settled = is_same and bool(before.get("done"))
        reason = unfinished(seen)
        if seen.name in known or is_settled:
            is_settled = True
        elif reason:
            waiting[seen.name] = reason
        elif not is_same:
            waiting[seen.name] = "it is new or has changed; it is loaded once it stays as it is"
        else:
            ready.append(seen)
            is_settled = True
        remembered[seen.name] = {"signature": seen.signature, "done": is_settled}
    key = hashlib.sha256(json.dumps([[seen.name, seen.signature] for seen in ready]).encode()).hexdigest()[:16]
    return Decision(tuple(seen.name for seen in ready), waiting, remembered, f"drops-{key}" if ready else "")


def settle(place: Place, landed: Iterable[DropRecord], wait: Callable[[float], None]) -> Decision:
    """Look twice, ``wait`` in between, and decide: for who comes once, where the sensor comes again and again."""
    drops = list(landed)
    before = look(place)
    first = decide(before, {}, loaded(place, before, drops))
    if not first.waiting:
        return first
    wait(place.quiet_seconds)
    after = look(place)
    return decide(after, first.memory, loaded(place, after, drops))


def loaded(place: Place, looks: Iterable[Look], landed: Iterable[DropRecord]) -> frozenset[str]:
    """Return the names of the drops that the lake has."""
    drops = list(landed)
    return frozenset(seen.name for seen in looks if is_loaded(seen, place.drop(seen.name), drops))


def _look_at(place: Place, name: str) -> Look:
    folder = place.drop(name)
    entries = []
    for parent, _, files in os.walk(folder):
        for file in sorted(files):
            path = Path(parent) / file
            relative = path.relative_to(folder).as_posix()
            try:
                stat = path.lstat()
            except FileNotFoundError:
                continue  # Renamed between listing and looking: the next look sees it under its new name.
            if not any(part.startswith(".") for part in Path(relative).parts):
                entries.append(Entry(relative, stat.st_size, stat.st_mtime_ns, datetime.fromtimestamp(stat.st_ctime, UTC).replace(tzinfo=None)))
    return Look(name, tuple(sorted(entries, key=lambda entry: entry.name)), _announced(place, folder))


def _announced(place: Place, folder: Path) -> frozenset[str]:
    """Return the feeds whose rows or totals the manifest states; where a profile names the files, they tell nothing about feeds."""
    try:
        content = read_text_yaml((folder / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return frozenset()  # Absent, or unreadable: then landing says so, with its reason.
    if not isinstance(content, Mapping) or place.profile or content.get("profile", "canonical") != "canonical":
        return frozenset()
    said = content.get("feeds")
    if not isinstance(said, Mapping):
        return frozenset()
    return frozenset(str(feed) for feed, says in said.items() if isinstance(says, Mapping) and (says.get("total") or says.get("rows", "0") != "0"))
