"""Schema `meta` of the build: what a reader needs to judge the marts beside it, and to see what is not in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

import duckdb

from orchestration import lake
from orchestration.database import connect
from orchestration.errors import ArwError
from orchestration.settings import Home

# Feeds that make up the ledger: what is rejected of them is missing from it (decision 0009).
MONEY_FEEDS = {"documents": "document_id", "receipts": "receipt_id", "adjustments": "adjustment_id", "applications": "application_id"}
OPEN_END = datetime(9999, 12, 30)


@dataclass(frozen=True)
class BuildInfo:
    """What a build was made from; equal fingerprints must give equal content."""

    fingerprint: str
    as_of: date
    known_at: datetime
    is_as_known_then: bool
    drops: int
    drops_hash: str
    policy_hash: str
    models_hash: str
    engine: str
    variables: str

    @property
    def moment(self) -> datetime:
        """The moment whose knowledge the build shows: all of it, unless it was asked for an earlier one."""
        return self.known_at if self.is_as_known_then else OPEN_END


def write(home: Home, info: BuildInfo, policy: Sequence[Mapping[str, object]]) -> None:
    """Write the schema into the build file; `build_info` comes last, so that it marks a whole build."""
    with connect(home.build_file) as con:
        attach(con, home, "warehouse")
        con.execute("create schema if not exists meta")
        # What the build before this one would have frozen otherwise says nothing about this one.
        con.execute("drop table if exists meta.restatements")
        con.execute("create or replace table meta.drops as select * from warehouse.meta.drops")
        con.execute("create or replace table meta.load_audit as select * from warehouse.meta.load_audit")
        # Rows of the CRM hold personal data: what was rejected of them is named here, and its text withheld.
        con.execute(
            """
            create or replace table meta.rejects as
            select drop_id, system, feed, file, line, "column", reason, case when system != 'crm' then text end as text,
                key, company_id, customer_id, currency, amount
            from warehouse.meta.rejects
            """
        )
        con.execute(
            """
            create or replace table meta.exceptions as
            select exception_id, object_type, object_id, reason, detail, company_id, customer_id, currency, amount, is_held, known_from as since
            from warehouse.intermediate.int_exceptions
            where known_from <= $moment and known_to > $moment
            """,
            {"moment": info.moment},
        )
        _write_policy(con, policy)
        deliveries(con, home)
        _write_amounts_outside(con, home)
        record = asdict(info) | {"built_at": datetime.now(UTC).replace(tzinfo=None)}
        con.execute(
            """
            create or replace table meta.build_info (
                fingerprint varchar, as_of date, known_at timestamp, is_as_known_then boolean, drops bigint, drops_hash varchar,
                policy_hash varchar, models_hash varchar, engine varchar, variables varchar, built_at timestamp
            )
            """
        )
        con.execute(f"insert into meta.build_info values ({', '.join('?' for _ in record)})", list(record.values()))
        con.execute("checkpoint")


def date_knowledge(home: Home, moment: datetime) -> None:
    """Put on record that the build holds what was known at ``moment`` (UTC), and nothing that came later."""
    with connect(home.build_file) as con:
        con.execute("update meta.build_info set known_at = ?, is_as_known_then = true", [moment])


def moment_text(moment: datetime) -> str:
    """Return a moment in UTC as records and file names of people say it, to the microsecond where it has any: `arw build --known-at` takes it back."""
    return f"{moment.isoformat('T')}Z"


def read_build_info(home: Home) -> BuildInfo:
    """Return what the present build was made from; refuse a build that did not come to its end."""
    columns = list(BuildInfo.__dataclass_fields__)
    try:
        with connect(home.build_file, read_only=True) as con:
            row = con.execute(f"select {', '.join(columns)} from meta.build_info").fetchone()
    except duckdb.Error:
        row = None
    if row is None:
        raise ArwError(f"There is no complete build in {home.root}. Nothing was changed. `arw build` makes one.")
    return BuildInfo(*row)


def attach(con: duckdb.DuckDBPyConnection, home: Home, *names: str) -> None:
    """Attach the working file (`warehouse`) or the build (`ar_build`), read-only."""
    files = {"warehouse": home.warehouse, "ar_build": home.build_file}
    for name in names:
        con.execute(f"attach '{str(files[name]).replace(chr(39), chr(39) * 2)}' as {name} (read_only)")


def deliveries(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Create the temp table `deliveries`: a row per drop and feed, in the order of knowledge."""
    con.execute(
        """
        create or replace temp table deliveries (
            ord bigint, drop_id varchar, extracted_at timestamp, source_id varchar, feed varchar, mode varchar, is_scoped boolean,
            rows_in bigint, rows_loaded bigint
        )
        """
    )
    said: list[tuple[object, ...]] = []
    for ord_, drop in enumerate(lake.drops(home.root)):
        is_scoped = drop.scope_companies is not None or drop.scope_posting_from is not None
        for feed, landed in drop.feeds.items():
            rows = (landed["rows_in"], landed["rows_loaded"])
            said.append((ord_, drop.drop_id, drop.extracted_at, drop.source_id, feed, landed["mode"], is_scoped, *rows))
    if said:
        columns = [list(values) for values in zip(*said, strict=True)]
        con.execute(f"insert into deliveries select {', '.join('unnest(?)' for _ in columns)}", columns)


