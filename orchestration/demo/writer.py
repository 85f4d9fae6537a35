"""Writes the drops: one CSV file a feed, and a manifest with the control totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb

from orchestration.demo import days
from orchestration.demo.feeds import FEEDS, Feed


def write(connection: duckdb.DuckDBPyConnection, out: Path, progress: Callable[[str], None]) -> tuple[list[str], dict[str, int]]:
    """Write every drop into its folder of the inbox; returns the folders' names and the rows by feed."""
    names, row_counts = [], Counter[str]()
    for drop, books_through in enumerate(days.BOOKS_THROUGH.tolist()):
        extracted = days.date_of(books_through) + timedelta(days=1)
        folder = out / f"{extracted}_{'history' if drop == 0 else 'weekly'}"
        progress(f"writing {folder.name}")
        controls = {}
        for feed in FEEDS:
            control = _write_feed(connection, folder, feed, drop)
            if control is not None:
                controls[feed] = control
                row_counts[feed.name] += control[0]
        (folder / "manifest.yaml").write_text(_manifest(drop, books_through, controls), encoding="utf-8")
        names.append(folder.name)
    return names, dict(row_counts)


def _write_feed(connection: duckdb.DuckDBPyConnection, folder: Path, feed: Feed, drop: int) -> tuple[int, str | None] | None:
    """Write one feed of one drop; returns its rows and total, None where the drop does not bring it."""
    query = feed.query.format(drop=drop, books_through=int(days.BOOKS_THROUGH[drop]))
    total = f"sum({feed.total}::decimal(38, 9))" if feed.total else "null"
    found = connection.execute(f"select count(*), {total} from ({query})").fetchone()
    assert found is not None
    rows, amount = found
    if rows == 0:
        return None
    (folder / feed.system).mkdir(parents=True, exist_ok=True)
    file = folder / feed.system / f"{feed.name}.csv{'.gz' if feed.is_large and drop == 0 else ''}"
    connection.execute(f"copy ({query}) to '{str(file).replace(chr(39), chr(39) * 2)}' (format csv, header)")
    return rows, None if amount is None else f"{amount.normalize():f}"


def _manifest(drop: int, books_through: int, controls: dict[Feed, tuple[int, str | None]]) -> str:
    through = days.date_of(books_through)
    lines = [
        f"extracted_at: {through + timedelta(days=1)}T06:00:00Z",
        f"books_through: {through}",
        f"mode: {'full' if drop == 0 else 'incremental'}",
        "profile: canonical",
        "feeds:",
    ]
    for feed, (rows, total) in controls.items():
        parts = ["mode: full"] if feed.is_full and drop > 0 else []
        parts.append(f"rows: {rows}")
        if total is not None:
            parts.append(f'total: {{{feed.total}: "{total}"}}')
        lines.append(f"  {feed.name}: {{{', '.join(parts)}}}")
    return "\n".join(lines) + "\n"
