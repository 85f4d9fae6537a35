"""Landing one drop: its files in, typed Parquet and rejects out, into a folder of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.extracts.contract import Column, Feed, feeds
from orchestration.extracts.drops import DropFile
from orchestration.extracts.errors import BadHeader, ControlTotalOff, EmptyDelivery, UnreadableFile
from orchestration.extracts.manifest import FeedManifest, Manifest
from orchestration.extracts.parquet import read_parquet
from orchestration.extracts.reading import MALFORMED, TextTable, create_malformed_table, read_text
from orchestration.extracts.rules import FALSE, NUMBER, TRUE, clean, faults, literal, prefixed, quoted, typed
from orchestration.extracts.text_files import Dialect, open_text

DELETED = Column("is_deleted", "boolean")
LONGEST_TEXT = 10_000

REJECTS_TABLE = """
    create or replace temp table rejects (
        drop_id varchar, system varchar, feed varchar, file varchar, line bigint, "column" varchar, reason varchar,
        text varchar, key varchar, key_values varchar[], company_id varchar, customer_id varchar, currency varchar,
        amount decimal(18, 3)
    )
"""


@dataclass(frozen=True)
class FileCount:
    """What became of the rows of one file (for one feed)."""

    feed: str
    file: str
    rows_in: int
    rows_loaded: int
    rows_rejected: int
    rows_duplicate: int


@dataclass(frozen=True)
class FeedLanding:
    """One feed of a drop, landed."""

    feed: str
    mode: str
    counts: tuple[FileCount, ...]
    # A row whose key could not be read may be any row: then nothing is deleted by absence.
    has_unreadable_key: bool
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """The rows that the drop delivered, good or bad."""
        return sum(count.rows_in for count in self.counts)


@dataclass
class Landing:
    """What a drop holds, in ``folder``: <feed>.parquet for each feed, and rejects.parquet if there are any."""

    folder: Path
    feeds: list[FeedLanding] = field(default_factory=list)
    rejected: int = 0


def land(
    con: duckdb.DuckDBPyConnection,
    drop_id: str,
    files: Sequence[DropFile],
    manifest: Manifest,
    known_feeds: Iterable[str],
    folder: Path,
) -> Landing:
    """Read a drop's files and write what is right and what is wrong with them into ``folder``.

    Raises an ExtractError when the drop as a whole cannot be taken. ``known_feeds`` are the feeds that some drop has
    delivered rows of before.
    """
    create_malformed_table(con)
    con.execute(REJECTS_TABLE)
    tables: dict[str, list[TextTable]] = {}
    for number, file in enumerate(files):
        table = _read(con, f"file_{number}", file, folder)
        tables.setdefault(file.target, []).append(table)
    landing = Landing(folder)
    for feed in feeds().values():
        if feed.name in tables:
            landing.feeds.append(_land_feed(con, drop_id, feed, tables[feed.name], manifest, known_feeds, folder))
    [[landing.rejected]] = con.execute("select count(*) from rejects").fetchall()
    if landing.rejected:
        con.execute(
            "copy (from rejects order by system, feed, file, line) "
            f"to {literal(str(folder / 'rejects.parquet'))} (format parquet, compression zstd)"
        )
    return landing


def _read(con: duckdb.DuckDBPyConnection, name: str, file: DropFile, scratch: Path) -> TextTable:
    if file.is_parquet:
        return read_parquet(con, name, file.path, file.name, feeds()[file.target])
    text = open_text(file.path, file.name, Dialect(), scratch)
    table = read_text(con, name, text, scratch)
    if text.path != file.path:
        text.path.unlink()
    return table


def _land_feed(
    con: duckdb.DuckDBPyConnection,
    drop_id: str,
    feed: Feed,
    tables: Sequence[TextTable],
    manifest: Manifest,
    known_feeds: Iterable[str],
    folder: Path,
) -> FeedLanding:
    said = manifest.feeds.get(feed.name, FeedManifest())
    mode = manifest.mode_of(feed.name)
    for table in tables:
        _check_header(feed, table, mode)
    notes = _extra_notes(feed, tables)
    con.execute("create or replace temp table delivered as " + " union all ".join(_delivered(feed, t) for t in tables))
    rows = sum(table.rows + table.malformed for table in tables)
    _check_rows(feed, tables[0].file, rows, mode, said, known_feeds)
    _check_totals(con, feed, tables[0].file, said)
    trimmed = _count(con, "select count(*) from delivered where is_trimmed")
    if trimmed:
        notes.append(f"{trimmed} rows had spaces around their key, which were trimmed")
    _judge(con, feed, mode, tables)
    _type(con, feed, mode, manifest.source_id)
    _settle_doubles(con, feed)
    _record_rejects(con, drop_id, feed, tables, manifest.source_id)
    con.execute(
        f"""
        copy (select {literal(drop_id)} as drop_id, * exclude (row_id) from typed where row_id not in (from doubles))
        to {literal(str(folder / f"{feed.name}.parquet"))} (format parquet, compression zstd)
        """
    )
    unreadable = _count(
        con, f"select count(*) from rejects where feed = {literal(feed.name)} and key_values is null"
    )
    return FeedLanding(feed.name, mode, _counts(con, feed, tables), unreadable > 0, tuple(notes))


def _check_header(feed: Feed, table: TextTable, mode: str) -> None:
    header = set(table.header)
    required = feed.required_columns | ({"open_amount"} if mode == "open_items" else set())
    missing = sorted(required - header)
    if not header & set(feed.column_names):
        raise BadHeader(table.file, f"its first line names no column of {feed.name}: the header is missing", line=1)
    if missing:
        raise BadHeader(table.file, f"it lacks {', '.join(missing)}, which {feed.name} requires", line=1)


def _extra_notes(feed: Feed, tables: Sequence[TextTable]) -> list[str]:
    extra = sorted({name for table in tables for name in _extra(feed, table)})
    return [f"unknown columns kept: {', '.join(extra)}"] if extra else []


def _extra(feed: Feed, table: TextTable) -> list[str]:
    known = {*feed.column_names, DELETED.name}
    return [name for name in table.header if name not in known]


def _delivered(feed: Feed, table: TextTable) -> str:
    """Return a SELECT of a file's rows: the feed's columns as clean text, what else the file holds as JSON."""
    header = set(table.header)
    columns = [
        f"{clean(column, table.column(column.name)) if column.name in header else 'null::varchar'} as {quoted(column.name)}"
        for column in (*feed.columns, DELETED)
    ]
    extra = _extra(feed, table)
    pairs = ", ".join(f"{literal(name)}, {table.column(name)}" for name in extra)
    padded = [
        f"coalesce({column} <> trim({column}, ' '), false)"
        for column in (table.column(name) for name in feed.key if name in header)
    ]
    return f"""
        select {", ".join(columns)}, {f"json_object({pairs})" if extra else "null"}::varchar as extra,
            {" or ".join(padded) or "false"} as is_trimmed,
            {literal(table.file)} as source_file, source_line
        from {table.name}
    """


def _check_rows(
    feed: Feed, file: str, rows: int, mode: str, said: FeedManifest, known_feeds: Iterable[str]
) -> None:
    if said.rows is not None and said.rows != rows:
        raise ControlTotalOff(file, f"the manifest announces {said.rows} rows of {feed.name}, the files hold {rows}")
    if rows == 0 and said.rows is None and mode != "incremental" and feed.name in set(known_feeds):
        raise EmptyDelivery(file, f"it has a header and no row, but rows of {feed.name} were known before")


def _check_totals(con: duckdb.DuckDBPyConnection, feed: Feed, file: str, said: FeedManifest) -> None:
    for name, announced in said.totals.items():
        c = quoted(name)
        [[found]] = con.execute(
            f"""
            select coalesce(sum(try_cast({c} as decimal(38, 9))), 0)
            from delivered where regexp_full_match({c}, '{NUMBER}')
            """
        ).fetchall()
        if found != announced:
            raise ControlTotalOff(
                file, f"the manifest announces a total of {announced} {name}, the files add up to {found.normalize():f}"
            )


def _judge(con: duckdb.DuckDBPyConnection, feed: Feed, mode: str, tables: Sequence[TextTable]) -> None:
    """Make the table ``bad``: the rows that are wrong in themselves, with every fault."""
    has_deletions = any(DELETED.name in table.header for table in tables)
    # A whole feed may leave the company out; a file that gives it for some rows has to give it for all.
    gives_company = _count(con, "select count(*) from delivered where company_id is not null") if feed.optional_company else 1
    wrong: list[tuple[str, str, str]] = []
    for column in feed.columns:
        is_required = column.required and (column.name != "company_id" or gives_company > 0)
        is_required = is_required or (mode == "open_items" and column.name == "open_amount")
        for condition, message in faults(feed, column, is_required=is_required):
            if has_deletions and column.name not in feed.key:
                condition = f"({condition} and lower(is_deleted) is distinct from 'true' and not coalesce(lower(is_deleted) in {TRUE}, false))"
            wrong.append((column.name, condition, message))
    if has_deletions:
        wrong.append((DELETED.name, f"not coalesce(lower(is_deleted) in {TRUE + FALSE}, true)", "is_deleted || ' is neither true nor false'"))
    found = ", ".join(
        f"case when {condition} then {{'column': {literal(name)}, 'reason': {literal(name + ' ')} || {message}}} end"
        for name, condition, message in wrong
    )
    con.execute(
        f"""
        create or replace temp table bad as
        select rowid as row_id, list_filter([{found}], lambda fault: fault is not null) as faults
        from delivered
        where {" or ".join(condition for _, condition, _ in wrong)}
        """
    )


def _type(con: duckdb.DuckDBPyConnection, feed: Feed, mode: str, source_id: str) -> None:
    """Make the table ``typed``: the rows without faults, in the contract's types."""
    open_items_only = {"open_amount", "settled_on"} if mode != "open_items" else set()
    columns = []
    for column in feed.columns:
        value = prefixed(column, typed(column), source_id)
        if feed.name == "documents" and column.name in open_items_only:
            value = f"null::{column.sql_type}"
        columns.append(f"{value} as {quoted(column.name)}")
    con.execute(
        f"""
        create or replace temp table typed as
        select {", ".join(columns)}, coalesce({typed(DELETED)}, false) as is_deleted, extra, source_file, source_line,
            rowid as row_id
        from delivered
        where rowid not in (select row_id from bad)
        """
    )
    if feed.derived_key:
        _derive_key(con, feed)


