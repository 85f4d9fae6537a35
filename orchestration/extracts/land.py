"""Landing one drop: its files in, typed Parquet and rejects out, into a folder of its own.

Almost every row of almost every file is right. So a feed is read once, straight into Parquet, taking the rows that a cheap
test proves right; the others (the suspects) are read into a table and judged rule by rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.extracts.contract import Column, Feed, feeds
from orchestration.extracts.drops import DropFile
from orchestration.extracts.errors import BadHeader, BadProfile, ControlTotalOff, EmptyDelivery, UnreadableFile
from orchestration.extracts.manifest import FeedManifest, Manifest
from orchestration.extracts.profiles import FileKind, Profile
from orchestration.extracts.reading import MALFORMED, create_malformed_table
from orchestration.extracts.rules import (
    FALSE,
    NUMBER,
    TRUE,
    clean,
    faults,
    is_proven_untrimmed,
    literal,
    passes,
    prefixed,
    quoted,
    typed,
)
from orchestration.extracts.sources import DELETED, Source, by_lines, count_of, create_input, open_source, settled, source_of_sql

IS_DELETED = Column(DELETED, "boolean")
REJECTS_COLUMNS = """
    drop_id varchar, system varchar, feed varchar, file varchar, line bigint, "column" varchar, reason varchar,
    text varchar, key varchar, key_values varchar[], company_id varchar, customer_id varchar, currency varchar,
    amount decimal(18, 3), receivable_account varchar, document_type varchar, status varchar, posting_date date
