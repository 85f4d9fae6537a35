"""Profiles: how the files of a source are written, and how they become feeds.

A profile is a folder with profile.yaml and, for feeds whose files are shaped differently, one <feed>.sql each.
docs/how-to/profiles.md explains it with examples.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

import duckdb
import yaml

from orchestration.extracts.contract import feeds
from orchestration.extracts.errors import BadManifest, BadProfile
from orchestration.extracts.formats import NEGATIVE_STYLES, Formats
from orchestration.extracts.manifest import parse_manifest, read_text_yaml
from orchestration.extracts.text_files import Dialect

SHIPPED = Path(__file__).parent / "profiles"
CANONICAL = "canonical"
FILE_NAME = "profile.yaml"
WRITTEN_KEYS = frozenset(["encoding", "delimiter", "quote", "decimal_mark", "grouping_mark", "negative", "date_format", "timestamp_format"])
FILE_KEYS = WRITTEN_KEYS | {
    "pattern", "feed", "rows_of", "rename", "constants", "values", "numbers", "dates", "timestamps", "parquet_rounding"
}  # fmt: skip
# `defaults` may say whatever holds for every file.
DEFAULT_KEYS = FILE_KEYS - {"pattern", "feed", "rows_of"}


@dataclass(frozen=True)
class FileKind:
    """One kind of file: which files they are, how they are written, and the feed or the SQL input that they are."""

    name: str
    patterns: tuple[str, ...] = ()
    feed: str | None = None
    # Where the files are an input for SQL: the feed that a line counts for that cannot be taken apart.
    rows_of: str | None = None
    dialect: Dialect = field(default_factory=Dialect)
    formats: Formats = field(default_factory=Formats)
    rename: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, dict[str, str]] = field(default_factory=dict)
    # For an input of SQL: the columns that are numbers, dates or timestamps (a feed's columns have their types).
    numbers: tuple[str, ...] = ()
    # Dates and timestamps come with their format, which may differ from the file's.
    dates: Mapping[str, str] = field(default_factory=dict)
    timestamps: Mapping[str, str] = field(default_factory=dict)
    parquet_rounding: Mapping[str, int] = field(default_factory=dict)

    def matches(self, name: str) -> bool:
        """Whether a file of that name (within the drop) is of this kind."""
        return any(_matches(name, pattern) for pattern in self.patterns)


@dataclass(frozen=True)
class Profile:
    """How the files of one source become feeds."""

    name: str
    digest: str = ""
    manifest: Mapping[str, Any] = field(default_factory=dict)
    # No kinds of files: they are named as in the contract, and written as `default` says.
    kinds: tuple[FileKind, ...] = ()
    default: FileKind = field(default_factory=lambda: FileKind("default"))
    sql: Mapping[str, str] = field(default_factory=dict)

    def kind_of(self, name: str) -> FileKind | None:
        """Return the kind of the file called ``name`` within a drop, if it is one of the profile's."""
        return next((kind for kind in self.kinds if kind.matches(name)), None)


def find_profile(name: str, home: Path, *, may_be_a_path: bool) -> Profile:
    """Return the profile called ``name``: one that is shipped, one in <home>/profiles, or (if allowed) a folder.

    A manifest comes with the data, so it may only name a profile, not say where its SQL lies.
    """
    if may_be_a_path and (Path(name) / FILE_NAME).is_file():
        return read_profile(Path(name))
    if "/" not in name and name not in ("", ".", ".."):
        for folder in (home / "profiles" / name, SHIPPED / name):
            if (folder / FILE_NAME).is_file():
                return read_profile(folder)
    known = sorted(path.parent.name for path in SHIPPED.glob(f"*/{FILE_NAME}"))
    raise BadProfile(
        FILE_NAME,
        f"there is no profile {name!r}",
        remedy=f"Shipped are {', '.join(known)}; your own is a folder with {FILE_NAME} in it.",
    )


def read_profile(folder: Path) -> Profile:
    """Return the profile in ``folder``, or raise BadProfile."""
    text = (folder / FILE_NAME).read_text(encoding="utf-8")
    sql = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}
    try:
        said = read_text_yaml(text) or {}
    except yaml.YAMLError as error:
        raise BadProfile(FILE_NAME, f"it is no readable YAML ({' '.join(str(error).split())})") from error
    _only(said, {"description", "manifest", "defaults", "files"}, "")
    defaults = _mapping("defaults", said.get("defaults", {}))
    _only(defaults, DEFAULT_KEYS, "defaults.")
    kinds = tuple(_kind(name, {**defaults, **_mapping(f"files.{name}", kind)}) for name, kind in _mapping("files", said.get("files", {})).items())
    manifest = _mapping("manifest", said.get("manifest", {}))
    try:
        parse_manifest(manifest)
    except BadManifest as error:
        raise BadProfile(FILE_NAME, f"its manifest: {error.reason}") from error
    for feed, query in sql.items():
        _check_sql(feed, query, kinds)
    # The files of the shipped `canonical` say nothing, so a drop is the same with and without it.
    is_plain = not (kinds or defaults or manifest or sql)
    digest = "" if is_plain else hashlib.sha256(repr((text, sorted(sql.items()))).encode()).hexdigest()
    return Profile(folder.resolve().name, digest, manifest, kinds, _kind("default", defaults), sql)


