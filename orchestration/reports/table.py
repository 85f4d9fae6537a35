"""The report as CSV for other programs: one row per open item, exact decimals, and text that no spreadsheet runs."""

from __future__ import annotations

from pathlib import Path

from orchestration.reports.items import NAMES, Items

LINE_END = "\r\n"


def write(path: Path, items: Items) -> None:
    """Write the open items with every column that was frozen; UTF-8 with a byte order mark, so that spreadsheets read names right."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        file.write(",".join((*items.columns, *NAMES[:2])) + LINE_END)
        file.writelines(line + LINE_END for line in items.csv_lines())
