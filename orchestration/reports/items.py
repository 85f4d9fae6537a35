"""The open items of a frozen week as lines of the report's files, put together by DuckDB: cell by cell in Python they cost ten times as much."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
from xlsxwriter.utility import xl_col_to_name

from orchestration import snapshots
from orchestration.reports.figures import Report
from orchestration.settings import Home

BATCH = 10_000
# What text is not put into a cell's XML as it stands, and amounts that a cell may not hold exactly: such rows are written cell by cell.
ODD_TEXT = r"[\x00-\x1f\x7f-\x9f\x{FFFE}\x{FFFF}]|_x|^[\s\p{Z}]|[\s\p{Z}]$"
LONGEST_PLAIN, MOST_PLAIN = 10_000, 1_000_000_000_000
# What a spreadsheet would run as a formula, and what CSV quotes.
FORMULA, QUOTED = r"^[=+\-@\t\r]", r'[,"\r\n]'
NAMES = ("customer_name", "bucket_label", "collector")


class Items:
    """The frozen open items, in the order of the summary's lines, each with its names."""

    def __init__(self, con: duckdb.DuckDBPyConnection, columns: Mapping[str, str]) -> None:
        self.con = con
        # Name and type of the columns that were frozen.
        self.columns = columns

    def cells(self, names: Sequence[str], style: Callable[[str], str], first_row: int, per_sheet: int) -> Iterator[tuple[str | None, dict[str, Any]]]:
        """Yield each item's row of a sheet: the XML of its cells, the line first and then ``names``; or None and its values where it is out of the ordinary.

        ``style`` gives the SQL of a column's style number; ``first_row`` is the number of a sheet's first row of items, ``per_sheet`` how many a sheet holds.
        """
        cells = [self._cell(0, "line", "INTEGER", style("line"))]
        odd = []
        for column, name in enumerate(names, start=1):
            kind = "VARCHAR" if name in NAMES else self.columns[name]
            cells.append(self._cell(column, name, kind, style(name)))
            if kind == "VARCHAR":
                odd.append(f"coalesce(length({name}) > {LONGEST_PLAIN} or regexp_matches({name}, '{ODD_TEXT}'), false)")
            elif kind.startswith("DECIMAL"):
                odd.append(f"coalesce(abs({name}) >= {MOST_PLAIN}, false)")
        # Put together in one step: a chain of || copies what it has so far at each of its links.
        whole = f"concat('<row r=\"', sheet_row, '\">', {', '.join(cells)}, '</row>')"
        numbered = f"(select *, cast((place - 1) % {per_sheet} + {first_row} as varchar) as sheet_row from items)"
        cursor = self.con.execute(f"select case when not ({' or '.join(odd)}) then {whole} end as xml, place from {numbered} order by place")
        values = self.con.cursor()
        while batch := cursor.fetchmany(BATCH):
            for xml, place in batch:
                yield xml, {} if xml else self._values(values, place)

    def csv_lines(self) -> Iterator[str]:
        """Yield each item as a line of CSV with every column that was frozen, and its names; text that a spreadsheet would run has an apostrophe before it."""
        fields = [_field(name, kind) for name, kind in (*self.columns.items(), *((name, "VARCHAR") for name in NAMES[:2]))]
        cursor = self.con.execute(f"select concat_ws(',', {', '.join(fields)}) from items order by place")
        while batch := cursor.fetchmany(BATCH):
            yield from (line for (line,) in batch)

    def _cell(self, column: int, name: str, kind: str, style: str) -> str:
        start = f"'<c r=\"{xl_col_to_name(column)}', sheet_row, '\" s=\"', {style}, '\"'"
        if kind != "VARCHAR":
            figure = f"cast({name} - date '1899-12-30' as varchar)" if kind == "DATE" else f"cast({name} as varchar)"
            return f"case when {name} is null then '' else concat({start}, '><v>', {figure}, '</v></c>') end"
        escaped = f"replace(replace(replace({name}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
        filled = f"concat({start}, ' t=\"inlineStr\"><is><t>', {escaped}, '</t></is></c>')"
        return f"case when {name} is null then '' when {name} = '' then concat({start}, '/>') else {filled} end"

    def _values(self, con: duckdb.DuckDBPyConnection, place: int) -> dict[str, Any]:
        cursor = con.execute("select * from items where place = ?", [place])
        [row] = cursor.fetchall()
        return dict(zip((column[0] for column in cursor.description or []), row, strict=True))


@contextmanager
def of_week(home: Home, report: Report) -> Iterator[Items]:
    """Open the frozen items of a report's week."""
    with duckdb.connect() as con:
        _table(con, "lines (company_id varchar, currency varchar, line integer)", [(line.company_id, line.currency, line.number) for line in report.lines])
        _table(con, "labels (bucket_id varchar, label varchar)", [(bucket.bucket_id, bucket.label) for bucket in report.buckets])
        _table(con, "customers (customer_id varchar, name varchar)", [(customer.customer_id, customer.name) for customer in report.customers.values()])
        _table(con, "collectors (collector_id varchar, name varchar)", list(report.collectors.items()))
        file = {"items": str(snapshots.items_file(home, report.snapshot))}
        columns = {row[0]: row[1] for row in con.execute("describe select * from read_parquet($items)", file).fetchall()}
        con.execute(
            """
            create table items as
            select
                row_number() over (order by items.company_id, items.currency, items.customer_id, items.due_date nulls last, items.item_id) as place, lines.line,
                items.*, coalesce(customers.name, items.customer_id) as customer_name, coalesce(labels.label, items.bucket_id) as bucket_label,
                coalesce(collectors.name, items.collector_id) as collector
            from read_parquet($items) as items
            inner join lines on lines.company_id = items.company_id and lines.currency = items.currency
            left join customers on customers.customer_id = items.customer_id
            left join labels on labels.bucket_id = items.bucket_id
            left join collectors on collectors.collector_id = items.collector_id
            """,
            file,
        )
        yield Items(con, columns)


def _table(con: duckdb.DuckDBPyConnection, described: str, rows: Sequence[tuple[Any, ...]]) -> None:
    con.execute(f"create temp table {described}")
    if rows:
        columns = [list(values) for values in zip(*rows, strict=True)]
        con.execute(f"insert into {described.split()[0]} select {', '.join('unnest(?)' for _ in columns)}", columns)


def _field(name: str, kind: str) -> str:
    """Return the SQL of a column as a field of CSV."""
    if kind == "BOOLEAN":
        return f"case when {name} then 'yes' when not {name} then 'no' else '' end"
    if kind != "VARCHAR":
        return f"coalesce(cast({name} as varchar), '')"
    safe = f"case when regexp_matches({name}, '{FORMULA}') then '''' || {name} else {name} end"
    return f"""case when {name} is null then '' when regexp_matches({name}, '{QUOTED}') then '"' || replace({safe}, '"', '""') || '"' else {safe} end"""
