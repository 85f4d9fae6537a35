"""The published file that a page shows: opened read-only, one connection per version, one cursor per query."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration import published
from orchestration.settings import Home

Record = dict[str, Any]
Read = Callable[[str, Mapping[str, Any]], list[Record]]

# A reader needs no files, no network and no extensions.
READ_ONLY: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
}
NAMED = re.compile(r"\$([a-z_]+)")


@dataclass(frozen=True)
class Shown:
    """The version that one rerun shows from its first line to its last."""

    version: published.Version
    read: Read

    @property
    def as_of(self) -> str:
        """The date that its books are read at, ISO."""
        return str(self.version.pointer["as_of"])


def connect(file: Path) -> duckdb.DuckDBPyConnection:
    """Open a published file; it never changes, so the connection is good for as long as anyone looks at it."""
    return duckdb.connect(str(file), read_only=True, config=READ_ONLY)


def reader(con: duckdb.DuckDBPyConnection) -> Read:
    """Return a function that answers queries; each gets the named parameters that it mentions, and a cursor of its own."""

    def read(sql: str, parameters: Mapping[str, Any]) -> list[Record]:
        mentioned = set(NAMED.findall(sql))
        with con.cursor() as cursor:
            cursor.execute(sql, {name: value for name, value in parameters.items() if name in mentioned})
            names = [column[0] for column in cursor.description or []]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    return read


def in_force(home: Home, open_file: Callable[[Path], duckdb.DuckDBPyConnection] = connect) -> tuple[published.Version, duckdb.DuckDBPyConnection]:
    """Return the version in force (or the last good one) and a connection to its file."""
    while True:
        version = published.find(home)
        try:
            return version, open_file(version.file)
        except duckdb.IOException:
            # Between reading the pointer and opening the file a newer version may have been published and this one dropped.
            if version.file.exists():
                raise
