"""A year of 52 weekly drops, corrected, deleted, late and repeated: what was reported each week is read back to the cent, and what would differ now is told.

Each week is derived from what had arrived by then, in this process, and kept aside. At the end the same is asked of the whole lake.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from golden.inboxes import write_drop
from oracle.drops import Drop, state_at, states
from oracle.ledger import Ledger, derive
from oracle.restatements import Line, Report, report, restatements
from oracle.year import LATE, WEEKS, Arrival, friday, year_of_drops
from replay import Books, Project, rows_of

from orchestration import lake
from orchestration import restatements as restatements_of_the_publisher
from orchestration.snapshots import Snapshot

pytestmark = pytest.mark.xdist_group("replay")

SEED = 7


@dataclass(frozen=True)
class Week:
    """A week as it was reported: the product's open items, and the drops that had arrived."""

    number: int
    known_at: datetime
    frozen: Report
    arrived: list[Drop]
    drop_ids: tuple[str, ...]

    @property
    def end(self) -> date:
        """The day of the report."""
        return friday(self.number)


@dataclass(frozen=True)
class Year:
    """The weeks as reported, all drops, the oracle's ledger at each knowledge time, and the whole lake's marts."""

    weeks: list[Week]
    drops: list[Drop]
    ledgers: dict[datetime, Ledger]
    con: duckdb.DuckDBPyConnection

    @property
    def now(self) -> Ledger:
        """The oracle's ledger of everything."""
        return self.ledgers[max(self.ledgers)]


