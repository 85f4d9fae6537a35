"""The report as CSV for other programs: one row per open item, exact decimals, and text that no spreadsheet runs."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from orchestration.reports.figures import Report
from orchestration.reports.workbook import Item
from orchestration.terminal import safe_cell

NAMES = ("customer_name", "bucket_label")


def write(path: Path, report: Report, items: Iterator[Item]) -> None:
    """Write the open items with every column that was frozen; UTF-8 with a byte order mark, so that spreadsheets read names right."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        columns: list[str] = []
        for item in items:
            if not columns:
                columns = [name for name in item.values if name not in (*NAMES, "collector")] + list(NAMES)
                writer.writerow(columns)
            writer.writerow([safe_cell(item.values[name]) for name in columns])
        if not columns:
            writer.writerow(EMPTY)


# What an empty week has for a heading: the columns that the totals are made of.
EMPTY = ("snapshot_date", "company_id", "currency", "open_amount", "base_currency", "open_amount_base")
