"""A build that follows the last one derives only the families that changed, and has the content of one that derives everything (decision 0018).

Random ledgers and a year of corrected, deleted, late and repeated drops are followed with the compiled project, in this process; so are projects that were
broken on purpose, which must be found out. The last test runs `arw`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from golden.cases import as_text
from golden.inboxes import master, write_drop
from oracle.drops import FEEDS
from oracle.random_ledgers import DROPS, random_inbox
from oracle.year import WEEKS, friday, year_of_drops
from replay import Books, Project, compile_project
from running import arw, published

from orchestration import families, lake
from orchestration.extracts.records import DropRecord
from orchestration.meta import BuildInfo

pytestmark = pytest.mark.xdist_group("replay")

WORLDS = 25
SEEDS = (1, 2, 3)
TAKEN = [datetime.fromisoformat(extracted_at).replace(tzinfo=None) for extracted_at, _ in DROPS]
# What a build only needs while it runs: where it follows, it holds what was touched.
PASSING = {
    *("int_applications_keyed", "int_ar_base_amounts", "int_ar_exchanges", "int_ar_movements", "int_contended_movements"),
    *("int_document_settlements", "int_settlements_followed"),
}
DAY = timedelta(days=1)
# After each drop: as_of goes on, goes back, and on again, so that what is posted in between counts, or no longer.
DAYS = {1: date(2026, 3, 15), 2: date(2026, 4, 30), 3: date(2026, 2, 28), 4: date(2026, 4, 30)}


@dataclass
class Builds:
    """Builds of one lake, one after the other; ``reasons`` says of each why it derived everything, None where it followed."""

    whole: Project
    following: Project
    home: Path
    books: Books
    last: families.LastBuild | None = None
    reasons: list[str | None] = field(default_factory=list)

    def build(self, landed: Sequence[DropRecord], as_of: date, *, may_follow: bool = True) -> None:
        """Bring the raw tables up to the drops and derive what a build derives."""
        self.books.bring_up_to(self.home, landed)
        con = self.books.con
        made_with = dict.fromkeys(("drops_hash", "policy_hash", "models_hash", "engine", "variables"), "")
        now = families.stock(con, BuildInfo(fingerprint="", as_of=as_of, known_at=TAKEN[0], is_as_known_then=False, drops=len(landed), **made_with))
        reason: str | None = "asked for"
        if may_follow:
            reason = "there is no build to follow" if self.last is None else families.follow(con, self.last, now, 7)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AR_FOLLOWS", "" if reason else "true")
            self.books.derive(self.whole if reason else self.following, as_of, [node.name for node in self.whole.nodes.values()])
        self.last = now
        self.reasons.append(reason)

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows of every table that outlives a build."""
        con = self.books.con
        tables = con.execute(
            "select database_name, schema_name, table_name from duckdb_tables() where schema_name in ('intermediate', 'marts') order by all"
        ).fetchall()
        return {
            table: con.execute(f"select * from {catalog}.{schema}.{table} order by all").fetchall() for catalog, schema, table in tables if table not in PASSING
        }


