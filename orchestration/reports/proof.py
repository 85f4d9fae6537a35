"""Reads the written files back: what they show must add up to what was frozen, or they are not handed out."""

from __future__ import annotations

import csv
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

from orchestration.reports.figures import ZERO, Report, refuse_difference
from orchestration.reports.workbook import HEAD_ROWS, ITEM_COLUMNS

CELLS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

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
    """Refuse a workbook whose open items, or whose customers, do not add up."""
    companies = {line.number: (line.company_id, line.currency) for line in report.lines}
    names = [name for _, name, _ in ITEM_COLUMNS]
    amount, base = (names.index(name) + 2 for name in ("open_amount", "open_amount_base"))
    shown: Totals = defaultdict(lambda: (0, ZERO, ZERO))
    customers: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    with zipfile.ZipFile(path) as book:
        for name, member in _sheets(book):
            if name.startswith("Open items"):
                for row in _rows(book, member):
                    _count(shown, *companies[int(row[1])], row[amount], row[base])
            elif name.startswith("By customer"):
                total = 7 + len(report.buckets)
                for row in _rows(book, member):
                    customers[companies[int(row[1])]] += Decimal(row[total])
            elif name == "Summary":
                total = 5 + len(report.buckets)
                lines = {companies[int(row[1])]: Decimal(row[total]) for row in _rows(book, member, len(companies))}
    refuse_difference(report.snapshot, frozen_totals(report), shown, "the open items of the workbook")
    expected = {key: (total,) for key, (_, total, _) in frozen_totals(report).items()}
    refuse_difference(report.snapshot, expected, {key: (total,) for key, total in customers.items()}, "the customers of the workbook")
    refuse_difference(report.snapshot, expected, {key: (total,) for key, total in lines.items()}, "the summary of the workbook")


def _count(shown: Totals, company_id: str, currency: str, amount: str, amount_base: str) -> None:
    items, total, total_base = shown[company_id, currency]
    shown[company_id, currency] = (items + 1, total + Decimal(amount), total_base + Decimal(amount_base))


def _sheets(book: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Return name and file of each sheet; the writer numbers them in the order of the workbook."""
    names = [sheet.attrib["name"] for sheet in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{CELLS}sheet")]
    return [(name, f"xl/worksheets/sheet{number}.xml") for number, name in enumerate(names, start=1)]


def _rows(book: zipfile.ZipFile, member: str, rows: int | None = None) -> Iterator[dict[int, str]]:
    """Yield the numbers of each row below the headings by column, from 1; at most ``rows`` of them."""
    with book.open(member) as sheet:
        for _, element in ElementTree.iterparse(sheet):
            if element.tag != f"{CELLS}row":
                continue
            number = int(element.attrib["r"])
            if number > HEAD_ROWS and (rows is None or number <= HEAD_ROWS + rows):
                values = {_column(cell.attrib["r"]): cell.findtext(f"{CELLS}v") for cell in element}
                yield {column: value for column, value in values.items() if value is not None}
            element.clear()


def _column(cell: str) -> int:
    number = 0
    for letter in re.sub(r"\d", "", cell):
        number = number * 26 + ord(letter) - 64
    return number
