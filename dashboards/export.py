"""What leaves the app: complete tables as XLSX or CSV, typed; a text is never a formula or a link, an amount never rounded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

from dashboards.formatting import minor_units
from dashboards.tables import Column
from dashboards.warehouse import Record
from orchestration.terminal import safe_cell

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
# A sheet holds 1,048,576 rows; the first is the heading. What does not fit goes on in the next sheet.
SHEET_ROWS = 1_048_575
# A spreadsheet keeps 15 significant digits: a number with more would change, so it is written as text.
EXACT_DIGITS = 15
NO_SURPRISES = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True, "nan_inf_to_errors": False}


@dataclass(frozen=True)
class Sheet:
    """One table of a workbook."""

    name: str
    columns: Sequence[Column]
    records: Sequence[Record]


def workbook(sheets: Sequence[Sheet], about: Sequence[tuple[str, Any]]) -> bytes:
    """Return an XLSX file: a sheet that says what this is, then the tables."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, NO_SURPRISES)
    bold = book.add_format({"bold": True})
    formats = _Formats(book)
    first = book.add_worksheet("About")
    first.set_column(0, 0, 24)
    first.set_column(1, 1, 80)
    for row, (label, value) in enumerate(about):
        first.write_string(row, 0, label, bold)
        _write(first, row, 1, value, formats.of(value, Column("", "", "text")))
    for sheet in sheets:
        for name, records in _split(sheet):
            page = book.add_worksheet(name)
            page.freeze_panes(1, 0)
            for at, column in enumerate(sheet.columns):
                page.write_string(0, at, column.label, bold)
                page.set_column(at, at, 16 if column.kind != "text" else 24)
            for row, record in enumerate(records, start=1):
                for at, column in enumerate(sheet.columns):
                    value = record.get(column.name)
                    currency = column.currency_of(record) if column.kind in ("money", "coded") and value is not None else ""
                    _write(page, row, at, value, formats.of(value, column, currency))
            if records:
                page.autofilter(0, 0, len(records), len(sheet.columns) - 1)
    book.close()
    return buffer.getvalue()


def comma_separated(columns: Sequence[Column], records: Sequence[Record]) -> bytes:
    """Return a CSV file in UTF-8 with a byte order mark, headed by the columns' names."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([column.name for column in columns])
    writer.writerows([safe_cell(record.get(column.name)) for column in columns] for record in records)
    return b"\xef\xbb\xbf" + buffer.getvalue().encode("utf-8")


def _split(sheet: Sheet) -> Iterator[tuple[str, Sequence[Record]]]:
    if len(sheet.records) <= SHEET_ROWS:
        yield sheet.name, sheet.records
        return
    for number, start in enumerate(range(0, len(sheet.records), SHEET_ROWS), start=1):
        yield f"{sheet.name} {number}", sheet.records[start : start + SHEET_ROWS]


class _Formats:
    """The number formats of a workbook, each made once."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._made: dict[str, Any] = {}

    def of(self, value: Any, column: Column, currency: str = "") -> Any:
        """Return the format of a value in a column, None for text."""
        match value:
            case bool() | str() | None:
                return None
            case datetime():
                return self._format("yyyy-mm-dd hh:mm:ss")
            case date():
                return self._format("yyyy-mm-dd")
            case _ if currency:
                decimals = minor_units(currency)
                return self._format(f"#,##0{'.' if decimals else ''}{'0' * decimals}")
            case _ if column.kind == "percent":
                return self._format("0.0%")
            case _:
                return self._format("General")

    def _format(self, pattern: str) -> Any:
        if pattern not in self._made:
            self._made[pattern] = self._book.add_format({"num_format": pattern})
        return self._made[pattern]


def _write(page: Any, row: int, at: int, value: Any, style: Any) -> None:
    match value:
        case None:
            return
        case bool():
            page.write_boolean(row, at, value)
        case Decimal() if len(value.normalize().as_tuple().digits) > EXACT_DIGITS:
            page.write_string(row, at, f"{value:f}")
        case int() | Decimal():
            page.write_number(row, at, value, style)
        case datetime() | date():
            page.write_datetime(row, at, value, style)
        case _:
            page.write_string(row, at, str(value))
