"""The two times over half a year of drops: what frozen weeks would say now and why, the books as known then, and frozen weeks made again.

What is expected is counted from the rows of the drops, in plain Python.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import pytest
from half_year import LATE, RATE, WEEKS, HalfYear, expected, friday, open_items, postings
from running import arw, published

from orchestration import lake, rebuild, restatements, snapshots
from orchestration import published as versions
from orchestration.errors import BadUsage
from orchestration.settings import Home

pytestmark = pytest.mark.xdist_group("half_year")

FROZEN_OF = set(range(1, 9)) - {LATE}
EVERYTHING = set(range(1, WEEKS + 1))
MOMENT = datetime(2026, 2, 28, 6)  # the eighth drop was taken then
AS_KNOWN = set(range(1, 9))


def test_the_restatements_are_what_differs_and_say_why(half_year: HalfYear) -> None:
    late = {posting.row["document_id"] for posting in postings() if posting.week == LATE and posting.pays is None}
    awaited = []
    for week in range(1, 9):
        old, new = open_items(week, FROZEN_OF), open_items(week, EVERYTHING)
        for item in sorted(old.keys() | new.keys()):
            if old.get(item) != new.get(item):
                before, after = old.get(item, (Decimal(), "", None)), new.get(item, (Decimal(), "", None))
                awaited.append((friday(week), item, *before, *after, "late_drop" if item.removeprefix("document:") in late else "posting"))
    with published(half_year.home.root) as con:
        found = con.execute(
            """
            select
                snapshot_date, item_id, old_amount, coalesce(cast(old_due_date as varchar), ''), old_customer_id,
                new_amount, coalesce(cast(new_due_date as varchar), ''), new_customer_id, cause
            from meta.restatements order by all
            """
        ).fetchall()
        changed = dict(con.execute("select item_id, any_value(changed) from meta.restatements group by all").fetchall())
        moments = dict(con.execute("select cause, list(distinct known_since) from meta.restatements group by all").fetchall())
    assert found == awaited
    assert {row[-1] for row in found} == {"late_drop", "posting"}
    assert changed["document:D3-1"] == "due_date"
    assert changed["document:D7-2"] == "customer"
    assert changed["receipt:R-BACK"] == "amount, amount_base"
    assert moments == {
        "late_drop": [datetime.combine(friday(LATE) + timedelta(days=1), datetime.min.time()) + timedelta(hours=6)],
        "posting": [datetime.combine(friday(20) + timedelta(days=1), datetime.min.time()) + timedelta(hours=6)],
    }


def test_the_restatements_are_the_difference_to_the_published_macro(half_year: HalfYear) -> None:
    with published(half_year.home.root) as con:
        for week in range(1, WEEKS + 1):
            differing = con.execute(
                """
                select coalesce(frozen.item_id, now.item_id), coalesce(frozen.open_amount, 0), coalesce(now.open_amount, 0),
                    coalesce(frozen.open_amount_base, 0), coalesce(now.open_amount_base, 0)
                from (from marts.fct_aging_snapshots where snapshot_date = $week) as frozen
                full join marts.open_items_as_of($week) as now on now.item_id = frozen.item_id
                where frozen.open_amount is distinct from now.open_amount or frozen.open_amount_base is distinct from now.open_amount_base
                    or frozen.due_date is distinct from now.due_date or frozen.customer_id is distinct from now.customer_id
                order by 1
                """,
                {"week": friday(week)},
            ).fetchall()
            listed = con.execute(
                "select item_id, old_amount, new_amount, old_amount_base, new_amount_base from meta.restatements where snapshot_date = ? order by 1",
                [friday(week)],
            ).fetchall()
            assert listed == differing, week


def test_status_counts_them_by_cause(half_year: HalfYear) -> None:
    counted = {entry["cause"]: entry for entry in json.loads(arw(half_year.home.root, "status", "--json").stdout)["restatements"]}
    # Three invoices that came late, open at the ends of weeks 5 to 8.
    assert (counted["late_drop"]["items"], counted["late_drop"]["weeks"], counted["late_drop"]["first_week"]) == (12, 4, friday(5).isoformat())
    assert counted["posting"]["last_week"] == friday(8).isoformat()


@pytest.fixture
def version(half_year: HalfYear, tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """Return a copy of the version in force, open for writing."""
    copy = tmp_path / "copy.duckdb"
    shutil.copyfile(versions.find(half_year.home).file, copy)
    copy.chmod(0o644)
    return duckdb.connect(str(copy))


@pytest.mark.parametrize(("frozen_with", "cause"), [({"models_hash": "other"}, "model"), ({"policy_hash": "other"}, "policy")])
def test_what_other_models_or_another_policy_tell_is_theirs(
    half_year: HalfYear, version: duckdb.DuckDBPyConnection, frozen_with: dict[str, str], cause: str
) -> None:
    """Derive one event otherwise than when the weeks were frozen, in knowledge that is as old as they are."""
    with version:
        before = version.execute("select snapshot_date, item_id, cause from meta.restatements order by all").fetchall()
        version.execute("update marts.fct_ar_events set amount = amount + 0.01 where item_id = 'document:D7-1' and event_type = 'document'")
        restatements.write(version, [replace(one, **frozen_with) for one in snapshots.read(half_year.home)])
        after = version.execute("select snapshot_date, item_id, cause, new_amount - old_amount from meta.restatements order by all").fetchall()
    added = [row for row in after if row[:3] not in before]
    assert added == [(friday(week), "document:D7-1", cause, Decimal("0.010")) for week in range(7, WEEKS + 1)]
    # What came late or was posted since keeps its cause.
    assert [row[:3] for row in after if row not in added] == before


def test_the_same_drops_policy_and_models_restate_nothing_but_what_was_told_since(half_year: HalfYear) -> None:
    with published(half_year.home.root) as con:
        drops = dict(con.execute("select drop_id, extracted_at from meta.drops").fetchall())
        hashes = con.execute("select policy_hash, models_hash from meta.build_info").fetchone() or ("", "")
    found = restatements.standings(snapshots.read(half_year.home), drops, *hashes)
    assert [one.is_alike for one in found] == [week > 8 for week in range(1, WEEKS + 1)]
    assert {len(one.late_drops) for one in found[:8]} == {1}
    # A record says its moment to the second; the drop that was taken a little later in that second is no late one.
    newest = max(drops.values())
    later = {drop: taken + timedelta(microseconds=7) if taken == newest else taken for drop, taken in drops.items()}
    assert restatements.standings(snapshots.read(half_year.home), later, *hashes)[-1].known_at == newest + timedelta(microseconds=7)


def contents_of(home: Home) -> dict[str, bytes]:
    """Return what every published file and the build hold, by path."""
    files = (path for path in (*home.published.rglob("*"), home.build_file) if path.is_file())
    return {str(path.relative_to(home.root)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def as_known(half_year: HalfYear) -> tuple[versions.Version, dict[str, bytes]]:
    """Build the books as known when the eighth drop was taken, and tell what the other files held before."""
    home = half_year.home
    before = contents_of(home)
    done = json.loads(arw(home.root, "build", "--known-at", "2026-02-28T07:00:00+01:00", "--json").stdout)
    assert done["is_new"]
    assert Path(done["path"]) == home.published / done["file"]
    return versions.named(home, done["version"]), before


def test_books_as_known_then_leave_everything_else_as_it_was(half_year: HalfYear, as_known: tuple[versions.Version, dict[str, bytes]]) -> None:
    version, before = as_known
    home = half_year.home
    after = contents_of(home)
    added = {f"published/ar_{version.name}{suffix}" for suffix in (".duckdb", ".json", versions.NOTE, "_contacts.duckdb")}
    assert {name: content for name, content in after.items() if name not in added} == before
    assert added <= after.keys()
    assert not home.aside.root.exists()
    assert versions.find(home).name != version.name
    said = json.loads(arw(home.root, "publish", "--json").stdout)
    assert (said["is_new"], said["version"]) == (False, versions.find(home).name)
    assert [one["version"] for one in json.loads(arw(home.root, "status", "--json").stdout)["as_known"]] == [version.name]


def test_books_as_known_then_hold_what_was_known_and_nothing_else(as_known: tuple[versions.Version, dict[str, bytes]]) -> None:
    version, _ = as_known
    assert (version.pointer["as_of"], version.pointer["known_at"]) == (friday(8).isoformat(), "2026-02-28T06:00:00Z")
    with duckdb.connect(str(version.file), read_only=True) as con:
        # The late drop was taken before that moment: it was known, though nobody had loaded it.
        assert con.execute("select count(*), max(extracted_at) from meta.drops").fetchone() == (8, MOMENT)
        items = con.execute("select item_id, open_amount, coalesce(cast(due_date as varchar), ''), customer_id from marts.fct_open_items").fetchall()
        assert {item: tuple(rest) for item, *rest in items} == open_items(8, AS_KNOWN)
        closing = con.execute("select currency, closing_amount from marts.fct_rollforward_monthly where month_end = ? and closing_amount != 0", [friday(8)])
        assert dict(closing.fetchall()) == expected(8, AS_KNOWN)
        told = [posting for posting in postings() if posting.week <= 8 and posting.told_in in AS_KNOWN]
        # Each posting is worth its amount at its own rate, rounded on its own.
        rates = {"EUR": Decimal(1), "USD": Decimal(RATE)}
        base = sum((posting.amount * rates[posting.currency]).quantize(Decimal("0.01"), ROUND_HALF_UP) for posting in told)
        ((net,),) = con.execute("select receivable_amount from marts.fct_dso_monthly where company_id = 'C1' and month_end = ?", [friday(8)]).fetchall()
        assert net == base
        collected = con.execute("select collected_amount from marts.fct_collection_monthly where company_id = 'C1' and month_end = ?", [friday(8)]).fetchone()
        assert collected == (-sum(posting.amount for posting in told if posting.pays),)
        # The frozen weeks of that knowledge, and what the late drop changed in them; nobody had corrected anything yet.
        assert con.execute("select count(*) from meta.snapshots").fetchone() == (8,)
        assert con.execute("select cause, count(*) from meta.restatements group by all").fetchall() == [("late_drop", 12)]


def test_books_as_known_then_are_what_the_macro_says_of_that_moment(half_year: HalfYear, as_known: tuple[versions.Version, dict[str, bytes]]) -> None:
    version, _ = as_known
    query = "select * exclude (as_of_date) from {source} order by item_id"
    with duckdb.connect(str(version.file), read_only=True) as con:
        then = con.execute(query.format(source="marts.fct_open_items")).fetchall()
    with published(half_year.home.root) as con:
        assert con.execute(query.format(source=f"marts.open_items_as_of(date '{friday(8)}', known_at := timestamp '{MOMENT}')")).fetchall() == then


def test_readers_open_them_by_name(half_year: HalfYear, as_known: tuple[versions.Version, dict[str, bytes]]) -> None:
    version, _ = as_known
    query = "select count(*) as n from meta.drops"
    assert json.loads(arw(half_year.home.root, "sql", "--version", version.name, query, "--json").stdout) == [{"n": 8}]
    assert json.loads(arw(half_year.home.root, "sql", query, "--json").stdout) == [{"n": 25}]
    refused = arw(half_year.home.root, "sql", "--version", "known_at_never", query, expect=(1,))
    assert version.name in refused.stderr


def test_a_moment_before_the_first_drop_is_refused(half_year: HalfYear) -> None:
    done = arw(half_year.home.root, "build", "--known-at", "2026-01-10T05:59:59Z", expect=(2,))
    assert "the first drop" in done.stderr
    assert "2026-01-10 06:00:00" in done.stderr
    assert not half_year.home.aside.root.exists()


def test_a_frozen_week_is_made_again_from_exactly_its_drops(half_year: HalfYear) -> None:
    done = json.loads(arw(half_year.home.root, "snapshot", "verify", "--rebuild", friday(7).isoformat(), "--json").stdout)
    assert done["broken"] == []
    assert done["rebuilt"] == [{"record": f"aging_{friday(7)}", "is_reproduced": True, "is_broken": False, "differs": []}]
    assert not half_year.home.aside.root.exists()


def test_a_week_whose_drops_are_gone_cannot_be_made_again(half_year: HalfYear, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(half_year.home.snapshots, home.snapshots)
    shutil.copytree(half_year.home.lake, home.lake)
    first = lake.drops(home.root)[0]
    (home.lake / "drops" / f"{first.drop_id}.json").unlink()
    (found,) = rebuild.rebuild(home, friday(3), lambda _: None)
    assert (found.is_broken, found.differs) == (True, (f"1 of its 7 drops are not in the lake: {first.drop_id}",))
    with pytest.raises(BadUsage, match="is not frozen"):
        rebuild.rebuild(home, friday(3) + timedelta(days=1), lambda _: None)


def test_what_was_made_otherwise_is_named_by_column_and_item(half_year: HalfYear, tmp_path: Path) -> None:
    frozen = snapshots.items_file(half_year.home, snapshots.read(half_year.home)[2])
    made = tmp_path / "made.parquet"
    with duckdb.connect() as con:
        con.execute(
            f"""
            copy (
                select *, 1 as more from (
                    select * exclude (reference) replace (case when item_id = 'document:D2-1' then open_amount + 1 else open_amount end as open_amount)
                    from read_parquet('{frozen}') where item_id != 'document:D1-1'
                )
            ) to '{made}' (format parquet)
            """
        )
        assert rebuild._differences(con, frozen, made) == [
            ("column more is new", 0),
            ("column reference is gone", 0),
            ("open only in the frozen week: 1 items, document:D1-1", 1),
            ("open_amount differs: 1 items, document:D2-1", 1),
        ]
        assert rebuild._differences(con, frozen, frozen) == []
