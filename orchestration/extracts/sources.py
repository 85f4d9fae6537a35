"""Where a feed's rows come from: a file that is read as it stands, a file put together line by line, or a profile's SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from orchestration.extracts import formats
from orchestration.extracts.contract import NUMERIC_TYPES, Feed, feeds
from orchestration.extracts.drops import DropFile
from orchestration.extracts.errors import BadHeader, BadProfile, BadType
from orchestration.extracts.parquet import FITTING, INEXACT, parquet_columns, parquet_relation
from orchestration.extracts.profiles import FileKind
from orchestration.extracts.reading import LONGEST_TEXT, plain_relation, read_lines
from orchestration.extracts.rules import literal, quoted
from orchestration.extracts.text_files import TextFile, open_text

DELETED = "is_deleted"


@dataclass(frozen=True)
class Source:
    """Rows of text: ``relation`` is a SQL query, ``columns`` say how its columns make those of a feed or an input."""

    number: int
    file: str
    relation: str
    columns: Mapping[str, str]
    # The record as it stood in the file.
    text: str
    # The rows that the file holds, with the malformed ones.
    rows: int
    malformed: int = 0
    # SQL for the file of each row, where they come from several.
    source_file: str = ""
    # The file, as long as it is taken for granted that each of its records begins on a line of its own.
    lines_of: TextFile | None = None

    @property
    def is_settled(self) -> bool:
        """Whether it is known where each record begins and ends."""
        return self.lines_of is None

    @property
    def may_hold_control(self) -> bool:
        """Whether control characters (also tabs and line breaks) may stand within values."""
        return self.lines_of is None or self.lines_of.has_control or self.lines_of.inner_lines > 0

    def may_be_padded(self, value: str) -> bool:
        """Whether spaces may stand around a value, the SQL of one of its columns: those of the file are known to the byte."""
        return self.lines_of is None or self.lines_of.has_padding or not (value.startswith("c") and value[1:].isdigit())

    @property
    def file_expression(self) -> str:
        """SQL for the name of the file that a row came from."""
        return self.source_file or literal(self.file)


def open_source(con: duckdb.DuckDBPyConnection, number: int, file: DropFile, kind: FileKind, scratch: Path) -> Source:
    """Return the rows of a drop's file (its ``number``-th), checked as far as a file can be without looking at its rows."""
    if file.is_parquet:
        header, values = parquet_columns(con, file.path, file.name, _contract_types(kind), kind.parquet_rounding)
        return Source(
            number=number,
            file=file.name,
            relation=parquet_relation(file.path, values),
            columns=_columns(file.name, header, kind),
            text=_text(header, ","),
            rows=count_of(con, f"select count(*) from read_parquet({literal(str(file.path))})"),
        )
    text_file = open_text(file.path, file.name, kind.dialect, scratch)
    source = Source(
        number=number,
        file=file.name,
        relation=plain_relation(text_file),
        columns=_columns(file.name, text_file.header, kind),
        text=_text(text_file.header, kind.dialect.delimiter),
        rows=text_file.records,
        lines_of=text_file,
    )
    return source if text_file.is_plain else by_lines(con, source, scratch)


def by_lines(con: duckdb.DuckDBPyConnection, source: Source, scratch: Path) -> Source:
    """Return the same rows, put together line by line; a source of which that is settled is returned as it is."""
    if source.lines_of is None:
        return source
    table = f"file_{source.number}"
    malformed = read_lines(con, table, source.lines_of, scratch)
    rows = count_of(con, f"select count(*) from {table}") + malformed
    return replace(source, relation=table, rows=rows, malformed=malformed, lines_of=None)


def settled(con: duckdb.DuckDBPyConnection, source: Source, scratch: Path) -> Source:
    """Return the source with its rows in a table, for SQL that may read them more than once."""
    if source.is_settled:
        return source
    table = f"file_{source.number}"
    try:
        con.execute(f"create or replace temp table {table} as from {source.relation}")
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return by_lines(con, source, scratch)
    if count_of(con, f"select count(*) from {table}") != source.rows:
        return by_lines(con, source, scratch)
    return replace(source, relation=table, lines_of=None)


