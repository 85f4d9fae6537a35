"""manifest.yaml: when a drop was taken, how far the books go, what the drop covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from orchestration.extracts.contract import feeds
from orchestration.extracts.errors import BadManifest

FILE_NAME = "manifest.yaml"
MODES = ("full", "incremental", "open_items")
KEYS = frozenset(
    {"extracted_at", "books_through", "mode", "scope", "feeds", "profile", "source_id", "time_zone"}
    # Said to people, not to the warehouse.
    | {"name", "description", "comment", "note"}
)


@dataclass(frozen=True)
class FeedManifest:
    """What the manifest says of one feed."""

    mode: str | None = None
    rows: int | None = None
    totals: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """What a drop says of itself; what it leaves out has the contract's default."""

    extracted_at: datetime | None = None
    books_through: date | None = None
    mode: str = "full"
    scope_companies: tuple[str, ...] | None = None
    scope_posting_from: date | None = None
    feeds: Mapping[str, FeedManifest] = field(default_factory=dict)
    profile: str | None = None
    source_id: str = ""
    time_zone: str = "UTC"

    def mode_of(self, feed: str) -> str:
        """Return how ``feed`` is delivered. Only documents can be open items: around them the other feeds are full."""
        declared = self.feeds.get(feed, FeedManifest()).mode or self.mode
        return "full" if declared == "open_items" and feed != "documents" else declared

    def books_closed_on(self, extracted_at: datetime) -> date:
        """Return the last complete day in the books of a drop that was taken at ``extracted_at`` (UTC, naive)."""
        if self.books_through:
            return self.books_through
        local = extracted_at.replace(tzinfo=UTC).astimezone(ZoneInfo(self.time_zone))
        return local.date() - timedelta(days=1)


class _TextLoader(yaml.BaseLoader):
    """YAML with every scalar as the text that it is: 98765.43 must not become a float, nor a date a date."""


def _mapping_without_doubles(loader: _TextLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    content: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    if len(content) < len(node.value):
        raise yaml.YAMLError("a key stands there twice")
    return content


_TextLoader.add_constructor("tag:yaml.org,2002:map", _mapping_without_doubles)


def read_text_yaml(text: str) -> Any:
    """Parse YAML, leaving every scalar a string; a key that stands there twice is an error."""
    return yaml.load(text, Loader=_TextLoader)


def read_manifest(drop: Path, defaults: Mapping[str, Any] | None = None) -> tuple[Manifest, Mapping[str, Any]]:
    """Return the manifest of the drop in folder ``drop`` and its content as written (empty if there is none).

    ``defaults`` are the manifest keys that a profile sets; what the drop says itself wins over them.
    """
    path = drop / FILE_NAME
    content: Mapping[str, Any] = {}
    if path.is_file():
        try:
            content = read_text_yaml(path.read_text(encoding="utf-8")) or {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise BadManifest(FILE_NAME, f"it is no readable YAML ({' '.join(str(error).split())})") from error
    return parse_manifest({**(defaults or {}), **_mapping("the manifest", content)}), content


def parse_manifest(content: Mapping[str, Any]) -> Manifest:
    """Return the manifest that ``content`` (YAML with text scalars) describes, or raise BadManifest."""
    _only(content, KEYS, "")
    scope = _mapping("scope", content.get("scope") or {})
    _only(scope, {"companies", "posting_from"}, "scope.")
    per_feed = _mapping("feeds", content.get("feeds") or {})
    _only(per_feed, set(feeds()), "feeds.")
    companies = scope.get("companies")
    time_zone = _text("time_zone", content.get("time_zone")) or "UTC"
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadManifest(FILE_NAME, f"time_zone {time_zone!r} is unknown") from error
    return Manifest(
        extracted_at=_moment("extracted_at", content.get("extracted_at")),
        books_through=_day("books_through", content.get("books_through")),
        mode=_mode("mode", content.get("mode")) or "full",
        scope_companies=None if companies is None else tuple(_list("scope.companies", companies)),
        scope_posting_from=_day("scope.posting_from", scope.get("posting_from")),
        feeds={name: _feed(name, said) for name, said in per_feed.items()},
        profile=_text("profile", content.get("profile")) or None,
        source_id=_text("source_id", content.get("source_id")) or "",
        time_zone=time_zone,
    )


def _feed(name: str, said: Any) -> FeedManifest:
    said = _mapping(f"feeds.{name}", said or {})
    _only(said, {"mode", "rows", "total"}, f"feeds.{name}.")
    mode = _mode(f"feeds.{name}.mode", said.get("mode"))
    if mode == "open_items" and name != "documents":
        raise BadManifest(FILE_NAME, f"feeds.{name}.mode is open_items, which only documents can be")
    rows = said.get("rows")
    if rows is not None and not (isinstance(rows, str) and rows.isdecimal()):
        raise BadManifest(FILE_NAME, f"feeds.{name}.rows is {rows!r}, which is no number of rows")
    totals = {}
    for column, total in _mapping(f"feeds.{name}.total", said.get("total") or {}).items():
        if column not in feeds()[name].column_names:
            raise BadManifest(FILE_NAME, f"feeds.{name}.total names {column!r}, which is no column of {name}")
        try:
            totals[column] = Decimal(_text(f"feeds.{name}.total.{column}", total))
        except InvalidOperation as error:
            raise BadManifest(FILE_NAME, f"feeds.{name}.total.{column} is {total!r}, which is no amount") from error
    return FeedManifest(mode=mode, rows=None if rows is None else int(rows), totals=totals)


def _only(content: Mapping[str, Any], known: frozenset[str] | set[str], prefix: str) -> None:
    unknown = sorted(set(content) - known)
    if unknown:
        raise BadManifest(FILE_NAME, f"it says {prefix}{unknown[0]}, which means nothing to the warehouse")


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadManifest(FILE_NAME, f"{name} is not a list of `key: value`")
    return value


def _list(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadManifest(FILE_NAME, f"{name} is not a list")
    return [item.strip() for item in value]


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadManifest(FILE_NAME, f"{name} is not a single value")
    return value.strip()


def _mode(name: str, value: Any) -> str | None:
    mode = _text(name, value)
    if mode and mode not in MODES:
        raise BadManifest(FILE_NAME, f"{name} is {mode!r}, not one of {', '.join(MODES)}")
    return mode or None


def _day(name: str, value: Any) -> date | None:
    text = _text(name, value)
    if not text:
        return None
    try:
        day = date.fromisoformat(text) if len(text) == len("2026-01-31") else None
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year <= 2100:
        raise BadManifest(FILE_NAME, f"{name} is {text!r}, not a date like 2026-01-31")
    return day


def _moment(name: str, value: Any) -> datetime | None:
    """Return a moment as naive UTC; without an offset it is UTC."""
    text = _text(name, value)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadManifest(FILE_NAME, f"{name} is {text!r}, not a moment like 2026-01-31T06:00:00Z") from error
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    if not 1900 <= moment.year <= 2100:
        raise BadManifest(FILE_NAME, f"{name} is {text!r}, which is no sensible year")
    return moment