"""
# What is kept of a rejected row beside its amount, where it can be read: whose it is, and what it would have moved.
READABLE = ("company_id", "customer_id", "currency")
READABLE_MOVEMENT = ("receivable_account", "document_type", "status", "posting_date")


@dataclass(frozen=True)
class FileCount:
    """What became of the rows of one file in one feed."""

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


@dataclass
class Landing:
    """What a drop holds, in ``folder``: <feed>.parquet for each feed, and rejects.parquet if there are any."""

    folder: Path
    feeds: list[FeedLanding] = field(default_factory=list)
    rejected: int = 0


@dataclass(frozen=True)
class Doubles:
    """How many rows are left out because another has their key, and how many of these are rejected."""

    rows: int = 0
    clashes: int = 0


@dataclass(frozen=True)
class Task:
    """One feed of one drop, to be landed."""

    con: duckdb.DuckDBPyConnection
    drop_id: str
    feed: Feed
    mode: str
    said: FeedManifest
    source_id: str
    folder: Path

    def count(self, query: str) -> int:
        """Return the one number that a query yields."""
        return count_of(self.con, query)

    def by_file(self, query: str) -> Mapping[str, int]:
        """Return the numbers of a query by the file that its first column names."""
        return dict(self.con.execute(query).fetchall())


def land(
    con: duckdb.DuckDBPyConnection,
    drop_id: str,
    files: Sequence[DropFile],
    profile: Profile,
    manifest: Manifest,
    known_feeds: Collection[str],
    folder: Path,
) -> Landing:
    """Read a drop's files and write what is right and what is wrong with them into ``folder``.

    Raises an ExtractError when the drop as a whole cannot be taken. ``known_feeds`` are the feeds that some drop has
    delivered rows of before.
    """
    for (table,) in con.execute("select table_name from duckdb_tables() where temporary").fetchall():
        con.execute(f"drop table {table} cascade")
    create_malformed_table(con)
    con.execute(f"create or replace temp table rejects ({REJECTS_COLUMNS})")
    landing = Landing(folder)
    for feed, sources, inputs in _sources(con, files, profile, folder):
        task = Task(
            con=con,
            drop_id=drop_id,
            feed=feed,
            mode=manifest.mode_of(feed.name),
            said=manifest.feeds.get(feed.name, FeedManifest()),
            source_id=manifest.source_id,
            folder=folder,
        )
        landing.feeds.append(_land_feed(task, sources, inputs, known_feeds))
    [[landing.rejected]] = con.execute("select count(*) from rejects").fetchall()
    if landing.rejected:
        con.execute(f"copy (from rejects order by system, feed, file, line) to {literal(str(folder / 'rejects.parquet'))} (format parquet, compression zstd)")
    return landing


@dataclass(frozen=True)
class Inputs:
    """The files behind a profile's SQL: their records' text, and the lines that could not be taken apart."""

    sources: Sequence[Source] = ()
    # The malformed lines of these files count as rows of this feed.
    own: frozenset[str] = frozenset()
    has_malformed: bool = False


def _sources(con: duckdb.DuckDBPyConnection, files: Sequence[DropFile], profile: Profile, folder: Path) -> Iterable[tuple[Feed, list[Source], Inputs]]:
    """Yield the feeds that the files deliver, each with where its rows come from."""
    by_target: dict[str, list[Source]] = {}
    kinds: dict[str, FileKind] = {}
    for number, file in enumerate(files):
        kind = kind_of(profile, file)
        kinds[file.target] = kind
        by_target.setdefault(file.target, []).append(open_source(con, number, file, kind, folder))
    declared = {kind.name: kind for kind in profile.kinds if not kind.feed}
    inputs: list[Source] = []
    rows_of: dict[str, set[str]] = {}
    for name, kind in declared.items():
        if name not in by_target:
            continue
        by_target[name] = [settled(con, source, folder) for source in by_target[name]]
        create_input(con, name, by_target[name])
        inputs += by_target[name]
        rows_of.setdefault(kind.rows_of or _first_of(profile), set()).update(source.file for source in by_target[name])
    has_malformed = any(source.malformed for source in inputs)
    for feed in feeds().values():
        if feed.name in profile.sql and inputs:
            behind = Inputs(inputs, frozenset(rows_of.get(feed.name, ())), has_malformed)
            yield feed, [source_of_sql(con, feed, profile.sql[feed.name], inputs)], behind
        elif feed.name in by_target and feed.name not in declared:
            yield feed, by_target[feed.name], Inputs()


def _first_of(profile: Profile) -> str:
    return "documents" if "documents" in profile.sql else next(feed for feed in feeds() if feed in profile.sql)


def kind_of(profile: Profile, file: DropFile) -> FileKind:
    """Return how a file of a drop is written."""
    if profile.kinds:
        kind = profile.kind_of(file.name)
        assert kind is not None, "files that are of no kind are refused before"
        return kind
    return FileKind(**{**profile.default.__dict__, "name": file.target, "feed": file.target})


def _land_feed(task: Task, sources: list[Source], inputs: Inputs, known_feeds: Collection[str]) -> FeedLanding:
    for source in sources:
        _check_header(task, source)
    suspects = _read(task, sources)
    if suspects is None:
        sources = [by_lines(task.con, source, task.folder) for source in sources]
        suspects = _read(task, sources)
        assert suspects is not None, "where records begin and end is settled now"
    malformed = _record_malformed(task, inputs.own if inputs.sources else {source.file for source in sources if source.malformed})
    _check_rows(task, sources[0].file, sum(source.rows for source in sources), known_feeds)
    _check_totals(task, sources[0].file, suspects)
    bad = _judge(task, sources) if suspects else 0
    has_new_keys = _type(task, suspects)
    doubles = _settle_doubles(task, bad)
    rejected = malformed + _record_rejects(task, sources, inputs, bad, doubles.clashes)
    _write(task, is_final=not suspects and not has_new_keys, has_doubles=doubles.rows > 0)
    unreadable = f"select count(*) from rejects where feed = {literal(task.feed.name)} and key_values is null"
    return FeedLanding(
        feed=task.feed.name,
        mode=task.mode,
        counts=_counts(task, sources, inputs, has_rejects=rejected > 0, has_doubles=doubles.rows > 0),
        has_unreadable_key=inputs.has_malformed or (rejected > 0 and task.count(unreadable) > 0),
        notes=tuple(_notes(task, sources, suspects)),
    )


def _check_header(task: Task, source: Source) -> None:
    feed = task.feed
    required = feed.required_columns | ({"open_amount"} if task.mode == "open_items" and feed.name == "documents" else set())
    missing = sorted(required - set(source.columns))
    if not missing:
        return
    if source.source_file:
        raise BadProfile(f"{feed.name}.sql", f"it does not yield {', '.join(missing)}, which {feed.name} requires")
    is_known = bool(set(source.columns) & set(feed.column_names))
    if len(source.columns) == 1 and not is_known:
        remedy = "Export it with commas, or name a profile that declares its delimiter."
        raise BadHeader(source.file, "its header is one single column: another delimiter, or no header", line=1, remedy=remedy)
    if not is_known:
        raise BadHeader(source.file, f"its first line names no column of {feed.name}: the header is missing", line=1)
    raise BadHeader(source.file, f"it lacks {', '.join(missing)}, which {feed.name} requires", line=1)


def _read(task: Task, sources: Sequence[Source]) -> int | None:
    """Read the rows: what is proven right into proven.parquet (view ``proven``), the rest into the table ``suspects``.

    Returned is the number of suspects; None if a file's records turn out not to begin where its bytes say.
    """
    con, feed = task.con, task.feed
    proof = _proof(task, sources)
    proven = literal(str(task.folder / f"{feed.name}.proven.parquet"))
    try:
        delivered = _delivered(task, sources)
        found = task.count(f"copy (select {_typed_columns(task)} from {delivered} where {proof}) to {proven} (format parquet, compression zstd)")
        con.execute(f"create or replace temp view proven as from read_parquet({proven})")
        records = sum(source.rows - source.malformed for source in sources)
        if found == records:
            return 0
        suspects = task.count(f"create or replace temp table suspects as {_cleaned(task, sources)} where not coalesce({proof}, false)")
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return None
    return suspects if found + suspects == records else None


def _delivered(task: Task, sources: Sequence[Source]) -> str:
    """Return a query for the rows of all sources: the feed's columns as clean text, what else they hold as JSON."""
    return f"({' union all '.join(_delivered_by(task, source) for source in sources)})"


