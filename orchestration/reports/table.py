"""The report as CSV for other programs: one row per open item, exact decimals, and text that no spreadsheet runs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from orchestration.reports.figures import Item
from orchestration.terminal import safe_cell

NAMES = ("customer_name", "bucket_label")


def write(path: Path, columns: Sequence[str], items: Iterable[Item]) -> None:
    """Write the open items with every column that was frozen; UTF-8 with a byte order mark, so that spreadsheets read names right."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*columns, *NAMES])
        for item in items:
            writer.writerow([safe_cell(item.values[name]) for name in (*columns, *NAMES)])
