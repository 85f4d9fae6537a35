"""What the lake knows of a drop: one JSON document each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from orchestration.extracts.contract import feeds
from orchestration.extracts.drops import DropFile
from orchestration.extracts.land import FeedLanding


@dataclass(frozen=True)
class DropRecord:
    """One landed drop."""

    drop_id: str
    extracted_at: datetime
    books_through: date
    loaded_at: datetime
    profile: str
    source_id: str
    path: str
    scope_companies: tuple[str, ...] | None
    scope_posting_from: date | None
    # Whether the source said when it was read; else it is the moment of loading.
    has_own_time: bool
    # By feed: mode, rows_in, rows_loaded, rows_rejected, rows_duplicate, has_unreadable_key.
    feeds: Mapping[str, Mapping[str, Any]]
    # For each file and feed that it delivers, its row of the load audit.
    files: Sequence[Mapping[str, Any]]

    @property
    def order(self) -> tuple[datetime, str]:
        """The drop's place in the order of knowledge."""
        return self.extracted_at, self.drop_id

    def total(self, what: str) -> int:
        """Return one of the counts of rows over all feeds."""
        return sum(feed[what] for feed in self.feeds.values())

    def as_json(self) -> dict[str, Any]:
        """Return the record as JSON takes it."""
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in self.__dict__.items()}


def read_record(path: Path) -> DropRecord:
    """Return the record in the file ``path``."""
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


def feed_counts(landed: FeedLanding) -> dict[str, Any]:
    """Return what a drop's record says of one feed."""
    counts = {name: sum(getattr(count, name) for count in landed.counts) for name in ("rows_in", "rows_loaded", "rows_rejected", "rows_duplicate")}
    return {"mode": landed.mode, **counts, "has_unreadable_key": landed.has_unreadable_key}


def file_counts(landed: FeedLanding, files: Iterable[DropFile], notes: Iterable[str]) -> list[dict[str, Any]]:
    """Return what a drop's record says of the files that deliver one feed."""
    by_name = {file.name: file.fingerprint for file in files}
    return [
        {
            "system": feeds()[landed.feed].system,
            "feed": landed.feed,
            "file": count.file,
            "sha256": by_name[count.file].sha256,
            "bytes": by_name[count.file].size,
            "rows_in": count.rows_in,
            "rows_loaded": count.rows_loaded,
            "rows_rejected": count.rows_rejected,
            "rows_duplicate": count.rows_duplicate,
            "note": "; ".join([*landed.notes, *notes]),
        }
        for count in landed.counts
    ]
