"""From drops to versions: what a feed's rows said, from when to when that was the known truth.

A feed's state at a moment is its last full drop, overwritten by the later incremental ones, in the order in which the
source was read (extracted_at, drop_id), whatever the order in which the drops were loaded. Pure SQL over the lake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from orchestration.extracts.contract import Feed, feeds
from orchestration.extracts.rules import literal, quoted

OPEN_END = "9999-12-31 00:00:00"
OWN_COLUMNS = """
    known_from timestamp, known_to timestamp, drop_id varchar, books_through date, load_mode varchar, source_file varchar,
    source_line bigint, is_flagged boolean
"""
# The places in the order of knowledge of what the table knew before, and of what is not to come.
BEFORE, NEVER = 0, 2_147_483_647


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
    # A row whose key could not be read may be any row: then nothing is deleted by absence.
    has_unreadable_key: bool
    rows: Path
    rejects: Path | None

    @property
    def is_scoped(self) -> bool:
        """Whether the delivery covers only part of what the source has."""
        return self.scope_companies is not None or self.scope_posting_from is not None


def in_building_order() -> list[Feed]:
    """Return the feeds so that those come first which others belong to."""
    ordered: dict[str, Feed] = {}

    def add(feed: Feed) -> None:
        for owner in feed.belongs_to:
            add(feeds()[owner])
        ordered.setdefault(feed.name, feed)

    for feed in feeds().values():
        add(feed)
    return list(ordered.values())


def create_versions(con: duckdb.DuckDBPyConnection, feed: Feed, deliveries: Sequence[Delivery], tables: Mapping[str, str]) -> None:
    """(Re)create the feed's table among ``tables`` (feed to table) with every version of every row."""
    columns = ", ".join(f"{quoted(column.name)} {column.sql_type}" for column in feed.columns)
    con.execute(f"create or replace table {tables[feed.name]} ({columns}, {OWN_COLUMNS})")
    if deliveries:
        append_versions(con, feed, deliveries, tables)


def append_versions(con: duckdb.DuckDBPyConnection, feed: Feed, deliveries: Sequence[Delivery], tables: Mapping[str, str]) -> None:
    """Bring the feed's table up to ``deliveries``, which are all later than what it was made of.

    What the table knows as open counts as what was said first; the rest of it cannot change any more.
    """
    ordered = sorted(deliveries, key=lambda delivery: (delivery.extracted_at, delivery.drop_id))
    table = tables[feed.name]
    [[is_first]] = con.execute(f"select count(*) = 0 from {table}").fetchall()
    _create_deliveries(con, ordered)
    _create_marks(con, feed, ordered)
    _create_echoes(con, feed, ordered, table)
    _create_told(con, feed, ordered)
    if is_first and len(ordered) == 1:
        # Nothing can have followed anything: every row that was not deleted is its one version.
        con.execute(
            "create or replace temp table versions as "
            "select rowid as row_id, ord, null::timestamp as known_to, false as has_vanished, false as is_flagged "
            "from told where not is_deleted"
        )
    else:
        _recall(con, feed, ordered, table)
        _create_contested(con, feed, ordered)
        is_scoped = any(delivery.is_scoped for delivery in ordered)
        links = list(feed.belongs_to.items()) if is_scoped else []
        _create_said(con, feed, [column for _, column in links])
        _create_absences(con, feed, [tables[owner] for owner, _ in links], [feeds()[owner] for owner, _ in links])
        _create_changes(con, feed)
        _flag(con, feed)
        con.execute("insert into versions by name select row_id, ord, false as has_vanished, false as is_flagged from alone")
        con.execute(
            f"""
            update {table} as known set known_to = coalesce(versions.known_to, known.known_to), is_flagged = versions.is_flagged
            from versions inner join told on told.rowid = versions.row_id
            where versions.ord = {BEFORE} and told.known_row = known.rowid
                and (versions.known_to is not null or versions.is_flagged <> known.is_flagged)
            """
        )
    con.execute(f"insert into {table} {_rows(feed)}")


def _create_deliveries(con: duckdb.DuckDBPyConnection, deliveries: Sequence[Delivery]) -> None:
    """Make the table ``deliveries``."""
    con.execute(
        """
        create or replace temp table deliveries (
            ord integer, drop_id varchar, extracted_at timestamp, books_through date, load_mode varchar, source_id varchar,
            is_readable boolean, companies varchar[], posting_from date
        )
        """
    )
    for place, delivery in enumerate(deliveries, BEFORE + 1):
        con.execute(
            "insert into deliveries values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                place,
                delivery.drop_id,
                delivery.extracted_at,
                delivery.books_through,
                delivery.mode,
                delivery.source_id,
                not delivery.has_unreadable_key,
                None if delivery.scope_companies is None else list(delivery.scope_companies),
                delivery.scope_posting_from,
            ],
        )


