"""From one file to a table of text: every record with the line that it stands on, every malformed one with its reason.

DuckDB reads; nothing is sniffed. A file whose records are its lines takes the short way. Where lines and records differ
(line breaks within quotes, ragged rows, an unbalanced quote) the lines are read one by one and records are put together
in SQL, so that exactly the malformed line is left out and every other row keeps its true line number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.extracts.rules import literal
from orchestration.extracts.text_files import LONGEST_LINE, TextFile, mark_lines

# A quoted value that spans more lines than this is a quote that was never closed.
MOST_LINES_OF_A_VALUE = 1000


@dataclass(frozen=True)
class TextTable:
    """A table of a file's records as text: columns c0, c1, … in the header's order, and source_line."""

    name: str
    file: str
    header: tuple[str, ...]
    rows: int
    malformed: int

    def column(self, header_name: str) -> str:
        """Return the table's column that stands for ``header_name``."""
        return f"c{self.header.index(header_name)}"


MALFORMED = "malformed"


def create_malformed_table(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table that takes the records which could not be taken apart."""
    con.execute(f"create or replace temp table {MALFORMED} (source_file varchar, source_line bigint, reason varchar, text varchar)")


def read_text(con: duckdb.DuckDBPyConnection, name: str, file: TextFile, scratch: Path) -> TextTable:
    """Read ``file`` into a new temporary table called ``name``."""
    if not (file.is_plain and _read_plain(con, name, file)):
        _read_lines(con, name, file, scratch)
    rows = _count(con, f"select count(*) from {name}")
    malformed = _count(con, f"select count(*) from {MALFORMED} where source_file = {literal(file.name)}")
    return TextTable(name=name, file=file.name, header=file.header, rows=rows, malformed=malformed)


def _read_plain(con: duckdb.DuckDBPyConnection, name: str, file: TextFile) -> bool:
    """Read a file whose records are its lines; False if they turn out not to be."""
    columns = ", ".join(f"c{i}: 'VARCHAR'" for i in range(len(file.header)))
    try:
        con.execute(
            f"""
            create or replace temp table {name} as
            select *, row_number() over () + {file.header_lines} as source_line
            from read_csv(
                {literal(str(file.path))}, auto_detect = false, header = true, columns = {{{columns}}},
                delim = {literal(file.dialect.delimiter)}, quote = {literal(file.dialect.quote)},
                escape = {literal(file.dialect.quote)}, strict_mode = true, null_padding = false,
                max_line_size = {LONGEST_LINE}
            )
            """
        )
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return False
    if _count(con, f"select count(*) from {name}") != file.data_lines:
        return False
    # DuckDB lets a quote stand within a bare value; whether it was a value's own or an unclosed one, the lines tell.
    holds_quote = " or ".join(f"contains(c{i}, {literal(file.dialect.quote)})" for i in range(len(file.header)))
    return not file.has_quotes or not _count(con, f"select count(*) from (from {name} where {holds_quote} limit 1)")


def _read_lines(con: duckdb.DuckDBPyConnection, name: str, file: TextFile, scratch: Path) -> None:
    """Read a file line by line, and put together the records that span several lines."""
    marked = mark_lines(file, scratch)
    field, record, opening, other_record = _grammar(file)
    con.execute(
        f"""
        create or replace temp table lines as
        select row_number() over () as line, replace(substr(marked, 2), {literal(marked.carriage_return)}, chr(13)) as text
        from read_csv(
            {literal(str(marked.path))}, auto_detect = false, header = false, columns = {{marked: 'VARCHAR'}},
            delim = {literal(marked.separator)}, quote = '', escape = '', new_line = '\\n', strict_mode = true,
            max_line_size = {LONGEST_LINE * 2}
        )
        qualify line > {file.header_lines}
        """
    )
    marked.path.unlink()
    quote = literal(file.dialect.quote)
    is_odd = f"(length(text) - length(replace(text, {quote}, ''))) % 2 = 1" if file.dialect.quote else "false"
    con.execute(
        f"""
        create or replace temp table records as
        with odd as (
            select line, regexp_full_match(text, {literal(opening)}) as is_opening,
                lead(line) over (order by line) as closing_line
            from lines
            where {is_odd}
        ),
        -- What stands from an odd quote to the next one: a record, if it can be taken apart.
        spans as (
            select odd.line, odd.closing_line, string_agg(lines.text, chr(10) order by lines.line) as text
            from odd
            inner join lines on lines.line between odd.line and odd.closing_line
            where odd.is_opening and odd.closing_line - odd.line <= {MOST_LINES_OF_A_VALUE}
            group by all
            having sum(length(lines.text)) <= {LONGEST_LINE}
        ),
        whole as (
            select * from spans where regexp_full_match(text, {literal(record)})
        ),
        -- Spans that follow each other share a line; the first of them is right, then every second one.
        runs as (
            select *, sum(is_first::integer) over (order by line) as run
            from (
                select *, line is distinct from lag(closing_line) over (order by line) as is_first
                from whole
            )
        ),
        several as (
            select line, closing_line, text
            from runs
            qualify row_number() over (partition by run order by line) % 2 = 1
        ),
        single as (
            select lines.line, lines.line as closing_line, lines.text
            from lines
            where not exists (
                select 1 from several where lines.line between several.line and several.closing_line
            )
            and trim(lines.text) <> ''
        )
        select line, text, true as is_whole from several
        union all
        select line, text, regexp_full_match(text, {literal(record)}) as is_whole from single
        """
    )
    fields = f"regexp_extract_all({literal(file.dialect.delimiter)} || text, {literal(re.escape(file.dialect.delimiter) + '(' + field + ')')}, 1)"
    columns = ", ".join(f"{_unquoted(f'fields[{i + 1}]', file)} as c{i}" for i in range(len(file.header)))
    con.execute(
        f"""
        create or replace temp table {name} as
        select {columns}, line as source_line
        from (select line, {fields} as fields from records where is_whole)
        order by line
        """
    )
    con.execute(
        f"""
        insert into {MALFORMED}
        select {literal(file.name)}, line,
            case
                when regexp_full_match(text, {literal(other_record)})
                    then 'has ' || length({fields}) || ' values where the header has {len(file.header)}'
                else 'has a quote that is not closed, or stands within a value'
            end,
            left(text, 10000)
        from records
        where not is_whole
        order by line
        """
    )
    for line, beginning in marked.overlong.items():
        reason = f"is longer than {LONGEST_LINE} bytes"
        con.execute(f"insert into {MALFORMED} values (?, ?, ?, ?)", [file.name, line, reason, beginning])
    con.execute("drop table lines; drop table records")


def _grammar(file: TextFile) -> tuple[str, str, str, str]:
    """Return regular expressions for a value, a record, a record whose last quote is open, a record of any width."""
    delimiter, quote = re.escape(file.dialect.delimiter), re.escape(file.dialect.quote)
    bare = f"[^{quote}{delimiter}]*"
    field = f"{quote}(?:[^{quote}]|{quote}{quote})*{quote}|{bare}" if quote else bare
    record = f"(?:{field})(?:{delimiter}(?:{field})){{{len(file.header) - 1}}}"
    opening = f"(?:(?:{field}){delimiter})*{quote}(?:[^{quote}]|{quote}{quote})*"
    return field, record, opening, f"(?:{field})(?:{delimiter}(?:{field}))*"


def _unquoted(value: str, file: TextFile) -> str:
    quote = file.dialect.quote
    if not quote:
        return f"nullif({value}, '')"
    inner = f"replace({value}[2:-2], {literal(quote * 2)}, {literal(quote)})"
    return f"nullif(case when starts_with({value}, {literal(quote)}) then {inner} else {value} end, '')"


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    [[count]] = con.execute(query).fetchall()
    return int(count)
