"""Reads the written files back: what they show must add up to what was frozen, or they are not handed out."""

from __future__ import annotations

import csv
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

from xlsxwriter.utility import xl_col_to_name

from orchestration.reports.figures import ZERO, Report, refuse_difference
from orchestration.reports.sheets import HEAD_ROWS
from orchestration.reports.workbook import ITEM_COLUMNS

CELLS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

ROW_END = b"</row>"
AT_A_TIME = 1 << 13

Totals = dict[tuple[str, str], tuple[int, Decimal, Decimal]]


def frozen_totals(report: Report) -> Totals:
    """Return count, open amount and base amount per company and currency as they were frozen."""
    return {
        (total.company_id, total.currency): (total.item_count, Decimal(total.open_amount), Decimal(total.open_amount_base)) for total in report.snapshot.totals
    }


def of_table(path: Path, report: Report) -> None:
    """Refuse a CSV file that does not add up."""
    shown: Totals = defaultdict(lambda: (0, ZERO, ZERO))
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            _count(shown, row["company_id"].removeprefix("'"), row["currency"], row["open_amount"], row["open_amount_base"])
    refuse_difference(report.snapshot, frozen_totals(report), shown, "the rows of the CSV file")


def of_workbook(path: Path, report: Report) -> None:
    """Refuse a workbook whose open items, customers or summary do not add up."""
    companies = {line.number: (line.company_id, line.currency) for line in report.lines}
    names = [name for _, name, _ in ITEM_COLUMNS]
    amount, base = (xl_col_to_name(names.index(name) + 1) for name in ("open_amount", "open_amount_base"))
    customer_total, line_total = (xl_col_to_name(columns + len(report.buckets)) for columns in (6, 4))
    items: Totals = defaultdict(lambda: (0, ZERO, ZERO))
    customers: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    lines: dict[tuple[str, str], Decimal] = {}
    with zipfile.ZipFile(path) as book:
        for name, member in sheet_files(book):
            if name.startswith("Open items"):
                for row in rows_below_headings(book, member, "A", amount, base):
                    _count(items, *companies[int(row["A"])], row[amount], row[base])
            elif name.startswith("By customer"):
                for row in rows_below_headings(book, member, "A", customer_total):
                    customers[companies[int(row["A"])]] += Decimal(row[customer_total])
            elif name == "Summary":
                lines = {companies[int(row["A"])]: Decimal(row[line_total]) for row in rows_below_headings(book, member, "A", line_total, rows=len(companies))}
    refuse_difference(report.snapshot, frozen_totals(report), items, "the open items of the workbook")
    expected = {key: (total,) for key, (_, total, _) in frozen_totals(report).items()}
    refuse_difference(report.snapshot, expected, {key: (total,) for key, total in customers.items()}, "the customers of the workbook")
    refuse_difference(report.snapshot, expected, {key: (total,) for key, total in lines.items()}, "the summary of the workbook")


def _count(shown: Totals, company_id: str, currency: str, amount: str, amount_base: str) -> None:
    items, total, total_base = shown[company_id, currency]
    shown[company_id, currency] = (items + 1, total + Decimal(amount), total_base + Decimal(amount_base))


def sheet_files(book: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Return name and file of each sheet; the writer numbers them in the order of the workbook."""
    names = [sheet.attrib["name"] for sheet in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{CELLS}sheet")]
    return [(name, f"xl/worksheets/sheet{number}.xml") for number, name in enumerate(names, start=1)]


def rows_below_headings(book: zipfile.ZipFile, member: str, *columns: str, rows: int | None = None) -> Iterator[dict[str, str]]:
    """Yield the values of the named columns in each row below the headings; at most ``rows`` of them."""
    for row in _rows(book, member):
        number = row.attrib["r"]
        if rows is not None and int(number) > HEAD_ROWS + rows:
            return
        if int(number) > HEAD_ROWS:
            wanted = {f"{column}{number}": column for column in columns}
            yield {wanted[cell.attrib["r"]]: cell.findtext("v") or "" for cell in row if cell.attrib["r"] in wanted}


def _rows(book: zipfile.ZipFile, member: str) -> Iterator[ElementTree.Element]:
    """Yield the rows of a sheet, a few parsed at a time: each piece of a cell by itself costs twice as much, and so do pieces of a megabyte."""
    left = b""
    with book.open(member) as sheet:
        while part := sheet.read(AT_A_TIME):
            whole, end, left = (left + part).rpartition(ROW_END)
            if end:
                yield from ElementTree.fromstring(b"<rows>" + whole[whole.index(b"<row ") :] + end + b"</rows>")
