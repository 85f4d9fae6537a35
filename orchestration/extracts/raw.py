"""The raw tables: which of them follow a new drop by what is new in it, and which are made again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from orchestration.extracts import history
from orchestration.extracts.contract import Feed, feeds
from orchestration.extracts.history import Delivery
from orchestration.extracts.records import DropRecord


def refresh(con: duckdb.DuckDBPyConnection, lake: Path, landed: Sequence[DropRecord]) -> None:
    """Bring every raw table up to the drops in ``landed``.

    A table follows drops that are later than all that it was made of at the cost of what they bring; for a drop that
    came late, or another way of putting drops together, it is made again. The result is the same.
    """
    con.execute("create table if not exists meta.raw_state (feed varchar, made_by varchar, drop_ids varchar[])")
    con.execute("alter table meta.raw_state add column if not exists generation bigint default 0")
    made_by = _made_by()
    states = con.execute("select feed, made_by, drop_ids, generation from meta.raw_state").fetchall()
    known = {feed: ids for feed, maker, ids, _ in states if maker == made_by}
    # Which making of the table it is: who follows what is new in it must see that it was made again.
    generations = {feed: generation for feed, _, _, generation in states}
    tables = {feed.name: f"raw_{feed.system}.{feed.name}" for feed in feeds().values()}
    made_again: set[str] = set()
    for feed in history.in_building_order():
        deliveries = [_delivery(lake, record, feed.name) for record in landed if feed.name in record.feeds]
        ids = [delivery.drop_id for delivery in deliveries]
        if known.get(feed.name) == ids and not _leans_on(feed, deliveries, made_again):
            continue
        if _follows(feed, known.get(feed.name), deliveries) and not _leans_on(feed, deliveries, made_again):
            history.append_versions(con, feed, deliveries[len(known[feed.name]) :], tables)
        else:
            history.create_versions(con, feed, deliveries, tables)
            made_again.add(feed.name)
            generations[feed.name] = generations.get(feed.name, 0) + 1
        con.execute("delete from meta.raw_state where feed = ?", [feed.name])
        con.execute("insert into meta.raw_state values (?, ?, ?, ?)", [feed.name, made_by, ids, generations[feed.name]])


def _follows(feed: Feed, known: Sequence[str] | None, deliveries: Sequence[Delivery]) -> bool:
    """Whether the deliveries are those that are known and later ones."""
    if not known or [delivery.drop_id for delivery in deliveries[: len(known)]] != list(known) or len(deliveries) == len(known):
        return False
    is_later = deliveries[len(known)].extracted_at > deliveries[len(known) - 1].extracted_at
    # Two systems may deliver the same key where it holds no id of their own; which of them told it last is not kept.
    is_one_system = len({delivery.source_id for delivery in deliveries}) == 1
    has_own_keys = any(feed.column(name).type == "id" and name != "customer_id" for name in feed.key)
    return is_later and (is_one_system or has_own_keys)


def _leans_on(feed: Feed, deliveries: Sequence[Delivery], made_again: set[str]) -> bool:
    """Whether a table that was made again tells what lies in a scope of this one."""
    return any(delivery.is_scoped for delivery in deliveries) and not made_again.isdisjoint(feed.belongs_to)


def _made_by() -> str:
    """Return a digest of how drops are put together."""
    makers = (Path(history.__file__), Path(history.__file__).with_name("contract.yaml"))
    return hashlib.sha256(b"".join(maker.read_bytes() for maker in makers)).hexdigest()


def _delivery(lake: Path, record: DropRecord, feed: str) -> Delivery:
    landed: Mapping[str, object] = record.feeds[feed]
    return Delivery(
        drop_id=record.drop_id,
        extracted_at=record.extracted_at,
        books_through=record.books_through,
        mode=str(landed["mode"]),
        source_id=record.source_id,
        scope_companies=record.scope_companies,
        scope_posting_from=record.scope_posting_from,
        has_unreadable_key=bool(landed["has_unreadable_key"]),
        rows=lake / feeds()[feed].system / feed / f"{record.drop_id}.parquet",
        rejects=lake / "rejects" / f"{record.drop_id}.parquet" if landed["rows_rejected"] else None,
    )