@pytest.fixture(scope="module")
def following(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return compile_project(tmp_path_factory.mktemp("following") / "target", follows=True)


@contextmanager
def builds(whole: Project, following: Project, home: Path) -> Iterator[Builds]:
    with Books() as books:
        yield Builds(whole, following, home, books)


def land(folder: Path, seed: int) -> list[DropRecord]:
    """Land a random ledger's drops: everything, then three times what changed."""
    drops = random_inbox(seed, WORLDS)
    for feed, row in as_text(master()):
        drops[0].setdefault(feed, []).append(row)
    records = []
    for number, (feeds, taken) in enumerate(zip(drops, TAKEN, strict=True)):
        mode = "incremental" if number else "full"
        write_drop(folder / str(number), feeds, f"extracted_at: {taken.isoformat()}Z\nbooks_through: {taken.date() - DAY}\nmode: {mode}\n")
        records += lake.load(folder / str(number), folder / "home").landed
    return records


def differences(mine: Builds, others: Builds) -> list[str]:
    """Return the tables that two builds hold differently."""
    left, right = mine.content(), others.content()
    assert left.keys() == right.keys()
    return [table for table in left if left[table] != right[table]]


def follow_to_the_end(whole: Project, following: Project, records: Sequence[DropRecord], home: Path, as_of: Callable[[int], date]) -> Iterator[list[str]]:
    """Build after each drop, following where that can be, and yield what differs from a build of everything."""
    with builds(whole, following, home) as followed:
        for number in range(1, len(records) + 1):
            followed.build(records[:number], as_of(number))
            with builds(whole, following, home) as everything:
                everything.build(records[:number], as_of(number), may_follow=False)
                yield differences(followed, everything)
        assert followed.reasons == ["there is no build to follow", *[None] * (len(records) - 1)]


@pytest.mark.parametrize("seed", SEEDS)
def test_books_that_are_followed_are_those_that_are_derived_whole(project: Project, following: Project, tmp_path: Path, seed: int) -> None:
    records = land(tmp_path, seed)
    found = list(follow_to_the_end(project, following, records, tmp_path / "home", DAYS.__getitem__))
    assert found == [[]] * len(records)


def test_a_year_of_drops_is_followed(project: Project, following: Project, tmp_path: Path) -> None:
    """Late drops, and full ones that delete, are among them: a table that is made again is not followed, and the build says which."""
    with builds(project, following, tmp_path / "home") as followed:
        for week in range(1, WEEKS + 1):
            for number, arrival in enumerate(each for each in year_of_drops(7) if each.week == week):
                write_drop(tmp_path / f"{week}-{number}", arrival.drop.feeds, arrival.manifest)
                lake.load(tmp_path / f"{week}-{number}", tmp_path / "home")
            records = lake.drops(tmp_path / "home")
            followed.build(records, friday(week))
            if week % 6 == 0 or week == WEEKS or followed.reasons[-1]:
                with builds(project, following, tmp_path / "home") as everything:
                    everything.build(records, friday(week), may_follow=False)
                    assert differences(followed, everything) == [], week
    why = [reason for reason in followed.reasons if reason]
    assert why[0] == "there is no build to follow"
    assert all(reason.endswith("came late or for the first time") or reason == "companies or their accounts changed" for reason in why[1:])
    assert len(why) < WEEKS / 4


# Where a model would look at too little, or derive too little: each must be found out.
BROKEN = {
    "an application does not see its other side": ("int_applications", "level <= 2", "level <= 1"),
    "a side is not told that more is asked of it": ("int_contended_sides", "level <= 1", "level <= 0"),
    "what is applied with a change does not move": ("fct_ar_events", "level <= 2", "level <= 1"),
    "settlements are not followed": ("int_settlements", "level <= 1", "level <= 0"),
    "balances are not followed": ("int_item_balances", "level <= 2", "level <= 0"),
    "base amounts are valued without their neighbours": ("int_ar_base_amounts", "level <= 3", "level <= 1"),
    "the aging keeps what was": ("fct_aging_weekly", "-1 as sign", "0 as sign"),
    "a new week's aging is of what changed": ("fct_aging_weekly", "where valid_to > (", "where valid_to < ("),
    "a week of the future stays": ("fct_aging_weekly", "not in (select week_end from week_ends)", "is null"),
    "payments were as items are now": (
        *("int_payments_monthly", "warehouse.meta.before_dim_item_versions"),
        "(select * from ar_build.marts.dim_item_versions semi join warehouse.meta.before_dim_item_versions using (item_id))",
    ),
    "payments were those of today": ("int_payments_monthly", "(select as_of from warehouse.meta.follows_from)", "date '2999-12-31'"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_model_that_derives_too_little_is_found_out(project: Project, following: Project, tmp_path: Path, broken: str) -> None:
    name, right, wrong = BROKEN[broken]
    [node] = [node for node in following.nodes.values() if node.name == name]
    derived = following.derived.get(name, "")
    assert right in node.sql + derived
    mutant = replace(
        following,
        nodes=following.nodes | {node.unique_id: replace(node, sql=node.sql.replace(right, wrong))},
        derived=following.derived | ({name: derived.replace(right, wrong)} if derived else {}),
    )
    for seed in SEEDS:
        records = land(tmp_path / str(seed), seed)
        if any(follow_to_the_end(project, mutant, records, tmp_path / str(seed) / "home", DAYS.__getitem__)):
            return
    raise AssertionError("no ledger tells it from the right model")


def test_where_raw_tables_have_other_columns_nothing_stands(project: Project, following: Project, tmp_path: Path) -> None:
    records = land(tmp_path, SEEDS[0])
    with builds(project, following, tmp_path / "home") as followed:
        followed.build(records, DAYS[4])
        followed.books.con.execute("alter table warehouse.raw_crm.accounts add column upgraded integer")
        followed.build(records, DAYS[4])
        assert followed.reasons == ["there is no build to follow", "the raw tables have other columns"]


def write_demo_day(inbox: Path, day: date, number: int, account: str) -> Path:
    """Write a drop of one invoice and the cash for it."""
    (inbox / "ledger").mkdir(parents=True)
    rows = {
        "documents": {
            **{"document_id": f"X{number}", "company_id": "C100", "customer_id": "00010002", "document_number": f"X{number}", "document_type": "invoice"},
            **{"document_date": day, "posting_date": day, "due_date": day + 30 * DAY, "currency": "EUR", "gross_amount": "100.00"},
            **{"receivable_account": account},
        },
        "receipts": {
            **{"receipt_id": f"XR{number}", "company_id": "C100", "customer_id": "00010002", "receipt_date": day, "posting_date": day},
            **{"currency": "EUR", "amount": "40.00", "receivable_account": account},
        },
        "applications": {
            **{"application_id": f"XA{number}", "source_type": "receipt", "source_id": f"XR{number}", "document_id": f"X{number}"},
            **{"applied_on": day, "amount": "40.00"},
        },
    }
    for feed, row in rows.items():
        with (inbox / "ledger" / f"{feed}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            writer.writeheader()
            writer.writerow(row)
    (inbox / "manifest.yaml").write_text(f"extracted_at: {day + DAY}T06:00:00Z\nbooks_through: {day}\nmode: incremental\n", encoding="utf-8")
    return inbox


def contents(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute("select table_name, row_count, content_hash from meta.contents order by 1").fetchall()


def test_a_run_follows_the_one_before_and_publishes_what_a_full_refresh_would(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert FEEDS["documents"].key == ("document_id",)
    arw(tmp_path, "demo", "--size", "300", "--out", tmp_path / "inbox")
    first = arw(home, "run", tmp_path / "inbox")
    assert "deriving everything: there is no build to follow" in first.stderr
    with published(home) as con:
        [[through]] = con.execute("select max(books_through) from meta.drops").fetchall()
        [[account]] = con.execute("select min(receivable_account) from marts.fct_open_items where company_id = 'C100'").fetchall()
    second = arw(home, "run", write_demo_day(tmp_path / "day", through + DAY, 1, account))
    assert "following the last build" in second.stderr
    # Seeds and staging stand as they are; what looks at rows is made again.
    made = {result["unique_id"].split(".", 2)[-1] for result in json.loads((home / "dbt_target" / "run_results.json").read_text(encoding="utf-8"))["results"]}
    assert not made & {"currencies", "stg_ledger__documents"} and {"stg_ledger__companies", "fct_ar_events", "fct_dso_monthly"} <= made
    with published(home) as con:
        followed = contents(con)
        assert con.execute("select open_amount from marts.fct_open_items where document_id = 'X1'").fetchall()[0][0] == 60
    # The same again, made from nothing: the audit refuses another content of the same drops (rule 3), and nothing new is to publish.
    refreshed = arw(home, "build", "--full-refresh")
    assert "deriving everything: asked for" in refreshed.stderr
    again = arw(home, "publish")
    assert "nothing new was published" in again.stderr
    with published(home) as con:
        assert contents(con) == followed
    # A policy that changed is no build to follow.
    (home / "policy.yaml").write_text("credits_aged: true\n", encoding="utf-8")
    other = arw(home, "build")
    assert "deriving everything: policy, models or engine are others" in other.stderr