def _delivered_by(task: Task, source: Source) -> str:
    feed, given = task.feed, source.columns
    columns = []
    for column in (*feed.columns, IS_DELETED):
        value = given.get(column.name, "null::varchar")
        if column.name in given and not is_proven_untrimmed(column):
            value = clean(column, value, may_be_padded=source.may_be_padded(value))
        columns.append(f"{value} as {quoted(column.name)}")
    extra = ", ".join(f"{literal(name)}, {given[name]}" for name in _extra(feed, source))
    keys = (feed.column(name) for name in feed.key if name in given and source.may_be_padded(given[name]))
    padded = [f"{given[key.name]} is distinct from {clean(key, given[key.name])}" for key in keys]
    return f"""
        select {", ".join(columns)}, {f"json_object({extra})" if extra else "null"}::varchar as extra,
            {" or ".join(padded) or "false"} as is_trimmed, {source.text} as text,
            {source.file_expression} as source_file, source_line
        from {source.relation}
    """


def _cleaned(task: Task, sources: Sequence[Source]) -> str:
    """Return a query for the rows with all their text clean."""
    columns = (column for column in (*task.feed.columns, IS_DELETED) if is_proven_untrimmed(column))
    cleaned = ", ".join(f"{clean(column, quoted(column.name))} as {quoted(column.name)}" for column in columns)
    return f"select * replace ({cleaned}) from {_delivered(task, sources)}"


def _extra(feed: Feed, source: Source) -> list[str]:
    known = {*feed.column_names, DELETED}
    return [name for name in source.columns if name not in known]


def _has_deletions(sources: Sequence[Source]) -> bool:
    return any(DELETED in source.columns for source in sources)


def _gives(column: Column, sources: Sequence[Source]) -> bool:
    return any(column.name in source.columns for source in sources)


def _is_required(task: Task, column: Column) -> bool:
    in_open_items = task.mode == "open_items" and task.feed.name == "documents" and column.name == "open_amount"
    return column.required or in_open_items


def _proof(task: Task, sources: Sequence[Source]) -> str:
    """Return the cheap test of a whole row."""
    may_hold_control = any(source.may_hold_control for source in sources)
    tests = ["not is_trimmed"]
    if _has_deletions(sources):
        # A deletion needs its key only, but one that is right in full is proven as any other row.
        tests.append("coalesce(is_deleted in ('false', 'true'), is_deleted is null)")
    for column in task.feed.columns:
        if not _gives(column, sources) and not _is_required(task, column):
            continue
        if task.feed.optional_company and column.name == "company_id" and not _gives(column, sources):
            continue
        is_required = _is_required(task, column)
        tests.append(passes(task.feed, column, is_required=is_required, may_hold_control=may_hold_control))
    return " and ".join(tests)


