"""From drops to versions: what a feed's rows said, from when to when that was the known truth.

A feed's state at a moment is its last full drop, overwritten by the later incremental ones, in the order in which the
source was read (extracted_at, drop_id), whatever the order in which the drops were loaded. Pure SQL over the lake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from orchestration.extracts.contract import Feed
from orchestration.extracts.rules import literal, quoted

OPEN_END = "9999-12-31 00:00:00"


@dataclass(frozen=True)
class Delivery:
    """One drop's delivery of one feed."""

    drop_id: str
    extracted_at: datetime
    books_through: date
    mode: str
    source_id: str
    scope_companies: tuple[str, ...] | None
    scope_posting_from: date | None
    has_unreadable_key: bool
    rows: Path
    rejects: Path | None

    def deletes_what_is_absent(self, feed: Feed) -> bool:
        """Whether a key that this delivery lacks was deleted.

        What cannot be told to lie in the scope is left alone: rows without a company when companies are listed, a
        parent's lines without a date when the scope begins at a date.
        """
        if self.mode == "incremental" or self.has_unreadable_key:
            return False
        if self.scope_companies is not None and "company_id" not in feed.column_names:
            return False
        return not (self.scope_posting_from and feed.parent and not feed.dated_by)


def create_versions(con: duckdb.DuckDBPyConnection, table: str, feed: Feed, deliveries: Sequence[Delivery]) -> None:
    """(Re)create ``table`` with every version of every row of ``feed``."""
    ordered = sorted(deliveries, key=lambda delivery: (delivery.extracted_at, delivery.drop_id))
    _create_inputs(con, feed, ordered)
    if len(ordered) <= 1:
        # Nothing can have followed anything: every row that was not deleted is its one version.
        con.execute(
            "create or replace temp table versions as "
            "select rowid as row_id, ord, null::timestamp as known_to, false as has_vanished, false as is_flagged "
            "from told where not is_deleted"
        )
    else:
        _create_versions(con, feed)
    con.execute(f"create or replace table {table} as {_rows(feed)}")


def _create_inputs(con: duckdb.DuckDBPyConnection, feed: Feed, deliveries: Sequence[Delivery]) -> None:
    """Make the tables ``deliveries``, ``told`` (every row of every drop) and ``marks`` (keys whose row was rejected)."""
    con.execute(
        """
        create or replace temp table deliveries (
            ord integer, drop_id varchar, extracted_at timestamp, books_through date, load_mode varchar,
            source_id varchar, deletes boolean, companies varchar[], posting_from date
        )
        """
    )
    for ord_, delivery in enumerate(deliveries):
        con.execute(
            "insert into deliveries values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                ord_,
                delivery.drop_id,
                delivery.extracted_at,
                delivery.books_through,
                delivery.mode,
                delivery.source_id,
                delivery.deletes_what_is_absent(feed),
                None if delivery.scope_companies is None else list(delivery.scope_companies),
                delivery.scope_posting_from if feed.dated_by else None,
            ],
        )
    columns = ", ".join(f"{quoted(column.name)} {column.sql_type}" for column in feed.columns)
    con.execute(
        f"create or replace temp table told ({columns}, is_deleted boolean, source_file varchar, source_line bigint, ord integer)"
    )
    names = ", ".join(f"landed.{quoted(name)}" for name in feed.column_names)
    if deliveries:
        con.execute(
            f"""
            insert into told
            select {names}, landed.is_deleted, landed.source_file, landed.source_line, ord
            from read_parquet({_paths(delivery.rows for delivery in deliveries)}) as landed
            inner join deliveries using (drop_id)
            """
        )
    keys = ", ".join(f"{quoted(name)} {feed.column(name).sql_type}" for name in feed.key)
    con.execute(f"create or replace temp table marks ({keys}, ord integer)")
    rejects = [delivery.rejects for delivery in deliveries if delivery.rejects]
    if rejects:
        values = ", ".join(
            f"cast(nullif(key_values[{i}], '') as {feed.column(name).sql_type})" for i, name in enumerate(feed.key, 1)
        )
        con.execute(
            f"""
            insert into marks
            select distinct {values}, ord
            from read_parquet({_paths(rejects)}) inner join deliveries using (drop_id)
            where feed = {literal(feed.name)} and key_values is not null
            """
        )


