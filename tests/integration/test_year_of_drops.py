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

pytestmark = pytest.mark.xdist_group("replay")

SEED = 7


@dataclass(frozen=True)
class Week:
    """A week as it was reported: the product's open items, and the drops that had arrived."""

    number: int
    known_at: datetime
    frozen: Report
    arrived: list[Drop]

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
                    weeks.append(Week(due, known_at, open_items(con, friday(due)), known))
        drops = list(arrived.values())
        yield Year(weeks, drops, {taken_at: derive(state) for taken_at, state in states(drops)}, con)


def land(folder: Path, arrival: Arrival, *, is_new: bool) -> None:
    """Hand a drop over in a folder of its own, also one that was there before."""
    name = f"{arrival.drop.name}_in_week_{arrival.week}{'' if is_new else '_again'}"
    write_drop(folder / name, arrival.drop.feeds, arrival.manifest)
    result = lake.load(folder / name, folder / "home")
    assert (len(result.landed), len(result.duplicate), len(result.refused)) == ((1, 0, 0) if is_new else (0, 1, 0))


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


def test_what_would_differ_now_is_what_an_independent_comparison_finds(year: Year) -> None:
    causes = set()
    for week in year.weeks:
        found = restatements(week.frozen, open_items(year.con, week.end, week.known_at), open_items(year.con, week.end))
        by_hand = restatements(report(derive(state_at(week.arrived)), week.end), report(year.ledgers[week.known_at], week.end), report(year.now, week.end))
        assert found == by_hand, week.end
        causes |= {restated.cause for restated in found.values()}
    assert causes == {"posting", "late_drop"}


def test_the_year_holds_what_it_is_meant_to_show(year: Year) -> None:
    """Documents change in every way, most weeks would be told otherwise now, and nothing of it is rejected."""
    events = {row["event_type"] for row in rows_of(year.con, "select distinct event_type from marts.fct_ar_events")}
    assert events >= {"document", "void", "receipt", "bounce", "application", "application_reversal", "discount", "adjustment", "exchange_difference"}
    deleted = [row for drop in year.drops for rows in drop.feeds.values() for row in rows if row.get("is_deleted")]
    assert len(deleted) >= 5
    assert len(state_at(year.drops).rows["documents"]) >= 100
    assert not state_at(year.drops).rejected
    assert sum(week.frozen != report(year.now, week.end) for week in year.weeks) > WEEKS / 2
