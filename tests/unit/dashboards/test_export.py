"""Files: complete, typed, exact; a text is never a formula."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest

from dashboards import export
from dashboards.export import Sheet
from dashboards.tables import Column

COLUMNS = [
    Column("name", "Customer"),
    Column("due", "Due", "date"),
    Column("touched", "Touched", "moment"),
    Column("held", "On hold", "yes_no"),
    Column("items", "Items", "count"),
    Column("currency", "Currency"),
    Column("amount", "Owed", "money", "currency"),
]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://x")', "http://example.com", "00123", "ünïcödé €"]


def rows() -> list[dict[str, object]]:
    """Return a row per hostile text, in currencies of 0, 2 and 3 decimals."""
    amounts = [("JPY", "-1234567"), ("USD", "0.10"), ("KWD", "123456789012.345")]
    return [
        {
            "name": name,
            "due": date(2026, 2, 28),
            "touched": datetime(2026, 2, 28, 23, 59, 1),
            "held": True,
            "items": 3,
            "currency": amounts[number % 3][0],
            "amount": Decimal(amounts[number % 3][1]),
        }
        for number, name in enumerate(FORMULAS)
    ]


def test_a_workbook_is_typed_and_holds_no_formula_and_no_link() -> None:
    book = openpyxl.load_workbook(io.BytesIO(export.workbook([Sheet("Rows", COLUMNS, rows())], [("Page", "=1+1"), ("As of", date(2026, 1, 1))])))
    page = book["Rows"]
    assert [cell.value for cell in page[1]] == [column.label for column in COLUMNS]
    for number, name in enumerate(FORMULAS, start=2):
        cells = page[number]
        assert cells[0].data_type == "s" and cells[0].hyperlink is None
        # The format keeps a carriage return as an escape; every other text comes back as it was.
        assert cells[0].value.replace("_x000D_", "\r") == name
        assert [cell.data_type for cell in cells[1:]] == ["d", "d", "b", "n", "s", "n"]
    assert [page.cell(row, 7).number_format for row in (2, 3, 4)] == ["#,##0", "#,##0.00", "#,##0.000"]
    assert [str(page.cell(row, 7).value) for row in (2, 3, 4)] == ["-1234567", "0.1", "123456789012.345"]
    assert page.freeze_panes == "A2"
    assert book["About"]["B1"].data_type == "s" and book["About"]["B2"].is_date


def test_an_amount_that_a_spreadsheet_would_round_is_written_as_text() -> None:
    row = {"currency": "KWD", "amount": Decimal("999999999999999.999")}
    page = openpyxl.load_workbook(io.BytesIO(export.workbook([Sheet("Rows", COLUMNS, [row])], [])))["Rows"]
    assert (page["G2"].data_type, page["G2"].value) == ("s", "999999999999999.999")


def test_a_file_of_commas_is_exact_and_disarmed() -> None:
    written = export.comma_separated(COLUMNS, rows())
    assert written.startswith(b"\xef\xbb\xbf")
    read = list(csv.DictReader(io.StringIO(written.decode("utf-8-sig"), newline="")))
    assert [row["name"].removeprefix("'") for row in read] == FORMULAS
    assert not any(row["name"][:1] in "=+-@\t\r" for row in read)
    assert [row["amount"] for row in read[:3]] == ["-1234567", "0.10", "123456789012.345"]
    assert (read[0]["due"], read[0]["touched"], read[0]["held"]) == ("2026-02-28", "2026-02-28 23:59:01", "yes")


@pytest.mark.parametrize(("rows_in", "sheets"), [(0, 1), (1, 1), (export.SHEET_ROWS, 1), (export.SHEET_ROWS + 1, 2)])
def test_what_does_not_fit_into_a_sheet_goes_on_in_the_next(rows_in: int, sheets: int) -> None:
    split = list(export._split(Sheet("Rows", COLUMNS, [{}] * rows_in)))
    assert len(split) == sheets
    assert sum(len(records) for _, records in split) == rows_in
    assert len({name for name, _ in split}) == sheets