def _create_told(con: duckdb.DuckDBPyConnection, feed: Feed, deliveries: Sequence[Delivery]) -> None:
    """Make the table ``told``: every row of every drop, but for the echoes."""
    columns = ", ".join(f"{quoted(column.name)} {column.sql_type}" for column in feed.columns)
    con.execute(
        f"create or replace temp table told ({columns}, is_deleted boolean, source_file varchar, source_line bigint, "
        "ord integer, told_by varchar, known_row bigint, was_flagged boolean)"
    )
    con.execute(
        f"""
        insert into told
        select {", ".join(_told(name) for name in feed.column_names)}, landed.is_deleted, landed.source_file, landed.source_line,
            deliveries.ord, deliveries.source_id, null, false
        from read_parquet({_paths(delivery.rows for delivery in deliveries)}, file_row_number = true) as landed
        inner join deliveries using (drop_id)
        anti join echoes on echoes.landed_row = landed.file_row_number
        """
    )


def _create_marks(con: duckdb.DuckDBPyConnection, feed: Feed, deliveries: Sequence[Delivery]) -> None:
    """Make the table ``marks``: keys whose row was rejected."""
    keys = ", ".join(f"{quoted(name)} {feed.column(name).sql_type}" for name in feed.key)
    con.execute(f"create or replace temp table marks ({keys}, ord integer)")
    rejects = [delivery.rejects for delivery in deliveries if delivery.rejects]
    if rejects:
        values = ", ".join(f"cast(nullif(key_values[{i}], '') as {feed.column(name).sql_type})" for i, name in enumerate(feed.key, 1))
        con.execute(
            f"""
            insert into marks
            select distinct {values}, deliveries.ord
            from read_parquet({_paths(rejects)}) inner join deliveries using (drop_id)
            where feed = {literal(feed.name)} and key_values is not null
            """
        )


def _create_echoes(con: duckdb.DuckDBPyConnection, feed: Feed, deliveries: Sequence[Delivery], table: str) -> None:
    """Make the table ``echoes``: rows of a drop that say nothing but what the table knows as open.

    Most of a drop of everything says again what the last one said. Such a row changes nothing, deletes nothing, and is not missing: neither it nor what it says
    again is put in order. Where rows are replaced per parent, each of them tells that the others are gone.
    """
    con.execute("create or replace temp table echoes (known_row bigint, landed_row bigint)")
    if len(deliveries) != 1 or deliveries[0].mode == "incremental" or feed.parent:
        return
    on_key = " and ".join(f"known.{quoted(name)} is not distinct from landed.{quoted(name)}" for name in feed.key)
    is_marked = " and ".join(f"marks.{quoted(name)} is not distinct from known.{quoted(name)}" for name in feed.key)
    con.execute(
        f"""
        insert into echoes
        select known.rowid, landed.file_row_number
        from {table} as known
        inner join (
            select {_of("rows", feed.key)}, rows.file_row_number, hash({", ".join(_told(name, "rows") for name in feed.column_names)}) as content
            from read_parquet({_paths(delivery.rows for delivery in deliveries)}, file_row_number = true) as rows
            inner join deliveries using (drop_id)
            where not rows.is_deleted
        ) as landed
            on {on_key} and landed.content = hash({_of("known", feed.column_names)})
        anti join marks on {is_marked}
        where known.known_to = timestamp '{OPEN_END}' and not known.is_flagged
        """
    )


def _recall(con: duckdb.DuckDBPyConnection, feed: Feed, deliveries: Sequence[Delivery], table: str) -> None:
    """Add to ``told`` what the table knows as open, as told before everything else.

    Where nothing can be deleted by absence, only what is spoken of again can change.
    """
    con.execute(f"insert into deliveries (ord, extracted_at, load_mode, is_readable) values ({BEFORE}, timestamp '0001-01-01', 'incremental', true)")
    spoken_of = ""
    if all(delivery.mode == "incremental" for delivery in deliveries):
        names = [feed.parent] if feed.parent else feed.key
        key = ", ".join(quoted(name) for name in names)
        same = " and ".join(f"known.{quoted(name)} is not distinct from spoken_of.{quoted(name)}" for name in names)
        spoken_of = f"semi join (select {key} from told union select {key} from marks) as spoken_of on {same}"
    con.execute(
        f"""
        insert into told
        select {_of("known", feed.column_names)}, false, known.source_file, known.source_line, {BEFORE},
            origins.source_id, known.rowid, known.is_flagged
        from {table} as known
        left join meta.drops as origins on origins.drop_id = known.drop_id
        anti join echoes on echoes.known_row = known.rowid
        {spoken_of}
        where known.known_to = timestamp '{OPEN_END}'
        """
    )