def _kind(name: str, said: Mapping[str, Any]) -> FileKind:
    where = f"files.{name}."
    _only(said, FILE_KEYS, where)
    feed, rows_of = said.get("feed"), said.get("rows_of")
    for known in (feed, rows_of):
        if known is not None and known not in feeds():
            raise BadProfile(FILE_NAME, f"{where}feed is {known!r}, which is no feed")
    encoding = said.get("encoding", "utf-8")
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise BadProfile(FILE_NAME, f"{where}encoding {encoding!r} is unknown") from error
    dialect = Dialect(encoding, _mark(where, "delimiter", said, ","), _mark(where, "quote", said, '"'))
    negative = _texts(where + "negative", said.get("negative", "minus"))
    unknown = [style for style in negative if style not in NEGATIVE_STYLES]
    if unknown:
        raise BadProfile(FILE_NAME, f"{where}negative is {unknown[0]!r}, not one of {', '.join(NEGATIVE_STYLES)}")
    formats = Formats(
        decimal_mark=_mark(where, "decimal_mark", said, "."),
        grouping_mark=_mark(where, "grouping_mark", said, ""),
        negative=negative,
        date_format=said.get("date_format", Formats.date_format),
        timestamp_format=said.get("timestamp_format", ""),
    )
    if formats.decimal_mark == formats.grouping_mark or not formats.decimal_mark:
        raise BadProfile(FILE_NAME, f"{where}decimal_mark and grouping_mark cannot be told apart")
    rounding = _mapping(where + "parquet_rounding", said.get("parquet_rounding", {}))
    if not all(isinstance(decimals, str) and decimals in tuple("0123456789") for decimals in rounding.values()):
        raise BadProfile(FILE_NAME, f"{where}parquet_rounding does not say a number of decimals for each column")
    return FileKind(
        name=name,
        patterns=_texts(where + "pattern", said.get("pattern", [])),
        feed=feed,
        rows_of=rows_of,
        dialect=dialect,
        formats=formats,
        rename=_mapping(where + "rename", said.get("rename", {})),
        constants=_mapping(where + "constants", said.get("constants", {})),
        values={column: dict(_mapping(f"{where}values.{column}", values)) for column, values in _mapping(where + "values", said.get("values", {})).items()},
        numbers=_texts(where + "numbers", said.get("numbers", [])),
        dates=_formats(where + "dates", said.get("dates", []), formats.date_format),
        timestamps=_formats(where + "timestamps", said.get("timestamps", []), formats.timestamp_format),
        parquet_rounding={column: int(decimals) for column, decimals in rounding.items()},
    )


def _check_sql(feed: str, query: str, kinds: tuple[FileKind, ...]) -> None:
    name = f"{feed}.sql"
    if feed not in feeds():
        raise BadProfile(name, f"{feed} is no feed")
    if feed in {kind.feed for kind in kinds}:
        raise BadProfile(name, f"{FILE_NAME} already declares files that are {feed}")
    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        raise BadProfile(name, f"it cannot be parsed ({str(error).splitlines()[0]})") from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise BadProfile(name, "it is not one SELECT")


def _matches(name: str, pattern: str) -> bool:
    """Match part by part: a star does not cross folders."""
    parts, patterns = PurePosixPath(name).parts, PurePosixPath(pattern).parts
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def _mark(where: str, key: str, said: Mapping[str, Any], default: str) -> str:
    mark = {"tab": "\t", "space": " ", "none": ""}.get(said.get(key, default), said.get(key, default))
    if not isinstance(mark, str) or len(mark) > 1:
        raise BadProfile(FILE_NAME, f"{where}{key} is {mark!r}, not one character")
    return mark


def _only(said: Any, known: frozenset[str] | set[str], where: str) -> None:
    unknown = sorted(set(_mapping(where.rstrip(".") or "the profile", said)) - known)
    if unknown:
        raise BadProfile(FILE_NAME, f"it says {where}{unknown[0]}, which means nothing in a profile")


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadProfile(FILE_NAME, f"{name} is not a list of `key: value`")
    return value


def _formats(name: str, value: Any, default: str) -> dict[str, str]:
    """Return columns with their formats, from a list of columns or from `column: format`."""
    return dict(value) if isinstance(value, Mapping) else dict.fromkeys(_texts(name, value), default)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise BadProfile(FILE_NAME, f"{name} is neither a text nor a list of texts")
    return tuple(values)