@pytest.fixture(scope="module")
def year(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    folder = tmp_path_factory.mktemp("year")
    arrivals = year_of_drops(SEED)
    arrived: dict[str, Drop] = {}
    weeks: list[Week] = []
    with Books() as books:
        for number in range(1, WEEKS + 1):
            coming = [arrival for arrival in arrivals if arrival.week == number]
            for arrival in coming:
                land(folder, arrival, is_new=arrival.drop.name not in arrived)
                arrived[arrival.drop.name] = arrival.drop
            if coming:
                books.bring_up_to(folder / "home")
                con = books.derive(project, friday(number))
                known = list(arrived.values())
                known_at = max(drop.extracted_at for drop in known)
                for due in range(len(weeks) + 1, number + 1):
                    freeze(con, friday(due))
                    weeks.append(Week(due, known_at, open_items(con, friday(due)), known, tuple(record.drop_id for record in lake.drops(folder / "home"))))
        drops = list(arrived.values())
        yield Year(weeks, drops, {taken_at: derive(state) for taken_at, state in states(drops)}, con)


def land(folder: Path, arrival: Arrival, *, is_new: bool) -> None:
    """Hand a drop over in a folder of its own, also one that was there before."""
    name = f"{arrival.drop.name}_in_week_{arrival.week}{'' if is_new else '_again'}"
    write_drop(folder / name, arrival.drop.feeds, arrival.manifest)
    result = lake.load(folder / name, folder / "home")
    assert (len(result.landed), len(result.duplicate), len(result.refused)) == ((1, 0, 0) if is_new else (0, 1, 0))


def freeze(con: duckdb.DuckDBPyConnection, day: date) -> None:
    """Keep a week's open items as the publisher keeps them."""
    rows = f"select date '{day}' as snapshot_date, * from marts.open_items_as_of(date '{day}')"
    con.execute(f"create table if not exists marts.fct_aging_snapshots as from ({rows}) limit 0")
    con.execute(f"insert into marts.fct_aging_snapshots by name {rows}")


def open_items(con: duckdb.DuckDBPyConnection, day: date, known_at: datetime | None = None) -> Report:
    """Return the published open items of a day, as known now or at a moment."""
    moment = "null" if known_at is None else f"timestamp '{known_at:%Y-%m-%d %H:%M:%S}'"
    return {
        row["item_id"]: Line(row["customer_id"], row["currency"], row["due_date"], row["open_amount"], row["open_amount_base"], row["bucket_id"])
        for row in rows_of(con, f"from marts.open_items_as_of(date '{day}', known_at := {moment})")
    }


def test_every_week_was_reported_as_by_hand(year: Year) -> None:
    assert [week.number for week in year.weeks] == list(range(1, WEEKS + 1))
    for week in year.weeks:
        assert week.frozen == report(derive(state_at(week.arrived)), week.end), week.end


def test_every_week_is_read_back_to_the_cent(year: Year) -> None:
    """A week that lacked a late drop is read back as it would have been with it: what differs is the oracle's difference, and nothing else."""
    with_late_drops = []
    for week in year.weeks:
        read_back = open_items(year.con, week.end, week.known_at)
        by_hand = report(year.ledgers[week.known_at], week.end)
        assert read_back == by_hand, week.end
        if read_back != week.frozen:
            with_late_drops.append(week.number)
    assert with_late_drops == [week for week in range(1, WEEKS + 1) if any(late <= week < arrives for late, arrives in LATE.items() if arrives - late > 1)]


@pytest.mark.parametrize("models_hash", ["models", "other models"], ids=["touched-items", "whole-weeks"])
def test_the_published_restatements_are_those_of_an_independent_comparison(year: Year, models_hash: str) -> None:
    """`meta.restatements` as the publisher writes it, from the weeks as they were kept; weeks that other models froze are compared whole.

    With other models a late drop is still named where a version of the item, or of one that it was settled with, began or ended with it.
    """
    year.con.execute("create or replace table meta.drops as from warehouse.meta.drops")
    year.con.execute("create or replace table meta.snapshots as select distinct snapshot_date from marts.fct_aging_snapshots")
    year.con.execute(
        f"""
        create or replace table meta.build_info as
        select date '{friday(WEEKS)}' as as_of, 'policy' as policy_hash, '{models_hash}' as models_hash, false as is_as_known_then,
            null::timestamp as known_at, timestamp '2026-01-01' as built_at
        """
    )
    records = [record(week) for week in year.weeks]
    rows = restatements_of_the_publisher.write(year.con, records)
    # Weeks that are frozen later are added to what was compared before.
    year.con.execute("delete from meta.restatements where snapshot_date > ?", [friday(WEEKS // 2)])
    assert restatements_of_the_publisher.write(year.con, records, [friday(number) for number in range(1, WEEKS // 2 + 1)]) == rows
    published = {
        (row["snapshot_date"], row["item_id"]): (row["old_amount"], row["new_amount"], row["cause"], row["changed"].split(", "))
        for row in rows_of(year.con, "from meta.restatements")
    }
    by_hand = {
        (week.end, item_id): (*restated.amounts, restated.cause, restated.changed)
        for week in year.weeks
        for item_id, restated in restatements(
            report(derive(state_at(week.arrived)), week.end), report(year.ledgers[week.known_at], week.end), report(year.now, week.end)
        ).items()
    }
    assert len(published) == rows
    assert {cause for _, _, cause, _ in by_hand.values()} == {"posting", "late_drop"}
    cannot_be_told = {key for key, (_, _, cause, _) in published.items() if cause == "model" and by_hand[key][2] == "late_drop"}
    late = [key for key, (_, _, cause, _) in by_hand.items() if cause == "late_drop"]
    assert len(cannot_be_told) <= (0 if models_hash == "models" else len(late) // 4)
    assert published == {key: (old, new, "model" if key in cannot_be_told else cause, changed) for key, (old, new, cause, changed) in by_hand.items()}


def record(week: Week) -> Snapshot:
    """Return a frozen week's record, with what restatements ask of it."""
    return Snapshot(
        sequence=week.number,
        snapshot_date=week.end,
        previous_sha256=None,
        items_sha256="",
        content_sha256="",
        context_sha256="",
        row_count=len(week.frozen),
        totals=(),
        drops=week.drop_ids,
        drops_hash="",
        policy_hash="policy",
        models_hash="models",
        engine="",
        version="",
        as_of=week.end,
        known_at=week.known_at.isoformat(),
        taken_at=week.known_at.isoformat(),
    )


def test_the_year_holds_what_it_is_meant_to_show(year: Year) -> None:
    """Documents change in every way, most weeks would be told otherwise now, and nothing of it is rejected."""
    events = {row["event_type"] for row in rows_of(year.con, "select distinct event_type from marts.fct_ar_events")}
    assert events >= {"document", "void", "receipt", "bounce", "application", "application_reversal", "discount", "adjustment", "exchange_difference"}
    deleted = [row for drop in year.drops for rows in drop.feeds.values() for row in rows if row.get("is_deleted")]
    assert len(deleted) >= 5
    assert len(state_at(year.drops).rows["documents"]) >= 100
    assert not state_at(year.drops).rejected
    assert sum(week.frozen != report(year.now, week.end) for week in year.weeks) > WEEKS / 2
