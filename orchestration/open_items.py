"""What is open on several days of the published books, at little more than the price of one.

`marts.open_items_as_of` sums every event of every item up to a day. Here the events between two of the days are summed once, and items that are open on none of
them are left out. The function itself is the published one: it names its tables without a database, and so reads those of the database in use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from orchestration.database import connect

BOOKS, ON_DAYS = "books", "on_days"

REDUCED = """
create schema on_days.marts;

create table on_days.marts.fct_ar_events as
with next_days as (
    select posting_date, (select min(day) from days where day >= dates.posting_date) as day
    from (select distinct posting_date from books.marts.fct_ar_events) as dates
)
select
    item_id, day as posting_date, timestamp '0001-01-01' as known_from, timestamp '9999-12-31' as known_to,
    sum(amount) as amount, sum(amount_base) as amount_base
from books.marts.fct_ar_events as events inner join next_days using (posting_date)
where known_to > timestamp '9999-12-30' and day is not null
group by item_id, day having sum(amount) != 0 or sum(amount_base) != 0;

create table on_days.marts.dim_item_versions as
from books.marts.dim_item_versions
where known_to > timestamp '9999-12-30' and item_id in (select item_id from on_days.marts.fct_ar_events);

create macro on_days.marts.open_items_as_of(as_of_date) as table from books.marts.open_items_as_of(as_of_date);
"""


@contextmanager
def books(file: Path, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published books in ``file`` for questions, beside a database in memory that spills into the folder ``spill``."""
    with connect(spill=spill) as con:
        con.execute(f"attach '{str(file).replace(chr(39), chr(39) * 2)}' as {BOOKS} (read_only)")
        con.execute(f"use {BOOKS}")
        yield con


def reduce(con: duckdb.DuckDBPyConnection, days: Collection[date]) -> None:
    """Make ready to ask the open books what is open on each of ``days``, as known now."""
    con.execute(f"attach ':memory:' as {ON_DAYS}")
    con.execute("create temp table days as select unnest($days) as day", {"days": sorted(set(days))})
    con.execute(REDUCED)
    others = "select table_name from duckdb_tables() where database_name = 'books' and schema_name = 'marts'"
    made = "select table_name from duckdb_tables() where database_name = 'on_days'"
    for (table,) in con.execute(f"{others} and table_name not in ({made})").fetchall():
        con.execute(f"create view on_days.marts.{table} as from books.marts.{table}")


@contextmanager
def on_days(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Ask only for the days that the books were reduced to: `marts.open_items_as_of` answers for them, and events and versions of items hold nothing else."""
    con.execute(f"use {ON_DAYS}")
    try:
        yield
    finally:
        con.execute(f"use {BOOKS}")