def _typed_columns(task: Task) -> str:
    """Return SQL that gives clean text without faults the contract's types."""
    columns = []
    for column in task.feed.columns:
        columns.append(f"{prefixed(column, typed(column), task.source_id)} as {quoted(column.name)}")
    deleted = f"coalesce({typed(IS_DELETED)}, false) as {DELETED}"
    return f"{literal(task.drop_id)} as drop_id, {', '.join(columns)}, {deleted}, extra, source_file, source_line"


def _check_rows(task: Task, file: str, rows: int, known_feeds: Collection[str]) -> None:
    feed, said = task.feed.name, task.said
    if said.rows is not None and said.rows != rows:
        raise ControlTotalOff(file, f"the manifest announces {said.rows} rows of {feed}, the files hold {rows}")
    if rows == 0 and said.rows is None and task.mode != "incremental" and feed in known_feeds:
        raise EmptyDelivery(file, f"it has a header and no row, but rows of {feed} were known before")


def _check_totals(task: Task, file: str, suspects: int) -> None:
    """Compare the control totals with what was read, before anything is rejected."""
    for name, announced in task.said.totals.items():
        column = quoted(name)
        [[found]] = task.con.execute(f"select coalesce(sum({column}), 0) from proven").fetchall()
        if suspects:
            amount = f"try_cast({column} as decimal(38, 9))"
            [[more]] = task.con.execute(f"select coalesce(sum({amount}), 0) from suspects where regexp_full_match({column}, '{NUMBER}')").fetchall()
            found += more
        if found != announced:
            raise ControlTotalOff(file, f"the manifest announces {announced} as the total of {name}, the files add up to {found:f}")


def _judge(task: Task, sources: Sequence[Source]) -> int:
    """Make the table ``bad``: the suspects that are wrong in themselves, each with all its faults. Returned is their number."""
    feed = task.feed
    found = []
    for column in feed.columns:
        is_required = _is_required(task, column)
        if feed.optional_company and column.name == "company_id":
            # A whole feed may leave the company out; one that gives it for some rows has to give it for all.
            is_required = task.count("select count(company_id) from proven") + task.count("select count(company_id) from suspects") > 0
        wrong = faults(feed, column, is_required=is_required)
        if column.name not in feed.key:
            # A deletion needs its key and nothing else.
            wrong.insert(0, (f"lower(is_deleted) in {TRUE}", ""))
        found.append(_first_fault(column, wrong))
    if _has_deletions(sources):
        found.append(_first_fault(IS_DELETED, [(f"lower(is_deleted) not in {TRUE + FALSE}", "is_deleted || ' is neither true nor false'")]))
    return task.count(
        f"""
        create or replace temp table bad as
        select row_id, faults
        from (select rowid as row_id, list_filter([{", ".join(found)}], lambda fault: fault is not null) as faults from suspects)
        where len(faults) > 0
        """
    )


def _first_fault(column: Column, wrong: Sequence[tuple[str, str]]) -> str:
    """Return SQL for a column's first fault; a condition without a message excuses from the ones behind it."""
    whens = " ".join(
        f"when {condition} then " + (f"{{'column': {literal(column.name)}, 'reason': {literal(column.name + ' ')} || {message}}}" if message else "null")
        for condition, message in wrong
    )
    return f"case {whens} end" if wrong else "null"