def _said_again(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Create the temp table `said_again`: the keys of rejected rows that a drop holds all the same, with the last place of such a drop."""
    con.execute("create or replace temp table said_again (feed varchar, key varchar, ord bigint)")
    for feed, key in MONEY_FEEDS.items():
        # Only the drop itself and later ones can; where nothing was rejected, nothing is read.
        later = con.execute(
            """
            select drop_id from deliveries
            where feed = $feed and ord >= (
                select min(told.ord) from warehouse.meta.rejects as rejects
                inner join deliveries as told on told.drop_id = rejects.drop_id and told.feed = rejects.feed
                where rejects.system = 'ledger' and rejects.feed = $feed and rejects.key is not null
            )
            """,
            {"feed": feed},
        ).fetchall()
        files = [str(path) for (drop_id,) in later if (path := home.lake / "ledger" / feed / f"{drop_id}.parquet").is_file()]
        if files:
            con.execute(
                f"""
                insert into said_again
                select $feed, lake.{key}, max(deliveries.ord)
                from read_parquet($files) as lake inner join deliveries on deliveries.drop_id = lake.drop_id and deliveries.feed = $feed
                where lake.{key} in (select key from warehouse.meta.rejects where system = 'ledger' and feed = $feed)
                group by all
                """,
                {"feed": feed, "files": files},
            )


def _write_policy(con: duckdb.DuckDBPyConnection, policy: Sequence[Mapping[str, object]]) -> None:
    """Write the setting of each policy that the figures were made under, as text, beside its default."""
    con.execute("create or replace table meta.policy (setting varchar, value varchar, default_value varchar, allowed varchar, meaning varchar)")
    for said in policy:
        con.execute("insert into meta.policy values (?, ?, ?, ?, ?)", [said[name] for name in ("setting", "value", "default_value", "allowed", "means")])


def _write_amounts_outside(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Write what was rejected or is held, per company and currency, beside the receivable that it is missing from.

    A rejected row counts until a later drop says its key again, or is a full drop of its feed: that is the source's last word.
    """
    _said_again(con, home)
    feeds = json.dumps(list(MONEY_FEEDS)).strip("[]").replace('"', "'")
    con.execute(
        f"""
        create or replace table meta.amounts_outside as
        with rejected as (
            select
                rejects.feed, rejects.key, rejects.company_id, rejects.currency, abs(rejects.amount) as amount, told.ord, told.source_id,
                row_number() over (
                    partition by rejects.feed, coalesce(rejects.key, concat_ws('|', rejects.drop_id, rejects.file, rejects.line))
                    order by told.ord desc, rejects.file, rejects.line
                ) as recency
            from warehouse.meta.rejects as rejects
            inner join deliveries as told on told.drop_id = rejects.drop_id and told.feed = rejects.feed
            where rejects.system = 'ledger' and rejects.feed in ({feeds})
        ),
        told_whole as (
            select feed, source_id, max(ord) as ord from deliveries where mode != 'incremental' and not is_scoped group by all
        ),
        unresolved as (
            select rejected.*
            from rejected
            left join said_again on said_again.feed = rejected.feed and said_again.key = rejected.key
            left join told_whole on told_whole.feed = rejected.feed and told_whole.source_id = rejected.source_id
            where recency = 1 and coalesce(said_again.ord, -1) < rejected.ord and coalesce(told_whole.ord, -1) <= rejected.ord
        ),
        sole as (select min(company_id) as company_id from marts.dim_companies having count(*) = 1),
        outside as (
            select
                coalesce(unresolved.company_id, sole.company_id) as company_id, currency,
                coalesce(amount, 0) as rejected_amount, 0 as held_amount, 0 as held_applications_amount, 1 as rejected_rows, 0 as held_rows,
                case when amount is null or currency is null then 1 else 0 end as unreadable_rows
            from unresolved left join sole on true
            union all
            select
                coalesce(held.company_id, sole.company_id), currency, 0, coalesce(abs(amount), 0), 0, 0, 1,
                case when amount is null or currency is null then 1 else 0 end
            from meta.exceptions as held left join sole on true
            where is_held and object_type in ('document', 'receipt', 'adjustment')
            union all
            -- A held application moves no balance: its cash stands unapplied and its invoice open. Shown, not counted (decision 0009).
            select coalesce(held.company_id, sole.company_id), currency, 0, 0, coalesce(abs(amount), 0), 0, 0, 0
            from meta.exceptions as held left join sole on true
            where is_held and object_type = 'application'
        ),
        summed as (
            select
                company_id, currency, sum(rejected_amount) as rejected_amount, sum(held_amount) as held_amount,
                sum(held_applications_amount) as held_applications_amount, sum(rejected_rows) as rejected_rows, sum(held_rows) as held_rows,
                sum(unreadable_rows) as unreadable_rows
            from outside group by all
        ),
        receivable as (
            select company_id, currency, sum(open_amount) filter (where open_amount > 0) as gross_amount
            from marts.fct_open_items group by all
        )
        select
            coalesce(receivable.company_id, summed.company_id) as company_id,
            coalesce(receivable.currency, summed.currency) as currency,
            cast(coalesce(receivable.gross_amount, 0) as decimal(18, 3)) as gross_receivable_amount,
            cast(coalesce(summed.rejected_amount, 0) as decimal(18, 3)) as rejected_amount,
            cast(coalesce(summed.held_amount, 0) as decimal(18, 3)) as held_amount,
            cast(coalesce(summed.held_applications_amount, 0) as decimal(18, 3)) as held_applications_amount,
            cast(coalesce(summed.rejected_rows, 0) as bigint) as rejected_rows,
            cast(coalesce(summed.held_rows, 0) as bigint) as held_rows,
            cast(coalesce(summed.unreadable_rows, 0) as bigint) as unreadable_rows
        from receivable full join summed on summed.company_id = receivable.company_id and summed.currency = receivable.currency
        order by 1, 2
        """
    )
