"""What every workbook is made of: sheets that print alike, typed cells, totals as formulas, and text that is never a formula or a link."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from orchestration.reports import money

SHEET_ROWS = 1_048_576
LONGEST_TEXT = 32_767
INK, PAPER, RULE, ACCENT, QUIET = "#1F2933", "#F3F5F7", "#C5CDD5", "#1F4E79", "#66727F"
# Excel counts in doubles: beyond 15 digits an amount would be another one.
MOST_DIGITS = 15
HEAD_ROWS = 4  # title, subtitle, a blank row, headings


class TooManyDigits(ValueError):
    """An amount that a spreadsheet cannot hold exactly."""


@contextmanager
def new_workbook(path: Path, title: str, created: datetime) -> Iterator[xlsxwriter.Workbook]:
    """Open a workbook that is written row by row; text is never taken for a formula, a link or a number."""
    options = {"constant_memory": True, "tmpdir": str(path.parent), "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(path, options) as book:
        book.set_properties({"title": title, "created": created})
        yield book


def sheet_names(name: str, rows: int, sheet_rows: int) -> list[str]:
    """Return as many sheet names as the rows need: what one sheet cannot hold goes on in the next, nothing is cut."""
    sheets = max(1, -(-rows // (sheet_rows - HEAD_ROWS)))
    return [name if number == 1 else f"{name} {number}" for number in range(1, sheets + 1)]


class Sheets:
    """Adds sheets that print alike, and the formats that they share."""

    def __init__(self, book: xlsxwriter.Workbook, title: str, date_line: str, footer: str) -> None:
        self._book, self._title, self._date_line, self._footer = book, title, date_line, footer
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}

    def add(self, name: str) -> Worksheet:
        """Add a sheet: landscape A4, one page wide, page numbers in the footer."""
        sheet = self._book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
        sheet.set_header(f"&L&9{self._title}&C&9{name}&R&9{self._date_line}")
        sheet.set_footer(f"&L&8{self._footer}&R&8Page &P of &N")
        return sheet

    def format(self, **properties: Any) -> Format:
        """Return the format with these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format({"font_name": "Calibri", "font_size": 10, "font_color": INK, "valign": "vcenter"} | properties)
        return self._formats[key]

    def money(self, currency: str, **properties: Any) -> Format:
        """Return the number format of a currency: its own decimals, thousands apart, a dash for nothing."""
        digits = money.decimals(currency)
        number = "#,##0" + ("." + "0" * digits if digits else "")
        return self.format(num_format=f'{number};-{number};"{money.NOTHING}"', align="right", **properties)

    def title(self, sheet: Worksheet, title: str, subtitle: str) -> None:
        """Write the two lines that every sheet begins with."""
        sheet.set_row(0, 24)
        write_text(sheet, 0, 0, title, self.format(font_size=16, bold=True, font_color=ACCENT))
        write_text(sheet, 1, 0, subtitle, self.format(font_color=QUIET))

    def headings(self, sheet: Worksheet, row: int, headings: Sequence[tuple[str, bool]]) -> None:
        """Write column headings; numbers' headings to the right."""
        sheet.set_row(row, 30)
        for column, (heading, is_number) in enumerate(headings):
            style = self.format(bold=True, font_color="#FFFFFF", bg_color=ACCENT, text_wrap=True, align="right" if is_number else "left", border_color=ACCENT)
            write_text(sheet, row, column, heading, style)


def write_text(sheet: Worksheet, row: int, column: int, value: str | None, style: Format) -> None:
    """Write text as text, whatever it begins with; what no cell can hold ends with a mark."""
    if value is None or value == "":
        sheet.write_blank(row, column, None, style)
        return
    if sheet.write_string(row, column, value if len(value) <= LONGEST_TEXT else value[: LONGEST_TEXT - 1] + "…", style):
        raise ValueError(f"{value[:40]!r} could not be written to a cell")


def write_amount(sheet: Worksheet, row: int, column: int, value: Decimal, style: Format) -> None:
    sheet.write_number(row, column, exact(value), style)


def exact(value: Decimal) -> Decimal:
    if len(value.normalize().as_tuple().digits) > MOST_DIGITS:
        raise TooManyDigits(f"{value} has more digits than a spreadsheet can hold exactly")
    return value


def write_formula(sheet: Worksheet, row: int, column: int, formula: str, style: Format, value: Decimal | None) -> None:
    """Write a formula with its value, for readers that do not calculate."""
    sheet.write_formula(row, column, formula, style, "" if value is None else exact(value))


def finish_sheet(sheet: Worksheet, rows: int, columns: int, frozen_columns: int) -> None:
    sheet.freeze_panes(HEAD_ROWS, frozen_columns)
    sheet.repeat_rows(3)
    sheet.autofilter(HEAD_ROWS - 1, 0, HEAD_ROWS - 1 + max(rows, 1), columns - 1)