def _type(task: Task, suspects: int) -> bool:
    """Make the view ``typed``: all rows without faults, and each with a key. True if any had to be given one."""
    con, feed = task.con, task.feed
    right = "from proven"
    if suspects:
        con.execute(f"create or replace temp table acquitted as select {_typed_columns(task)} from suspects where rowid not in (select row_id from bad)")
        right = "from proven union all from acquitted"
    con.execute(f"create or replace temp view typed as {right}")
    key = quoted(feed.key[0])
    if not feed.derived_key or not task.count(f"select count(*) from typed where {key} is null"):
        return False
    # A row without a key gets one that says what it is; two of the same kind are told apart by occurrence.
    parts = ", ".join(f"coalesce(cast({quoted(name)} as varchar), '')" for name in feed.derived_key)
    amounts = ", ".join(f"{quoted(column.name)} nulls first" for column in feed.columns if column.is_money)
    occurrence = f"row_number() over (partition by {key} is null, {parts} order by {amounts}, source_file, source_line)"
    con.execute(f"create or replace temp table keyed as select * replace (coalesce({key}, concat_ws('|', {parts}, {occurrence})) as {key}) from ({right})")
    con.execute("create or replace temp view typed as from keyed")
    return True


def _settle_doubles(task: Task, bad: int) -> Doubles:
    """Make the table ``doubles``, if there are any: rows that are left out because another has their key.

    Rows that say the same are one row. Where they differ, or one of them is rejected, nobody knows which is right: all
    of them are rejected (``is_clash``).
    """
    feed = task.feed
    key = ", ".join(quoted(name) for name in feed.key)
    bad_key = ", ".join(f"{prefixed(feed.column(name), typed(feed.column(name)), task.source_id)} as {quoted(name)}" for name in feed.key)
    keys = f"select {key}, 0 as is_bad from typed"
    if bad:
        keys += f" union all select {bad_key}, 1 from suspects where rowid in (select row_id from bad)"
    again = task.count(
        f"create or replace temp table keys_again as select {key}, count(*) as times, max(is_bad) as is_bad from ({keys}) group by {key} having count(*) > 1"
    )
    if not again:
        return Doubles()
    same = " and ".join(f"typed.{quoted(name)} is not distinct from keys_again.{quoted(name)}" for name in feed.key)
    own_key = ", ".join(f"typed.{quoted(name)}" for name in feed.key)
    content = ", ".join(f"typed.{quoted(name)}" for name in (*feed.column_names, DELETED))
    rows = task.count(
        f"""
        create or replace temp table doubles as
        select source_file, source_line, times, is_clash
        from (
            select typed.source_file, typed.source_line, times,
                row_number() over (partition by {own_key} order by source_file, source_line) as occurrence,
                is_bad = 1 or min(hash({content})) over same_key <> max(hash({content})) over same_key as is_clash
            from typed inner join keys_again on {same}
            window same_key as (partition by {own_key})
        )
        where is_clash or occurrence > 1
        """
    )
    return Doubles(rows, task.count("select count_if(is_clash) from doubles"))


def _record_malformed(task: Task, files: Collection[str]) -> int:
    if not files:
        return 0
    of_files = f"from {MALFORMED} where source_file in ({', '.join(map(literal, files))})"
    malformed = task.count(f"select count(*) {of_files}")
    if malformed:
        task.con.execute(
            f"insert into rejects (drop_id, system, feed, file, line, reason, text) select {literal(task.drop_id)}, "
            f"{literal(task.feed.system)}, {literal(task.feed.name)}, source_file, source_line, reason, text {of_files}"
        )
    return malformed


def _record_rejects(task: Task, sources: Sequence[Source], inputs: Inputs, bad: int, clashes: int) -> int:
    """Record the rows that are wrong in themselves or clash with another; returned is how many these are."""
    if not clashes + bad:
        return 0
    con, feed = task.con, task.feed
    wrong = []
    if bad:
        wrong.append(
            """
            select suspects.*, bad.faults[1].column as wrong_column,
                array_to_string(list_transform(bad.faults, lambda fault: fault.reason), '; ') as wrong_reason
            from bad inner join suspects on suspects.rowid = bad.row_id
            """
        )
    if clashes:
        wrong.append(
            f"""
            select cleaned.*, {literal(feed.key[0])} as wrong_column,
                'the same key stands there ' || doubles.times || ' times with different content' as wrong_reason
            from doubles inner join ({_cleaned(task, sources)}) as cleaned using (source_file, source_line)
            where doubles.is_clash
            """
        )
    con.execute(f"create or replace temp table wrong as {' union all '.join(wrong)}")
    if inputs.sources:
        records = " union all ".join(
            f"select {source.file_expression} as source_file, source_line, {source.text} as text from {source.relation}" for source in inputs.sources
        )
        con.execute(
            f"update wrong set text = records.text from ({records}) as records "
            "where records.source_file = wrong.source_file and records.source_line = wrong.source_line"
        )
    key_parts = ", ".join(f"coalesce(cast({prefixed(feed.column(n), typed(feed.column(n)), task.source_id)} as varchar), '')" for n in feed.key)
    key_faults = " or ".join(
        f"coalesce({condition}, false)"
        for name in feed.key
        for condition, _ in faults(feed, feed.column(name), is_required=not (feed.optional_company and name == "company_id"))
    )
    con.execute(
        f"""
        insert into rejects
        select {literal(task.drop_id)}, {literal(feed.system)}, {literal(feed.name)}, source_file, source_line,
            wrong_column, wrong_reason, text,
            case when not ({key_faults}) then array_to_string([{key_parts}], '|') end,
            case when not ({key_faults}) then [{key_parts}] end,
            {", ".join(_readable(task, name) for name in (*READABLE, feed.amount, *READABLE_MOVEMENT))}
        from wrong
        """
    )
    return clashes + bad