def _derive_key(con: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Give the rows without a key one that says what they are; two of the same kind are told apart by occurrence."""
    key = quoted(feed.key[0])
    parts = ", ".join(f"coalesce(cast({quoted(name)} as varchar), '')" for name in feed.derived_key)
    amounts = ", ".join(f"{quoted(column.name)} nulls first" for column in feed.columns if column.is_money)
    con.execute(
        f"""
        update typed set {key} = derived.key
        from (
            select row_id, concat_ws('|', {parts}, row_number() over (
                partition by {parts} order by {amounts}, source_file, source_line
            )) as key
            from typed where {key} is null
        ) as derived
        where typed.row_id = derived.row_id
        """
    )


def _settle_doubles(con: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Make the table ``doubles``: rows that are left out because another has their key.

    Rows that say the same are one row. Where they differ, or one of them is rejected, nobody knows which is right: all
    of them are rejected.
    """
    key = ", ".join(quoted(name) for name in feed.key)
    bad_key = ", ".join(f"{typed(feed.column(name))} as {quoted(name)}" for name in feed.key)
    content = ", ".join(quoted(name) for name in (*feed.column_names, DELETED.name))
    con.execute(
        f"""
        create or replace temp table keys_again as
        select {key}, count(*) as times, max(is_bad) as is_bad
        from (
            select {key}, 0 as is_bad from typed
            union all
            select {bad_key}, 1 from delivered where rowid in (select row_id from bad)
        )
        group by {key}
        having count(*) > 1
        """
    )
    con.execute("create or replace temp table doubles (row_id bigint)")
    con.execute("create or replace temp table clashes (row_id bigint, times bigint)")
    if not _count(con, "select count(*) from keys_again"):
        return
    same = " and ".join(f"typed.{quoted(name)} is not distinct from keys_again.{quoted(name)}" for name in feed.key)
    con.execute(
        f"""
        create or replace temp table again as
        select typed.row_id, times,
            row_number() over (partition by {_of("typed", feed.key)} order by source_file, source_line) as occurrence,
            is_bad = 1 or min(hash({_of("typed", (*feed.column_names, DELETED.name))})) over same_key
                <> max(hash({_of("typed", (*feed.column_names, DELETED.name))})) over same_key as is_clash
        from typed inner join keys_again on {same}
        window same_key as (partition by {_of("typed", feed.key)})
        """
    )
    con.execute("insert into clashes select row_id, times from again where is_clash")
    con.execute("insert into doubles select row_id from again where is_clash or occurrence > 1")


def _of(table: str, names: Iterable[str]) -> str:
    return ", ".join(f"{table}.{quoted(name)}" for name in names)


def _record_rejects(
    con: duckdb.DuckDBPyConnection, drop_id: str, feed: Feed, tables: Sequence[TextTable], source_id: str
) -> None:
    con.execute(
        f"""
        insert into rejects
        select {literal(drop_id)}, {literal(feed.system)}, {literal(feed.name)}, source_file, source_line, null, reason, text,
            null, null, null, null, null, null
        from {MALFORMED} where source_file in ({", ".join(literal(table.file) for table in tables)})
        """
    )
    if not _count(con, "select count(*) from bad") + _count(con, "select count(*) from clashes"):
        return
    con.execute(
        "create or replace temp table originals as "
        + " union all ".join(
            f"""
            select {literal(table.file)} as source_file, source_line, {_original(table)} as text from {table.name}
            where source_line in (
                select source_line from delivered where source_file = {literal(table.file)}
                and (rowid in (select row_id from bad) or rowid in (select row_id from clashes))
            )
            """
            for table in tables
        )
    )
    key_parts = [f"cast({prefixed(feed.column(n), typed(feed.column(n)), source_id)} as varchar)" for n in feed.key]
    readable = " and ".join(
        f"not ({' or '.join(condition for condition, _ in faults(feed, feed.column(name), is_required=name != 'company_id'))})"
        for name in feed.key
    )
    names = set(feed.column_names)

    def readable_value(name: str | None) -> str:
        if name is None or name not in names:
            return "null"
        column = feed.column(name)
        if column.is_money:
            return f"case when regexp_full_match({quoted(name)}, '{NUMBER}') then try_cast({quoted(name)} as decimal(18, 3)) end"
        wrong = " or ".join(condition for condition, _ in faults(feed, column, is_required=False))
        return f"case when not coalesce({wrong}, false) then {prefixed(column, quoted(name), source_id)} end"

    con.execute(
        f"""
        insert into rejects
        select {literal(drop_id)}, {literal(feed.system)}, {literal(feed.name)}, source_file, source_line,
            wrong."column", wrong.reason, left(originals.text, {LONGEST_TEXT}),
            case when is_readable then array_to_string(key_values, '|') end,
            case when is_readable then key_values end,
            company_id, customer_id, currency, amount
        from (
            select rowid as row_id, source_file, source_line, coalesce({readable}, false) as is_readable,
                [{", ".join(f"coalesce({part}, '')" for part in key_parts)}] as key_values,
                {readable_value("company_id")} as company_id, {readable_value("customer_id")} as customer_id,
                {readable_value("currency")} as currency, {readable_value(feed.amount)} as amount
            from delivered
        ) as delivered
        inner join (
            select row_id, faults[1].column as "column",
                array_to_string(list_transform(faults, lambda fault: fault.reason), '; ') as reason
            from bad
            union all
            select row_id, {literal(feed.key[0])}, 'the same key stands there ' || times || ' times with different content'
            from clashes
        ) as wrong using (row_id)
        inner join originals using (source_file, source_line)
        """
    )


def _original(table: TextTable) -> str:
    """Return the record as it stood in the file (quotes only where they are needed)."""
    values = ", ".join(f"coalesce(c{i}, '')" for i in range(len(table.header)))
    quote_if_needed = """
        lambda value: case when regexp_matches(value, '[",\\n\\r]') then '"' || replace(value, '"', '""') || '"' else value end
    """
    return f"array_to_string(list_transform([{values}], {quote_if_needed}), ',')"


def _counts(con: duckdb.DuckDBPyConnection, feed: Feed, tables: Sequence[TextTable]) -> tuple[FileCount, ...]:
    loaded = _by_file(con, "select source_file, count(*) from typed where row_id not in (from doubles) group by all")
    doubles = _by_file(
        con,
        "select source_file, count(*) from typed where row_id in (from doubles) "
        "and row_id not in (select row_id from clashes) group by all",
    )
    rejected = _by_file(con, f"select file, count(*) from rejects where feed = {literal(feed.name)} group by all")
    counts = tuple(
        FileCount(
            feed=feed.name,
            file=table.file,
            rows_in=table.rows + table.malformed,
            rows_loaded=loaded.get(table.file, 0),
            rows_rejected=rejected.get(table.file, 0),
            rows_duplicate=doubles.get(table.file, 0),
        )
        for table in tables
    )
    for count in counts:
        # The books of the landing itself: a row that is in none of the three would be lost without a word.
        if count.rows_in != count.rows_loaded + count.rows_rejected + count.rows_duplicate:
            raise UnreadableFile(count.file, f"its rows do not add up after reading ({count})")
    return counts


def _by_file(con: duckdb.DuckDBPyConnection, query: str) -> Mapping[str, int]:
    return dict(con.execute(query).fetchall())


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    [[count]] = con.execute(query).fetchall()
    return int(count)
