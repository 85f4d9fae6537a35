"""A sheet that is written a row at a time reads as one that the library wrote cell by cell."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook

from orchestration.reports.sheets import LONGEST_TEXT, Sheets, TooManyDigits, new_workbook, write_amount, write_text

ROWS: list[list[Decimal | int | date | str | None]] = [
    [1, "plain", Decimal("1234.560"), date(2026, 10, 23), None],
    [2, "", Decimal("0.000"), date(1999, 12, 31), "after a cell that was left out"],
    [3, "=1+1", Decimal("-99999999999.999"), date(2400, 2, 29), "<b>& \"quoted\" 'too'</b>"],
    [-4, " spaces around ", Decimal("0.001"), None, "tab\tline\nend"],
    [5, "_x0041_ is no A", Decimal("1E+3"), date(2026, 1, 1), "\x01\x7f\ufffe"],
    [6, "Ünïcode 漢字 \N{GRINNING FACE}", Decimal("12.50"), date(2026, 1, 2), "x" * (LONGEST_TEXT + 5)],
]


def write(path: Path, fill: Callable[[Sheets], object]) -> str:
    """Write a workbook with one sheet, and return the sheet's XML."""
    with new_workbook(path, "t", datetime(2026, 1, 1)) as book:
        fill(Sheets(book, "t", "t", "t"))
    with zipfile.ZipFile(path) as file:
        return file.read("xl/worksheets/sheet1.xml").decode()


def by_row(sheets: Sheets, rows: Sequence[Sequence[Decimal | int | date | str | None]] = ROWS) -> None:
    sheet = sheets.add_long("Items")
    sheets.headings(sheet, 0, [("a", True), ("b", False)])
    for number, row in enumerate(rows, start=1):
        sheet.write_cells(number, [(value, sheets.money("EUR") if isinstance(value, Decimal) else sheets.format()) for value in row])


def by_cell(sheets: Sheets) -> None:
    sheet = sheets.add("Items")
    sheets.headings(sheet, 0, [("a", True), ("b", False)])
    for number, row in enumerate(ROWS, start=1):
        for column, value in enumerate(row):
            if isinstance(value, Decimal):
                write_amount(sheet, number, column, value, sheets.money("EUR"))
            elif isinstance(value, date):
                sheet.write_datetime(number, column, value, sheets.format())
            elif isinstance(value, int):
                sheet.write_number(number, column, value, sheets.format())
            elif value is not None:
                write_text(sheet, number, column, value, sheets.format())


def test_a_row_reads_as_its_cells_written_one_by_one(tmp_path: Path) -> None:
    rows, cells = write(tmp_path / "rows.xlsx", by_row), write(tmp_path / "cells.xlsx", by_cell)
    assert rows == cells


def test_text_that_looks_like_markup_is_text(tmp_path: Path) -> None:
    write(tmp_path / "rows.xlsx", lambda sheets: by_row(sheets, [["<r>a</r>", "<b>&amp;</b>"]]))
    # The library takes what begins and ends like a formatted run for one.
    sheet = load_workbook(tmp_path / "rows.xlsx").active
    assert [cell.value for cell in sheet[2]] == ["<r>a</r>", "<b>&amp;</b>"]


def test_an_amount_that_no_cell_holds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TooManyDigits):
        write(tmp_path / "rows.xlsx", lambda sheets: by_row(sheets, [[Decimal("1234567890123.456")]]))


def test_text_too_long_for_a_cell_though_not_in_characters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="could not be written"):
        write(tmp_path / "rows.xlsx", lambda sheets: by_row(sheets, [["\N{GRINNING FACE}" * LONGEST_TEXT]]))


def test_a_row_beyond_the_sheet_is_refused(tmp_path: Path) -> None:
    def fill(sheets: Sheets) -> None:
        sheets.add_long("Items").write_cells(1_048_576, [(1, sheets.format())])

    with pytest.raises(ValueError, match="beyond the sheet"):
        write(tmp_path / "rows.xlsx", fill)
