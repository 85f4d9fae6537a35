"""The same books, delivered otherwise: in another order, split, repeated, in full or by changes. What is published must not tell the difference (rule 3).

The books are random little ledgers that collide on purpose. Each way of delivering them is derived with the compiled project, in this process.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from golden.cases import as_text
from golden.inboxes import master, write_drop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle.drops import FEEDS
from oracle.random_ledgers import DROPS, random_inbox
from replay import LEDGER, Books, Project

from orchestration import lake
from orchestration.extracts.records import DropRecord

pytestmark = pytest.mark.xdist_group("replay")

WORLDS = 25
DAYS = (date(2026, 1, 31), date(2026, 4, 30))
AS_OF = DAYS[-1]
TAKEN = [datetime.fromisoformat(extracted_at).replace(tzinfo=None) for extracted_at, _ in DROPS]
MINUTE = timedelta(minutes=1)

Feeds = dict[str, list[dict[str, str]]]
Rows = list[tuple[Any, ...]]

few = settings(derandomize=True, max_examples=3, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
books_of = st.sampled_from([1, 2])


@dataclass(frozen=True)
class Content:
    """What is published of a ledger: its events, items and exceptions with both times, and the open items of some days as known at some moments."""

    tables: dict[str, Rows]
    open_items: dict[tuple[date, datetime], Rows]


@dataclass
class Deliveries:
    """One lake for all ways of delivering; a way is a list of its drops."""

    project: Project
    folder: Path
    landed: dict[tuple[datetime, str, str], DropRecord] = field(default_factory=dict)
    usually: dict[int, Content] = field(default_factory=dict)

    def land(self, feeds: Feeds, taken: datetime, mode: str) -> DropRecord:
        """Land one drop, once."""
        key = (taken, mode, repr(feeds))
        if key not in self.landed:
            drop = self.folder / "inbox" / str(len(self.landed))
            write_drop(drop, feeds, f"extracted_at: {taken.isoformat()}Z\nbooks_through: {taken.date() - timedelta(days=1)}\nmode: {mode}\n")
            [self.landed[key]] = lake.load(drop, self.folder / "home").landed
        return self.landed[key]

    def by_changes(self, seed: int) -> list[DropRecord]:
        """Return books as they are usually delivered: in full once, then what changed."""
        return [self.land(feeds, taken, mode_of(number)) for number, (feeds, taken) in enumerate(zip(rows(seed), TAKEN, strict=True))]

    def content(self, *steps: Sequence[DropRecord]) -> Content:
        """Return what is published of the last step's drops, where the raw tables were brought up to each step before."""
        with Books() as books:
            for step in steps:
                books.bring_up_to(self.folder / "home", step)
            con = books.derive(self.project, AS_OF, (*LEDGER, "fct_open_items", "int_exceptions"))
            tables = ("marts.fct_ar_events", "marts.dim_item_versions", "marts.fct_open_items", "warehouse.intermediate.int_exceptions")
            return Content(
                {table: con.execute(f"select * from {table} order by all").fetchall() for table in tables},
                {(day, moment): open_items(con, day, moment) for day in DAYS for moment in TAKEN},
            )

    def usual(self, seed: int) -> Content:
        """Return what is published of books as they are usually delivered."""
        if seed not in self.usually:
            self.usually[seed] = self.content(self.by_changes(seed))
            assert all(self.usually[seed].tables.values()), "the books have events, items and exceptions"
        return self.usually[seed]


def rows(seed: int) -> list[Feeds]:
    """Return each drop's rows: everything, then three times what changed."""
    drops = random_inbox(seed, WORLDS)
    for feed, row in as_text(master()):
        drops[0].setdefault(feed, []).append(row)
    return drops


def mode_of(number: int) -> str:
    return "incremental" if number else "full"


def in_full(seed: int) -> list[Feeds]:
    """Return everything that was there at each drop."""
    there: dict[str, dict[tuple[str, ...], dict[str, str]]] = {}
    full = []
    for changes in rows(seed):
        for feed, changed in changes.items():
            for row in changed:
                key = tuple(row[name] for name in FEEDS[feed].key)
                if row.get("is_deleted"):
                    there[feed].pop(key, None)
                else:
                    there.setdefault(feed, {})[key] = row
        full.append({feed: list(found.values()) for feed, found in there.items()})
    return full


def in_two(feeds: Feeds, cut: int) -> list[Feeds]:
    """Return two drops that hold the rows of one; what belongs to one key (or one parent, of installments) stays together."""
    halves: list[Feeds] = [{}, {}]
    for feed, found in feeds.items():
        for row in found:
            halves[zlib.crc32(f"{cut} {row[FEEDS[feed].key[0]]}".encode()) % 2].setdefault(feed, []).append(row)
    return halves


def open_items(con: duckdb.DuckDBPyConnection, day: date, moment: datetime) -> Rows:
    """Return the open items of a day as known at a moment."""
    return con.execute(f"select * from marts.open_items_as_of(date '{day}', known_at := timestamp '{moment}') order by all").fetchall()