def _create_contested(con: duckdb.DuckDBPyConnection, feed: Feed, deliveries: Sequence[Delivery]) -> None:
    """Divide ``told`` into ``alone``, rows that nothing can follow and that follow nothing, and ``contested``, the ids of all others.

    A row stands alone where no other drop speaks of its key (of its parent, where rows are replaced per parent) and no later drop could delete by absence.
    Nearly every row of a ledger is one: it is a version as it stands, and only the others are put in order.
    """
    names = [feed.parent] if feed.parent else list(feed.key)
    is_spoken_of_again = "min(ord) <> max(ord)" if feed.parent else "count(*) > 1"
    key = ", ".join(quoted(name) for name in names)
    same = " and ".join(f"several.{quoted(name)} is not distinct from told.{quoted(name)}" for name in names)
    last_whole = max((place for place, delivery in enumerate(deliveries, BEFORE + 1) if delivery.mode != "incremental"), default=BEFORE + 1)
    con.execute(
        f"""
        create or replace temp table contested as
        with several as (
            select {key} from told group by all having {is_spoken_of_again} or max(ord) < {last_whole}
            union
            select {key} from marks
        )
        select told.rowid as row_id from told semi join several on {same}
        """
    )
    con.execute(
        """
        create or replace temp table alone as
        select rowid as row_id, ord from told anti join contested on contested.row_id = told.rowid where not is_deleted
        """
    )


def _told(name: str, landed: str = "landed") -> str:
    """Return SQL for a landed column; what is open and when it was settled means something in open items only."""
    column = f"{landed}.{quoted(name)}"
    return f"case when load_mode = 'open_items' then {column} end" if name in ("open_amount", "settled_on") else column


def _create_said(con: duckdb.DuckDBPyConnection, feed: Feed, links: Sequence[str]) -> None:
    """Make the table ``said``: what each drop says of each key, and which row held from then on.

    A drop says a row, its deletion (held.row_id is NULL), or leaves a mark: there is a row, but it cannot be read.
    """
    held = ["'row_id': case when not is_deleted then rowid end"]
    held.append(f"'company': {'company_id' if 'company_id' in feed.column_names else 'null::varchar'}")
    held.append(f"'dated': {quoted(feed.dated_by) if feed.dated_by else 'null::date'}")
    held += [f"'owner_{i}': {quoted(link)}" for i, link in enumerate(links)]
    key = ", ".join(quoted(name) for name in feed.key)
    by_key = f"(partition by {key} order by ord)"
    con.execute(
        f"""
        create or replace temp table said as
        select {key}, ord, is_mark,
            last_value(held_at ignore nulls) over {by_key} as held,
            lead(ord, 1, {NEVER}) over {by_key} as next_ord
        from (
            select {key}, ord, false as is_mark, {{{", ".join(held)}}} as held_at
            from told semi join contested on contested.row_id = told.rowid
            union all
            select {key}, ord, true, null from marks
        )
        """
    )


def _create_absences(con: duckdb.DuckDBPyConnection, feed: Feed, owner_tables: Sequence[str], owners: Sequence[Feed]) -> None:
    """Make the table ``absences``: the first drop after a row that should have had its key, and had not.

    A scope covers a row if its company is listed and it is dated within; what cannot be told to lie inside is left alone.
    """
    company, dated = ["scopes.company"], ["scopes.dated"]
    joins, links = [], []
    for i, (table, owner) in enumerate(zip(owner_tables, owners, strict=True)):
        company.append(f"owner_{i}.company_id")
        dated.append(f"owner_{i}.posting_date")
        links.append(f"said.held.owner_{i}")
        # What its owner was known to be when the drop was taken.
        joins.append(
            f"left join {table} as owner_{i} on owner_{i}.{quoted(owner.key[0])} = scopes.owner_{i} "
            f"and owner_{i}.known_from < later.extracted_at and owner_{i}.known_to >= later.extracted_at"
        )
    terms = ["said.ord", "said.held.company", "said.held.dated", *links]
    names = ["ord", "company", "dated", *(f"owner_{i}" for i in range(len(links)))]
    named = ", ".join(f"{term} as {name}" for term, name in zip(terms, names, strict=True))
    same = " and ".join(f"next_full.{name} is not distinct from {term}" for term, name in zip(terms, names, strict=True))
    con.execute(
        f"""
        create or replace temp table absences as
        with scopes as (
            select distinct {named}, told.told_by
            from said
            inner join told on told.rowid = said.held.row_id
        ),
        next_full as (
            select scopes.*,
                min(later.ord) filter (where later.load_mode = 'full') as deleted_ord,
                min(later.ord) filter (where later.load_mode = 'open_items') as vanished_ord
            from scopes
            inner join deliveries as later
                on later.load_mode <> 'incremental' and later.is_readable
                and later.ord > scopes.ord and later.source_id = scopes.told_by
            {" ".join(joins)}
            where (later.companies is null or list_contains(later.companies, coalesce({", ".join(company)}, null)))
                and (later.posting_from is null or coalesce({", ".join(dated)}, null) >= later.posting_from)
            group by all
        ),
        absent as (
            select {_of("said", feed.key)}, said.held.row_id as row_id, said.next_ord, next_full.deleted_ord, next_full.vanished_ord
            from said
            inner join told on told.rowid = said.held.row_id
            inner join next_full on {same} and next_full.told_by = told.told_by
        )
        select {_of("absent", feed.key)}, deleted_ord as ord, row_id, false as has_vanished from absent where deleted_ord < next_ord
        union all
        select {_of("absent", feed.key)}, vanished_ord, row_id, true
        from absent where vanished_ord < least(next_ord, coalesce(deleted_ord, next_ord))
        """
    )
    if feed.parent:
        # Where a parent's rows are delivered, those of its rows that are not among them were replaced.
        parent = quoted(feed.parent)
        con.execute(
            f"""
            insert into absences
            select {_of("said", feed.key)}, min(parents.ord), said.held.row_id, false
            from said
            inner join (
                select distinct {parent}, ord from said inner join deliveries using (ord) where is_readable
            ) as parents
                on parents.{parent} = said.{parent} and parents.ord > said.ord and parents.ord < said.next_ord
            where said.held.row_id is not null
            group by all
            """
        )