def create_input(con: duckdb.DuckDBPyConnection, name: str, sources: Sequence[Source]) -> None:
    """Make the view ``name``, the files of one kind, for a profile's SQL."""
    header = list(dict.fromkeys(column for source in sources for column in source.columns))
    queries = []
    for source in sources:
        columns = [f"{source.columns.get(column, 'null::varchar')} as {quoted(column)}" for column in header]
        queries.append(f"select {', '.join(columns)}, {source.file_expression} as source_file, source_line from {source.relation}")
    con.execute(f"create or replace temp view {quoted(name)} as {' union all '.join(queries)}")


def source_of_sql(con: duckdb.DuckDBPyConnection, feed: Feed, query: str, inputs: Sequence[Source]) -> Source:
    """Run a profile's SQL and return the rows that it yields for ``feed``."""
    name = f"{feed.name}.sql"
    table = f"yielded_{feed.name}"
    try:
        described = con.execute(f"describe {query}").fetchall()
        header = [row[0] for row in described]
        if not {"source_file", "source_line"} <= set(header):
            raise BadProfile(name, "it does not pass source_file and source_line on, so that rejects could not name them")
        for column, kind, *_ in described:
            known = next((known for known in feed.columns if known.name == column), None)
            if kind in INEXACT and known and kind not in FITTING[known.type]:
                raise BadType(name, f"it yields {column} as {kind}, which does not hold {known.type} values exactly")
        columns = [column for column in header if column not in ("source_file", "source_line")]
        values = ", ".join(f"cast({quoted(column)} as varchar) as c{i}" for i, column in enumerate(columns))
        con.execute(f"create or replace temp table {table} as select {values}, source_file, source_line from ({query.rstrip().rstrip(';')})")
    except duckdb.Error as error:
        raise BadProfile(name, f"it fails ({str(error).splitlines()[0]})") from error
    return Source(
        number=-1,
        file=", ".join(source.file for source in inputs),
        relation=table,
        columns={column: f"c{i}" for i, column in enumerate(columns)},
        text="null::varchar",
        rows=count_of(con, f"select count(*) from {table}"),
        source_file="source_file",
    )


def count_of(con: duckdb.DuckDBPyConnection, query: str) -> int:
    """Return the one number that a query yields."""
    [[number]] = con.execute(query).fetchall()
    return int(number or 0)


def _columns(file: str, header: Sequence[str], kind: FileKind) -> dict[str, str]:
    """Return the columns that a file of this kind has after renaming and rewriting, as SQL."""
    columns = {kind.rename.get(name, name): f"c{i}" for i, name in enumerate(header)}
    if len(columns) < len(header):
        raise BadHeader(file, "the profile renames two of its columns to the same name", line=1)
    columns |= {name: literal(value) for name, value in kind.constants.items()}
    for name, values in kind.values.items():
        if name in columns:
            columns[name] = formats.mapped(columns[name], values)
    for name, value in columns.items():
        columns[name] = _rewritten(kind, name, value)
    return columns


def _rewritten(kind: FileKind, name: str, value: str) -> str:
    """Return the canonical text of a value that is written as the profile says."""
    types = {column.name: column.type for column in feeds()[kind.feed].columns} if kind.feed else {}
    if name in kind.dates or types.get(name) == "date":
        return formats.day(value, kind.dates.get(name, kind.formats.date_format))
    if name in kind.timestamps or types.get(name) == "timestamp":
        return formats.moment(value, kind.timestamps.get(name, kind.formats.timestamp_format))
    if name in kind.numbers or types.get(name) in NUMERIC_TYPES:
        return formats.number(value, kind.formats)
    return value


def _contract_types(kind: FileKind) -> dict[str, str]:
    """Return the types of a feed's columns under the names that they have in the file."""
    if not kind.feed:
        return {}
    types = {column.name: column.type for column in feeds()[kind.feed].columns} | {DELETED: "boolean"}
    original = {name: said for said, name in kind.rename.items()}
    return {original.get(name, name): type_ for name, type_ in types.items()}


def _text(header: Sequence[str], delimiter: str) -> str:
    """Return SQL for the record as it stood in the file (quotes only where they are needed)."""
    values = ", ".join(f"coalesce(c{i}, '')" for i in range(len(header)))
    special = literal(f'["\\n\\r{delimiter}]')
    needed = f"""lambda value: case when regexp_matches(value, {special})
        then '"' || replace(value, '"', '""') || '"' else value end"""
    return f"left(array_to_string(list_transform([{values}], {needed}), {literal(delimiter)}), {LONGEST_TEXT})"
