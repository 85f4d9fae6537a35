"""Reads the written files back: what they show must add up to what was frozen, or they are not handed out."""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

import duckdb
from xlsxwriter.utility import xl_col_to_name

from orchestration.reports.figures import ZERO, Report, refuse_difference
from orchestration.reports.sheets import HEAD_ROWS
from orchestration.reports.workbook import ITEM_COLUMNS

CELLS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

ROW_END = b"</row>"
AT_A_TIME = 1 << 20

Totals = dict[tuple[str, str], tuple[int, Decimal, Decimal]]


def frozen_totals(report: Report) -> Totals:
    """Return count, open amount and base amount per company and currency as they were frozen."""
    return {
        (total.company_id, total.currency): (total.item_count, Decimal(total.open_amount), Decimal(total.open_amount_base)) for total in report.snapshot.totals
    }


def of_table(path: Path, report: Report) -> None:
    """Refuse a CSV file that does not add up."""
    with duckdb.connect() as con:
        rows = con.execute(
            """
            select
                case when starts_with(company_id, chr(39)) then substring(company_id, 2) else company_id end, currency, count(*),
                sum(cast(open_amount as decimal(18, 3))), sum(cast(open_amount_base as decimal(18, 3)))
            from read_csv($file, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', strict_mode = true) group by all
            """,
            {"file": str(path)},
        ).fetchall()
    shown = {(company_id, currency): tuple(totals) for company_id, currency, *totals in rows}
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
    """Yield the figures of the named columns in each row below the headings that has any; at most ``rows`` rows.

    The sheet must be XML to its end. Its figures are picked out of the text: an object for every cell costs twenty times as much.
    """
    figure = re.compile(rf'<c r="({"|".join(columns)})([0-9]+)"[^>]*>(?:<f>[^<]*</f>)?<v>([^<]*)</v>'.encode())
    for part in _rows(book, member):
        found: dict[int, dict[str, str]] = {}
        for column, number, value in figure.findall(part):
            found.setdefault(int(number), {})[column.decode()] = value.decode()
        for number, values in found.items():
            if rows is not None and number > HEAD_ROWS + rows:
                return
            if number > HEAD_ROWS:
                yield values


def _rows(book: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """Yield the text of a sheet in pieces of whole rows."""
    parser = expat.ParserCreate()
    left = b""
    with book.open(member) as sheet:
        while part := sheet.read(AT_A_TIME):
            parser.Parse(part)
            whole, end, left = (left + part).rpartition(ROW_END)
            yield whole + end
    parser.Parse(b"", True)
