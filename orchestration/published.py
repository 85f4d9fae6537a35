"""The version that readers see: found through the pointer, verified, opened read-only."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import ArwError
from orchestration.files import sha256_of
from orchestration.settings import Home

POINTER_KEYS = ("file", "version", "as_of", "known_at", "published_at", "sha256", "row_counts", "checks")

# Versions that were in force are named after the moment of publishing. One of the books as known at a past moment is called `known_at_...`: it stands in for
# no other, and is never deleted by itself.
IN_TURN = "ar_[0-9]*"
AS_KNOWN = "known_at_"

# A file is read whole to verify it once per process, and not at all where the publisher's note beside it says that nothing touched it since.
_verified: set[tuple[str, ...]] = set()
# Ends the name of that note.
NOTE = ".verified"


class NothingPublished(ArwError):
    """There is no version that can be served."""


@dataclass(frozen=True)
class Version:
    """One published version; ``warning`` says why it is not the one that the pointer names."""

    file: Path
    pointer: dict[str, Any]
    warning: str | None = None

    @property
    def contacts_file(self) -> Path:
        """Personal data of the same version, for those who may."""
        return self.file.with_name(f"{self.file.stem}_contacts.duckdb")

    @property
    def name(self) -> str:
        """The version's name; later versions sort after earlier ones."""
        return str(self.pointer["version"])


def find(home: Home) -> Version:
    """Return the version in force, or the newest undamaged one when the pointer or its file is damaged."""
    pointer, unreadable = _read_pointer(home.pointer)
    damage = _damage(home, pointer) if pointer else unreadable
    if pointer and damage is None:
        return Version(home.published / pointer["file"], pointer)
    for record in sorted(home.published.glob(f"{IN_TURN}.json"), reverse=True):
        candidate, _ = _read_pointer(record)
        if candidate and candidate != pointer and _damage(home, candidate) is None:
            return Version(
                home.published / candidate["file"],
                candidate,
                f"{damage}; showing {candidate['version']} (as of {candidate['as_of']}), the last good version. `arw build` and `arw publish` make a new one.",
            )
    if home.pointer.exists() or any(home.published.glob(f"{IN_TURN}.duckdb")):
        raise NothingPublished(
            f"{damage}, and no earlier version in {home.published} is undamaged. "
            "Nothing was changed. `arw build` and `arw publish` make a new version from the lake."
        )
    raise NothingPublished(f"Nothing is published in {home.root} yet. `arw run PATH` loads, builds and publishes.")


def named(home: Home, name: str) -> Version:
    """Return the version called ``name``, whichever is in force; refuse one that is not there, or damaged."""
    there = sorted(path.stem.removeprefix("ar_") for path in home.published.glob("ar_*.json"))
    if name not in there:
        raise NothingPublished(f"There is no version {name!r} in {home.published}. Nothing was changed. The versions are: {', '.join(there) or 'none'}.")
    pointer, damage = _read_pointer(home.published / f"ar_{name}.json")
    damaged = _damage(home, pointer) if pointer else damage
    if pointer is None or damaged:
        raise NothingPublished(f"{damaged}. Nothing was changed. `arw build` and `arw publish`, or `arw build --known-at`, make it anew from the lake.")
    return Version(home.published / pointer["file"], pointer)


def named_if_there(home: Home, name: str) -> Version | None:
    """Return the version called ``name``; None when it is not there, or damaged."""
    with suppress(NothingPublished):
        return named(home, name)
    return None


def as_known(home: Home) -> list[dict[str, Any]]:
    """Return what the records of the versions of the books as known at a past moment say, the earliest moment first."""
    records = [_read_pointer(path)[0] for path in home.published.glob(f"ar_{AS_KNOWN}*.json")]
    return sorted((record for record in records if record), key=lambda record: (record["known_at"], record["version"]))


def open(home: Home, config: dict[str, Any] | None = None) -> tuple[duckdb.DuckDBPyConnection, Version]:
    """Open the version in force, read-only."""
    while True:
        version = find(home)
        try:
            return duckdb.connect(str(version.file), read_only=True, config=config or {}), version
        except duckdb.IOException:
            # Between reading the pointer and opening the file it may have been replaced, and dropped as the oldest.
            if version.file.exists():
                raise


def _read_pointer(path: Path) -> tuple[dict[str, Any] | None, str]:
    try:
        pointer = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None, f"{path.name} is missing"
    except (OSError, ValueError) as error:
        return None, f"{path.name} cannot be read ({error})"
    if not isinstance(pointer, dict) or any(key not in pointer for key in POINTER_KEYS):
        return None, f"{path.name} lacks one of {', '.join(POINTER_KEYS)}"
    if Path(pointer["file"]).name != pointer["file"]:
        return None, f"{path.name} points outside its folder"
    return pointer, ""


def was_hashed(path: Path, sha256: str) -> None:
    """Take a file that this process has just put in its place, under this checksum of its own, for verified, and leave a note of it for other processes."""
    identity = _identity(path, sha256)
    _verified.add(identity)
    path.with_suffix(NOTE).write_text(json.dumps(identity), encoding="utf-8")


def _identity(path: Path, sha256: str) -> tuple[str, ...]:
    """Return what differs once a file was written to, replaced or copied (nobody sets the time of its last change back), or for another checksum."""
    stat = path.stat()
    return path.name, sha256, str(stat.st_ino), str(stat.st_size), str(stat.st_mtime_ns), str(stat.st_ctime_ns)


def _is_noted(path: Path, identity: tuple[str, ...]) -> bool:
    try:
        noted: list[str] = json.loads(path.with_suffix(NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return noted == list(identity)


def _damage(home: Home, pointer: dict[str, Any]) -> str | None:
    """Say what is wrong with the version's file, or None."""
    path = home.published / pointer["file"]
    try:
        identity = _identity(path, str(pointer["sha256"]))
        if identity in _verified or _is_noted(path, identity):
            return None
        if sha256_of(path) != pointer["sha256"]:
            return f"{path.name} does not have the checksum that it was published with"
    except FileNotFoundError:
        return f"{path.name} is missing"
    except OSError as error:
        return f"{path.name} cannot be read ({error})"
    _verified.add(identity)
    return None
