"""From one CSV file to its records as text, each with the line that it stands on.

DuckDB reads; nothing is sniffed. A file whose records each begin on a line of their own, with quotes only where they belong, is
read as it stands. Any other (ragged rows, an unbalanced quote, blank lines) is read line by line and records are put together in
SQL, so that exactly the malformed line is left out and every other row keeps its true line number.
"""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from orchestration.extracts.rules import literal
from orchestration.extracts.text_files import LONGEST_LINE, MOST_LINES_OF_A_VALUE, TextFile, mark_lines

LONGEST_TEXT = 10_000
MALFORMED = "malformed"


def create_malformed_table(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table that takes the records which could not be taken apart."""
    con.execute(f"create or replace temp table {MALFORMED} (source_file varchar, source_line bigint, reason varchar, text varchar)")


def plain_relation(file: TextFile) -> str:
    """Return a query for a file whose records each begin on a line of their own: columns c0, c1, … as text, and source_line.

    Whether they do is known when it was read: there must be as many records as the lines leave room for, and DuckDB must not object.
    """
    columns = ", ".join(f"c{i}: 'VARCHAR'" for i in range(len(file.header)))
    quote = literal(file.dialect.quote)
    line = f"row_number() over () + {file.header_lines}"
    if file.inner_lines:
        record = f"concat({', '.join(f'c{i}' for i in range(len(file.header)))})"
        ends = f"strlen({record}) - strlen(replace({record}, chr(10), ''))"
        # Its own line ends stand behind the line that a record begins on.
        line = f"cast({line} + sum({ends}) over (rows between unbounded preceding and current row) - ({ends}) as bigint)"
    return f"""(
        select *, {line} as source_line
        from read_csv(
            {literal(str(file.path))}, auto_detect = false, header = true, columns = {{{columns}}},
            delim = {literal(file.dialect.delimiter)}, quote = {quote}, escape = {quote}, strict_mode = true,
            null_padding = false, max_line_size = {LONGEST_LINE}
        )
    )"""


def read_lines(con: duckdb.DuckDBPyConnection, table: str, file: TextFile, scratch: Path) -> int:
    """Read a file line by line into a new temporary ``table``, and put together the records that span several lines.

    What cannot be taken apart goes to the table of the malformed; returned is how many these are.
    """
    marked = mark_lines(file, scratch)
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
    value, record, opening, any_record = _grammar(file)
    _create_records(con, file, record, opening)
    delimiter = file.dialect.delimiter
    one_value = literal(f"{re.escape(delimiter)}({value})")
    values = f"regexp_extract_all({literal(delimiter)} || text, {one_value}, 1)"
    columns = ", ".join(f"{_unquoted(f'fields[{i + 1}]', file)} as c{i}" for i in range(len(file.header)))
    con.execute(
        f"""
        create or replace temp table {table} as
        select {columns}, line as source_line
        from (select line, {values} as fields from records where is_whole)
        order by line
        """
    )
    con.execute(
        f"""
        insert into {MALFORMED}
        select {literal(file.name)}, line,
            case
                when regexp_full_match(text, {literal(any_record)})
                    then 'has ' || length({values}) || ' values where the header has {len(file.header)}'
                else 'has a quote that is not closed, or stands within a value'
            end,
            left(text, {LONGEST_TEXT})
        from records
        where not is_whole
        """
    )
    for line, beginning in marked.overlong.items():
        reason = f"is longer than {LONGEST_LINE} bytes"
        con.execute(f"insert into {MALFORMED} values (?, ?, ?, ?)", [file.name, line, reason, beginning])
    con.execute("drop table lines; drop table records")
    [[malformed]] = con.execute(f"select count(*) from {MALFORMED} where source_file = ?", [file.name]).fetchall()
    return int(malformed)


def _create_records(con: duckdb.DuckDBPyConnection, file: TextFile, record: str, opening: str) -> None:
    """Make the table ``records`` from ``lines``: where each begins, its text, and whether it can be taken apart."""
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
            select lines.line, lines.text
            from lines
            where not exists (
                select 1 from several where lines.line between several.line and several.closing_line
            )
            and trim(lines.text) <> ''
        )
        select line, text, true as is_whole from several
        union all
        select line, text, regexp_full_match(text, {literal(record)}) from single
        """
    )


def _grammar(file: TextFile) -> tuple[str, str, str, str]:
    """Return regular expressions for a value, a record, a record whose last quote is open, a record of any width."""
    delimiter, quote = re.escape(file.dialect.delimiter), re.escape(file.dialect.quote)
    bare = f"[^{quote}{delimiter}]*"
    value = f"{quote}(?:[^{quote}]|{quote}{quote})*{quote}|{bare}" if quote else bare
    record = f"(?:{value})(?:{delimiter}(?:{value})){{{len(file.header) - 1}}}"
    opening = f"(?:(?:{value}){delimiter})*{quote}(?:[^{quote}]|{quote}{quote})*"
    return value, record, opening, f"(?:{value})(?:{delimiter}(?:{value}))*"


def _unquoted(value: str, file: TextFile) -> str:
    quote = file.dialect.quote
    if not quote:
        return f"nullif({value}, '')"
    inner = f"replace({value}[2:-2], {literal(quote * 2)}, {literal(quote)})"
    return f"nullif(case when starts_with({value}, {literal(quote)}) then {inner} else {value} end, '')"