def _create_versions(con: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    key = ", ".join(quoted(name) for name in feed.key)
    company = "company_id" if "company_id" in feed.column_names else "null::varchar"
    dated = f"cast({feed.dated_by} as date)" if feed.dated_by else "null::date"
    by_key = f"(partition by {key} order by ord)"
    # What a drop says of a key: a row, its deletion, or (a mark) that it is there but cannot be read. And what held
    # then: the last row, unless that was deleted.
    con.execute(
        f"""
        create or replace temp table said as
        select *,
            last_value(held_at ignore nulls) over {by_key} as held,
            lead(ord, 1, 2147483647) over {by_key} as next_ord
        from (
            select {key}, ord, false as is_mark,
                {{'row_id': case when not is_deleted then rowid end, 'company': {company}, 'dated': {dated}}} as held_at
            from told
            union all
            select {key}, ord, true, null from marks
        )
        """
    )
    con.execute(
        f"""
        create or replace temp table absences as
        with scopes as (
            select distinct said.ord, said.held.company, said.held.dated, deliveries.source_id
            from said
            inner join told on told.rowid = said.held.row_id
            inner join deliveries on deliveries.ord = told.ord
        ),
        next_full as (
            select scopes.*, min(later.ord) as absent_ord
            from scopes
            inner join deliveries as later
                on later.deletes and later.ord > scopes.ord and later.source_id = scopes.source_id
                and (later.companies is null or list_contains(later.companies, scopes.company))
                and (later.posting_from is null or scopes.dated >= later.posting_from)
            group by all
        )
        select {_of("said", feed.key)}, next_full.absent_ord as ord, said.held.row_id
        from said
        inner join told on told.rowid = said.held.row_id
        inner join deliveries on deliveries.ord = told.ord
        inner join next_full
            on next_full.ord = said.ord and next_full.source_id = deliveries.source_id
            and next_full.company is not distinct from said.held.company
            and next_full.dated is not distinct from said.held.dated
        where next_full.absent_ord < said.next_ord
        """
    )
    if feed.parent:
        # Where a parent's rows are delivered, those of its rows that are not among them were replaced.
        con.execute(
            f"""
            insert into absences
            select {_of("said", feed.key)}, min(parents.ord), said.held.row_id
            from said
            inner join (select distinct {feed.parent}, ord from said) as parents
                on parents.{feed.parent} = said.{feed.parent} and parents.ord > said.ord and parents.ord < said.next_ord
            where said.held.row_id is not null
            group by all
            """
        )
    _create_states(con, feed, key, by_key)


def _create_states(con: duckdb.DuckDBPyConnection, feed: Feed, key: str, by_key: str) -> None:
    content = ", ".join(f"told.{quoted(name)}" for name in feed.column_names)
    # In a ledger that exports open items only, what vanished was settled: its last row holds, with nothing open.
    is_open_items = feed.name == "documents"
    vanishing = "deliveries.load_mode = 'open_items'" if is_open_items else "false"
    nothing_open = "coalesce(told.open_amount = 0, false)" if is_open_items else "false"
    con.execute(
        f"""
        create or replace temp table versions as
        with states as (
            select {key}, ord, held.row_id, false as has_vanished from said where not is_mark
            union all
            select {_of("absences", feed.key)}, absences.ord,
                case when {vanishing} then absences.row_id end, {vanishing}
            from absences
            inner join deliveries on deliveries.ord = absences.ord
            inner join told on told.rowid = absences.row_id
            where not ({vanishing} and {nothing_open})
        ),
        dated as (
            select states.*, deliveries.extracted_at, hash({content}, has_vanished) as content
            from states
            inner join deliveries on deliveries.ord = states.ord
            left join told on told.rowid = states.row_id
            -- Of what was said at one moment, the last word counts.
            qualify row_number() over (partition by {_of("states", feed.key)}, extracted_at order by states.ord desc) = 1
        ),
        changes as (
            select *
            from (
                select *, row_number() over {by_key} = 1 as is_first,
                    lag(row_id) over {by_key} as row_before, lag(content) over {by_key} as content_before
                from dated
            )
            where case
                when is_first then row_id is not null
                when row_id is null or row_before is null then (row_id is null) <> (row_before is null)
                else content <> content_before
            end
        )
        select {key}, row_id, ord, has_vanished, lead(extracted_at) over {by_key} as known_to,
            lead(ord, 1, 2147483647) over {by_key} as next_ord, false as is_flagged
        from changes
        qualify row_id is not null
        """
    )
    same = " and ".join(f"said.{quoted(name)} is not distinct from versions.{quoted(name)}" for name in feed.key)
    con.execute(
        f"""
        update versions set is_flagged = true
        from (
            select versions.row_id, versions.ord
            from versions
            inner join said on {same} and said.ord >= versions.ord and said.ord < versions.next_ord
            where exists (select 1 from marks)
            group by all
            having max(said.ord) filter (where is_mark) > max(said.ord) filter (where not is_mark)
        ) as flagged
        where versions.row_id = flagged.row_id and versions.ord = flagged.ord
        """
    )


def _rows(feed: Feed) -> str:
    columns = []
    for name in feed.column_names:
        value = f"told.{quoted(name)}"
        if feed.name == "documents" and name == "open_amount":
            value = f"case when versions.has_vanished then 0 else {value} end::decimal(18, 3)"
        if feed.name == "documents" and name == "settled_on":
            value = f"case when not versions.has_vanished then {value} end"
        columns.append(f"{value} as {quoted(name)}")
    return f"""
        select {", ".join(columns)}, deliveries.extracted_at as known_from,
            coalesce(versions.known_to, timestamp '{OPEN_END}') as known_to,
            deliveries.drop_id, deliveries.books_through, deliveries.load_mode, told.source_file, told.source_line,
            versions.is_flagged
        from versions
        inner join told on told.rowid = versions.row_id
        inner join deliveries on deliveries.ord = versions.ord
    """


def _of(table: str, names: Sequence[str]) -> str:
    return ", ".join(f"{table}.{quoted(name)}" for name in names)


def _paths(paths: object) -> str:
    return "[" + ", ".join(literal(str(path)) for path in paths) + "]"  # type: ignore[attr-defined]