def _create_changes(con: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Make the table ``versions``: every stretch in which a key's content was the same."""
    key = ", ".join(quoted(name) for name in feed.key)
    by_key = f"(partition by {key} order by ord)"
    # In a ledger that exports open items only, what vanished was settled: its last row holds, with nothing open.
    nothing_open = "coalesce(told.open_amount = 0, false)" if "open_amount" in feed.column_names else "false"
    con.execute(
        f"""
        create or replace temp table versions as
        with states as (
            select {key}, ord, held.row_id, false as has_vanished from said where not is_mark
            union all
            select {_of("absences", feed.key)}, absences.ord, case when has_vanished then row_id end, has_vanished
            from absences
            inner join told on told.rowid = absences.row_id
            where not (has_vanished and {nothing_open})
        ),
        dated as (
            select states.*, deliveries.extracted_at, hash({", ".join(_content(feed, "has_vanished"))}) as content
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
            lead(ord, 1, {NEVER}) over {by_key} as next_ord, false as is_flagged
        from changes
        qualify row_id is not null
        """
    )


def _flag(con: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Flag the versions that hold only because the last row of their key was rejected."""
    same = " and ".join(f"said.{quoted(name)} is not distinct from versions.{quoted(name)}" for name in feed.key)
    con.execute(
        f"""
        update versions set is_flagged = true
        from (
            select versions.row_id, versions.ord
            from versions
            inner join told on told.rowid = versions.row_id
            inner join said on {same} and said.ord >= versions.ord and said.ord < versions.next_ord
            where exists (select 1 from marks) or told.was_flagged
            group by all
            having max_by(said.is_mark, said.ord) or (max(said.ord) = {BEFORE} and bool_or(told.was_flagged))
        ) as flagged
        where versions.row_id = flagged.row_id and versions.ord = flagged.ord
        """
    )


def _content(feed: Feed, has_vanished: str) -> list[str]:
    """Return SQL for the columns of a version; of what vanished nothing is open, and nobody said when it was settled."""
    content = {name: f"told.{quoted(name)}" for name in feed.column_names}
    if "open_amount" in content:
        content["open_amount"] = f"case when {has_vanished} then 0 else told.open_amount end::decimal(18, 3)"
        content["settled_on"] = f"case when not {has_vanished} then told.settled_on end"
    return list(content.values())


def _rows(feed: Feed) -> str:
    content = zip(_content(feed, "versions.has_vanished"), feed.column_names, strict=True)
    columns = [f"{value} as {quoted(name)}" for value, name in content]
    return f"""
        select {", ".join(columns)}, deliveries.extracted_at as known_from,
            coalesce(versions.known_to, timestamp '{OPEN_END}') as known_to,
            deliveries.drop_id, deliveries.books_through, deliveries.load_mode, told.source_file, told.source_line,
            versions.is_flagged
        from versions
        inner join told on told.rowid = versions.row_id
        inner join deliveries on deliveries.ord = versions.ord
        where versions.ord > {BEFORE}
    """


def _of(table: str, names: Iterable[str]) -> str:
    return ", ".join(f"{table}.{quoted(name)}" for name in names)


def _paths(paths: Iterable[Path]) -> str:
    return "[" + ", ".join(literal(str(path)) for path in paths) + "]"