def _readable(task: Task, name: str | None) -> str:
    """Return SQL for a rejected row's value if it can be read, whatever else is wrong with the row."""
    if name is None or name not in task.feed.column_names:
        return "null"
    column, c = task.feed.column(name), quoted(name)
    if column.is_money:
        return f"case when regexp_full_match({c}, '{NUMBER}') then try_cast({c} as decimal(18, 3)) end"
    wrong = " or ".join(f"coalesce({condition}, false)" for condition, _ in faults(task.feed, column, is_required=False))
    return f"case when not ({wrong}) then {typed(column, prefixed(column, c, task.source_id))} end"


def _write(task: Task, *, is_final: bool, has_doubles: bool) -> None:
    """Write <feed>.parquet: the proven rows as they are, unless rows have to be added, left out or given a key."""
    proven = task.folder / f"{task.feed.name}.proven.parquet"
    target = task.folder / f"{task.feed.name}.parquet"
    if is_final and not has_doubles:
        proven.rename(target)
        return
    left_out = "anti join doubles using (source_file, source_line)" if has_doubles else ""
    task.con.execute(f"copy (from typed {left_out}) to {literal(str(target))} (format parquet, compression zstd)")
    proven.unlink()


def _counts(task: Task, sources: Sequence[Source], inputs: Inputs, *, has_rejects: bool, has_doubles: bool) -> tuple[FileCount, ...]:
    feed = task.feed.name
    landed = literal(str(task.folder / f"{feed}.parquet"))
    loaded = task.by_file(f"select source_file, count(*) from read_parquet({landed}) group by all")
    doubles = task.by_file("select source_file, count(*) from doubles where not is_clash group by all") if has_doubles else {}
    rejected = task.by_file(f"select file, count(*) from rejects where feed = {literal(feed)} group by all") if has_rejects else {}
    if inputs.sources:
        rows_in = dict(task.by_file(f"select source_file, count(*) from {sources[0].relation} group by all"))
        for source in inputs.sources:
            rows_in[source.file] = rows_in.get(source.file, 0) + (source.malformed if source.file in inputs.own else 0)
    else:
        rows_in = {source.file: source.rows for source in sources}
    counts = [FileCount(feed, file, rows, loaded.get(file, 0), rejected.get(file, 0), doubles.get(file, 0)) for file, rows in rows_in.items()]
    for count in counts:
        # The landing's own books: a row that is in none of the three would be lost without a word.
        if count.rows_in != count.rows_loaded + count.rows_rejected + count.rows_duplicate:
            raise UnreadableFile(count.file, f"its rows do not add up after reading ({count})")
    return tuple(counts)


def _notes(task: Task, sources: Sequence[Source], suspects: int) -> list[str]:
    notes = []
    extra = sorted({name for source in sources for name in _extra(task.feed, source)})
    if extra:
        notes.append(f"unknown columns kept: {', '.join(extra)}")
    trimmed = task.count("select count_if(is_trimmed) from suspects") if suspects else 0
    if trimmed:
        notes.append(f"spaces around keys trimmed in {trimmed} rows")
    return notes
