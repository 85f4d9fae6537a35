"""Drops: which folders are drops, which files of a drop belong to which feed, and what makes two drops the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.extracts.contract import Feed, feeds, systems
from orchestration.extracts.errors import NotADrop, UnknownFile, UnsafeFile
from orchestration.extracts.manifest import FILE_NAME
from orchestration.extracts.profiles import Profile
from orchestration.extracts.text_files import Fingerprint, fingerprint

SUFFIXES = (".csv", ".csv.gz", ".parquet")
# Data under other names would be lost without a word; anything else (a readme, a marker file) is none of our business.
DATA_SUFFIXES = (*SUFFIXES, ".gz", ".tsv", ".txt.gz", ".xls", ".xlsx", ".json", ".jsonl", ".zip")


@dataclass(frozen=True)
class DropFile:
    """One file of a drop: ``name`` within the drop, and the feed (or the profile's input) that it belongs to."""

    name: str
    path: Path
    target: str
    fingerprint: Fingerprint

    @property
    def is_parquet(self) -> bool:
        """Whether the file has types of its own."""
        return self.name.endswith(".parquet")


def is_drop(path: Path) -> bool:
    """Whether a folder is a drop by its looks."""
    return path.is_dir() and any((path / name).exists() for name in (*systems(), FILE_NAME))


def find_drops(path: Path, profile: Profile | None) -> list[Path]:
    """Return the drops at ``path``, by name: itself, or the folders in it.

    With a profile also a folder (or a single file) is a drop whose files are as the profile says.
    """
    if not path.exists():
        raise NotADrop(str(path), "there is no such file or folder")
    if path.is_file():
        if profile is None or not profile.kind_of(path.name):
            raise NotADrop(str(path), "a single file needs a profile that says what it is")
        return [path]
    if _is_drop(path, profile):
        return [path]
    inside = sorted(child for child in path.iterdir() if child.is_dir() and not child.name.startswith("."))
    if not any(_is_drop(child, profile) for child in inside):
        raise NotADrop(str(path), "it holds no drop")
    return inside


def _is_drop(path: Path, profile: Profile | None) -> bool:
    if profile and profile.kinds and any(profile.kind_of(name) for name in _names_in(path)):
        return True
    return is_drop(path)


def _names_in(path: Path) -> list[str]:
    return [child.relative_to(path).as_posix() for child in path.rglob("*") if child.is_file()]


def files_of(drop: Path, profile: Profile) -> list[tuple[Path, str]]:
    """Return the files of a drop with their feeds (or inputs); a data file that is none of them is an error."""
    if drop.is_file():
        kind = profile.kind_of(drop.name)
        return [(drop, kind.feed or kind.name)] if kind else []
    if not _is_drop(drop, profile):
        raise NotADrop(drop.name, "it has neither ledger/ nor crm/ in it" if not profile.kinds else "no file in it is as the profile says")
    found = []
    for path in files_in(drop):
        name = path.relative_to(drop).as_posix()
        if profile.kinds:
            kind = profile.kind_of(name)
            target = (kind.feed or kind.name) if kind else None
        else:
            feed = feed_of(name)
            target = feed.name if feed else None
        if target:
            found.append((path, target))
        elif path.name.endswith(DATA_SUFFIXES):
            raise UnknownFile(name, "it belongs to no feed")
    return found


def feed_of(name: str) -> Feed | None:
    """Return the feed that a file belongs to by its name within the drop."""
    match = re.fullmatch(rf"({'|'.join(systems())})/([a-z_]+?)(_[^/]*)?({'|'.join(map(re.escape, SUFFIXES))})", name)
    if not match:
        return None
    system, stem = match[1], match[2] + (match[3] or "")
    fitting = [feed for feed in feeds().values() if feed.system == system and (stem == feed.name or stem.startswith(feed.name + "_"))]
    return max(fitting, key=lambda feed: len(feed.name), default=None)


def files_in(drop: Path) -> list[Path]:
    """Return every file below ``drop``; a link is refused, wherever it leads."""
    found = []
    for path in sorted(drop.rglob("*")):
        if path.is_symlink():
            raise UnsafeFile(path.relative_to(drop).as_posix(), "it is a symbolic link")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(drop).parts):
            found.append(path)
        elif not path.is_file() and not path.is_dir():
            raise UnsafeFile(path.relative_to(drop).as_posix(), "it is no plain file")
    return found


def fingerprinted(drop: Path, files: Iterable[tuple[Path, str]]) -> list[DropFile]:
    """Return the files with their checksums."""
    root = drop if drop.is_dir() else drop.parent
    return [DropFile(name, path, target, fingerprint(path, name)) for path, target in files for name in [path.relative_to(root).as_posix()]]


def drop_id(manifest: Mapping[str, Any], profile_digest: str, files: Iterable[DropFile]) -> str:
    """Return what makes a drop this drop: what its manifest says, how it is read, and what is in its files.

    Names and places do not count: a renamed drop is the same drop.
    """
    content = {
        "manifest": manifest,
        "profile": profile_digest,
        "files": sorted([file.target, file.fingerprint.sha256] for file in files),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]
