"""What every workbook is made of: sheets that print alike, typed cells, totals as formulas, and text that is never a formula or a link."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZipFile

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from orchestration.reports import money

# The library has no word for how hard to compress: at the lowest level a workbook is a quarter larger, and costs a quarter of the time.
xlsxwriter.workbook.ZipFile = partial(ZipFile, compresslevel=1)

SHEET_ROWS = 1_048_576
LONGEST_TEXT = 32_767
INK, PAPER, RULE, ACCENT, QUIET = "#1F2933", "#F3F5F7", "#C5CDD5", "#1F4E79", "#66727F"
# Excel counts in doubles: beyond 15 digits an amount would be another one.
MOST_DIGITS = 15
HEAD_ROWS = 4  # title, subtitle, a blank row, headings
# The day 0 of a spreadsheet's calendar, as it counts from March 1900 on.
DAY_ZERO = date(1899, 12, 30).toordinal()
# What text must not hold to stand in a cell's XML as it is.
SPECIAL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff&<>]|_x|^\s|\s$")


class TooManyDigits(ValueError):
    """An amount that a spreadsheet cannot hold exactly."""


@dataclass(frozen=True)
class Formula:
    """A formula with its value, for readers that do not calculate."""

    text: str
    value: Decimal


Cell = Decimal | int | date | str | Formula | None


class LongSheet(Worksheet):  # type: ignore[misc]
    """A sheet of very many rows, written a row at a time.

    The library takes eight microseconds for a cell, half of what a report costs (decision 0016). The rows go where it puts its own, and read the same.
    """

    def write_cells(self, row: int, cells: Iterable[tuple[Cell, Format]]) -> None:
        """Write a row from its first column on; rows come in order. None leaves a cell out; text is text, whatever it begins with."""
        self._write_single_row(row)
        number, column, written = row + 1, 0, []
        for column, (value, style) in enumerate(cells):
            if value is None:
                continue
            place = f'r="{_letters(column)}{number}" s="{style._get_xf_index()}"'
            if isinstance(value, str):
                written.append(f'<c {place} t="inlineStr"><is>{_inline(value)}</is></c>' if value else f"<c {place}/>")
            elif isinstance(value, Formula):
                written.append(f"<c {place}><f>{escape(value.text)}</f><v>{_figure(value.value)}</v></c>")
            elif isinstance(value, Decimal):
                written.append(f"<c {place}><v>{_figure(value)}</v></c>")
            else:
                count = value if isinstance(value, int) else value.toordinal() - DAY_ZERO
                written.append(f"<c {place}><v>{count:.16G}</v></c>")
        self._put(row, column, f'<row r="{number}">{"".join(written)}</row>')

    def write_whole_row(self, row: int, last_column: int, xml: str) -> None:
        """Write a row that is XML already, with cells up to ``last_column``."""
        self._write_single_row(row)
        self._put(row, last_column, xml)

    def _put(self, row: int, last_column: int, xml: str) -> None:
        if self._check_dimensions(row, last_column):
            raise ValueError(f"row {row + 1} is beyond the sheet")
        self.fh.write(xml)


def _figure(value: Decimal) -> str:
    """Return an amount as a cell's XML holds it. Few have so many characters that they have to be looked at."""
    text = str(value)
    return text if len(text) <= MOST_DIGITS else f"{exact(value):.16G}"


@cache
def _letters(column: int) -> str:
    return str(xl_col_to_name(column))


def _inline(text: str) -> str:
    """Return text as a cell's XML holds it."""
    text = fitting(text)
    # A cell's length counts what is written as two characters twice.
    if len(text) > LONGEST_TEXT // 2 and len(text.encode("utf-16-le")) // 2 > LONGEST_TEXT:
        raise ValueError(f"{text[:40]!r} could not be written to a cell")
    if not SPECIAL.search(text):
        return f"<t>{text}</t>"
    kept = ' xml:space="preserve"' if text != text.strip() else ""
    return f"<t{kept}>{escape(Worksheet._escape_control_characters(text))}</t>"


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
        return self._set_up(self._book.add_worksheet(name))

    def add_long(self, name: str) -> LongSheet:
        """Add a sheet of very many rows, which prints like the others."""
        sheet: LongSheet = self._set_up(self._book.add_worksheet(name, LongSheet))
        return sheet

    def _set_up(self, sheet: Worksheet) -> Worksheet:
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
        sheet.set_header(f"&L&9{self._title}&C&9{sheet.get_name()}&R&9{self._date_line}")
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


def fitting(text: str) -> str:
    """Return text as far as a cell can hold it; what was cut ends with a mark."""
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def write_text(sheet: Worksheet, row: int, column: int, value: str | None, style: Format) -> None:
    """Write text as text, whatever it begins with."""
    if value is None or value == "":
        sheet.write_blank(row, column, None, style)
        return
    if sheet.write_string(row, column, fitting(value), style):
        raise ValueError(f"{value[:40]!r} could not be written to a cell")


def write_amount(sheet: Worksheet, row: int, column: int, value: Decimal, style: Format) -> None:
    sheet.write_number(row, column, exact(value), style)


def exact(value: Decimal) -> Decimal:
    # Most have fewer characters than they may have digits.
    if len(str(value)) > MOST_DIGITS and len(value.normalize().as_tuple().digits) > MOST_DIGITS:
        raise TooManyDigits(f"{value} has more digits than a spreadsheet can hold exactly")
    return value


def write_formula(sheet: Worksheet, row: int, column: int, formula: str, style: Format, value: Decimal | None) -> None:
    """Write a formula with its value, for readers that do not calculate."""
    sheet.write_formula(row, column, formula, style, "" if value is None else exact(value))


def finish_sheet(sheet: Worksheet, rows: int, columns: int, frozen_columns: int) -> None:
    sheet.freeze_panes(HEAD_ROWS, frozen_columns)
    sheet.repeat_rows(3)
    sheet.autofilter(HEAD_ROWS - 1, 0, HEAD_ROWS - 1 + max(rows, 1), columns - 1)