@pytest.fixture(scope="module")
def deliveries(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Deliveries:
    return Deliveries(project, tmp_path_factory.mktemp("deliveries"))


@few
@given(seed=books_of, order=st.permutations(range(len(DROPS))))
def test_the_order_of_arrival_makes_no_difference(deliveries: Deliveries, seed: int, order: list[int]) -> None:
    drops = deliveries.by_changes(seed)
    arrivals = [[drops[number] for number in order[:count]] for count in range(1, len(order) + 1)]
    assert deliveries.content(*arrivals) == deliveries.usual(seed)


@few
@given(seed=books_of, number=st.integers(1, len(DROPS) - 1), cut=st.integers(0, 99))
def test_a_drop_split_in_two_is_one_drop(deliveries: Deliveries, seed: int, number: int, cut: int) -> None:
    drops = deliveries.by_changes(seed)
    halves = [deliveries.land(half, TAKEN[number], "incremental") for half in in_two(rows(seed)[number], cut)]
    assert deliveries.content([*drops[:number], *halves, *drops[number + 1 :]]) == deliveries.usual(seed)


@few
@given(seed=books_of, number=st.integers(0, len(DROPS) - 1))
def test_a_full_drop_in_two_deliveries_of_different_feeds_is_one_drop(deliveries: Deliveries, seed: int, number: int) -> None:
    full = in_full(seed)
    whole = [deliveries.land(feeds, taken, "full") for feeds, taken in zip(full, TAKEN, strict=True)]
    names = sorted(full[number])
    parts = [deliveries.land({name: full[number][name] for name in chosen}, TAKEN[number], "full") for chosen in (names[::2], names[1::2])]
    assert deliveries.content([*whole[:number], *parts, *whole[number + 1 :]]) == deliveries.usual(seed)


@few
@given(seed=books_of, number=st.integers(1, len(DROPS) - 1), cut=st.integers(0, 99))
def test_the_second_half_a_minute_later_is_known_a_minute_later(deliveries: Deliveries, seed: int, number: int, cut: int) -> None:
    drops = deliveries.by_changes(seed)
    first, second = in_two(rows(seed)[number], cut)
    later = TAKEN[number] + MINUTE
    halves = [deliveries.land(first, TAKEN[number], "incremental"), deliveries.land(second, later, "incremental")]
    with Books() as books:
        books.bring_up_to(deliveries.folder / "home", [*drops[:number], *halves, *drops[number + 1 :]])
        con = books.derive(deliveries.project, AS_OF)
        for (day, moment), expected in deliveries.usual(seed).open_items.items():
            assert open_items(con, day, later if moment == TAKEN[number] else moment) == expected, (day, moment)
        between = con.execute(f"select count(*) from marts.fct_ar_events where known_from = timestamp '{later}'").fetchone()
    assert between != (0,), "the second half brought something of its own"


@few
@given(seed=books_of, number=st.integers(0, len(DROPS) - 1), minutes=st.integers(1, 1000), mode=st.sampled_from(["full", "incremental"]))
def test_what_is_said_again_changes_nothing(deliveries: Deliveries, seed: int, number: int, minutes: int, mode: str) -> None:
    again = in_full(seed)[number] if mode == "full" else rows(seed)[number]
    repeated = deliveries.land(again, TAKEN[number] + minutes * MINUTE, mode)
    assert deliveries.content([*deliveries.by_changes(seed), repeated]) == deliveries.usual(seed)


@few
@given(seed=books_of, first=st.integers(0, len(DROPS) - 2), second=st.integers(1, len(DROPS) - 1))
def test_one_state_another_and_the_first_again_are_three_states(deliveries: Deliveries, seed: int, first: int, second: int) -> None:
    full = in_full(seed)
    other = second if second > first else first + 1
    drops = [deliveries.land(full[number], taken, "full") for number, taken in zip((first, other, first), TAKEN, strict=False)]
    content, usual = deliveries.content(drops), deliveries.usual(seed)
    for day in DAYS:
        said = [content.open_items[day, moment] for moment in TAKEN[:3]]
        assert said == [usual.open_items[day, TAKEN[number]] for number in (first, other, first)], day
    assert content.open_items[AS_OF, TAKEN[0]] != content.open_items[AS_OF, TAKEN[1]], "something is different in between"


@few
@given(seed=books_of, full=st.sets(st.integers(1, len(DROPS) - 1), min_size=1))
def test_in_full_or_by_changes_is_the_same(deliveries: Deliveries, seed: int, full: set[int]) -> None:
    everything = in_full(seed)
    drops = [deliveries.land(everything[n], TAKEN[n], "full") if n in full else drop for n, drop in enumerate(deliveries.by_changes(seed))]
    assert deliveries.content(drops) == deliveries.usual(seed)


@few
@given(seed=books_of, number=st.integers(0, len(DROPS) - 2))
def test_what_was_known_then_is_what_a_lake_of_then_says(deliveries: Deliveries, seed: int, number: int) -> None:
    then = deliveries.content(deliveries.by_changes(seed)[: number + 1])
    now = deliveries.usual(seed)
    for day in DAYS:
        for moment in TAKEN[: number + 1]:
            assert now.open_items[day, moment] == then.open_items[day, moment], (day, moment)
    assert now.open_items[AS_OF, TAKEN[-1]] != then.open_items[AS_OF, TAKEN[-1]], "something was learned since"
