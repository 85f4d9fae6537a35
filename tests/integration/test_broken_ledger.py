"""A ledger that was broken on its way from the extracts is refused with the right reason, and the old version stays.

Each fault is tried twice: on the ledger alone, where the open items no longer agree with it; and with the open items derived from the broken ledger, as a
wrong model would, where only the comparison with what landed can tell.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from running import arw

from orchestration import audit, meta, publish
from orchestration.errors import PublishRefused
from orchestration.settings import Home

pytestmark = pytest.mark.xdist_group("shell")

FAULTS = {
    "dropped": "delete from marts.fct_ar_events where event_id = $event",
    "doubled": """
        insert into marts.fct_ar_events
        select * replace (event_id || '*' as event_id) from marts.fct_ar_events where event_id = $event
    """,
    "sign flipped": "update marts.fct_ar_events set amount = -amount, amount_base = -amount_base where event_id = $event",
    "moved to another customer": "update marts.fct_ar_events set customer_id = '00010001' || '*' where event_id = $event",
}
SEEN_BY = {
    "document": "documents_are_in_the_ledger",
    "void": "documents_are_in_the_ledger_ended",
    "receipt": "receipts_are_in_the_ledger",
    "bounce": "receipts_are_in_the_ledger_ended",
    "adjustment": "adjustments_are_in_the_ledger",
    "application": "applications_are_in_the_ledger",
    "application_reversal": "applications_are_in_the_ledger",
    "discount": "applications_are_in_the_ledger",
    "exchange_difference": "base_amounts_are_at_book_rate",
}
MOVED = "events_stay_with_their_item"


@pytest.fixture(scope="module")
def pristine(demo_home: Home) -> Path:
    """Return a copy of the build as it was."""
    return Path(shutil.copyfile(demo_home.build_file, demo_home.root / "pristine.duckdb"))


@pytest.fixture
def build(demo_home: Home, pristine: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a connection to a fresh copy of the build."""
    shutil.copyfile(pristine, demo_home.build_file)
    with duckdb.connect(str(demo_home.build_file)) as con:
        yield con
    shutil.copyfile(pristine, demo_home.build_file)


def some_event(con: duckdb.DuckDBPyConnection, kind: str) -> str:
    """Return an event of the kind whose item has others too, so that it is the event that is wrong and not the item."""
    found = con.execute(
        """
        select event_id from marts.fct_ar_events, meta.build_info
        where event_type = $kind and known_to = timestamp '9999-12-31' and posting_date <= as_of and (amount != 0 or event_type = 'exchange_difference')
            and item_id in (select item_id from marts.fct_ar_events where known_to = timestamp '9999-12-31' group by item_id having count(*) > 1)
        order by event_id limit 1
        """,
        {"kind": kind},
    ).fetchone()
    assert found, f"the demo has no {kind}"
    return str(found[0])


def refused(home: Home) -> set[str]:
    """Publish, expect a refusal, and return the names of the checks that refused."""
    before = home.pointer.read_bytes()
    with pytest.raises(PublishRefused) as refusal:
        publish.publish(home, {}, lambda _: None)
    assert home.pointer.read_bytes() == before
    return {str(reason["check"]) for reason in refusal.value.reasons}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", SEEN_BY)
def test_a_broken_event_is_refused_though_everything_was_derived_from_it(demo_home: Home, build: duckdb.DuckDBPyConnection, kind: str, fault: str) -> None:
    build.execute(FAULTS[fault], {"event": some_event(build, kind)})
    build.execute("create or replace table marts.fct_open_items as select * from marts.open_items_as_of((select as_of from meta.build_info))")
    build.close()
    assert (MOVED if fault == "moved to another customer" else SEEN_BY[kind]) in refused(demo_home)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", ["document", "receipt", "application"])
def test_a_broken_event_is_refused_where_only_the_ledger_holds_it(demo_home: Home, build: duckdb.DuckDBPyConnection, kind: str, fault: str) -> None:
    build.execute(FAULTS[fault], {"event": some_event(build, kind)})
    build.close()
    seen_by = refused(demo_home)
    assert SEEN_BY[kind] in seen_by or MOVED in seen_by
    if fault != "moved to another customer":
        assert {"open_items_equal_events", "each_open_item_equals_its_events"} <= seen_by


@pytest.mark.parametrize(
    ("change", "seen_by"),
    [
        (
            "update marts.fct_open_items set open_amount = open_amount + 0.001 where item_id = (select min(item_id) from marts.fct_open_items)",
            "open_items_equal_events",
        ),
        (
            "update marts.fct_open_items set customer_id = 'X' where item_id = (select min(item_id) from marts.fct_open_items)",
            "each_open_item_equals_its_events",
        ),
        ("update marts.fct_open_items set bucket_id = 'over_120' where bucket_id = 'current'", "each_open_item_in_one_bucket"),
        ("update marts.fct_open_items set bucket_id = null where bucket_id = '1_30'", "each_open_item_in_one_bucket"),
        ("update marts.fct_open_items set bucket_id = '1_30' where bucket_id = 'current'", "buckets_equal_open_items"),
        ("insert into marts.fct_open_items select * from marts.fct_open_items limit 1", "each_open_item_in_one_bucket"),
        (
            "update marts.fct_aging_weekly set open_amount = open_amount + 1 where week_end = (select min(week_end) from marts.fct_aging_weekly)",
            "weekly_aging_equals_events",
        ),
        ("update marts.fct_rollforward_monthly set billed_amount = billed_amount + 1 where billed_amount > 0", "rollforward_closes_on_events"),
        (
            "delete from marts.fct_rollforward_monthly where month_end = (select max(month_end) from marts.fct_rollforward_monthly)",
            "rollforward_closes_on_events",
        ),
        (
            "update marts.fct_rollforward_monthly set collected_amount_base = collected_amount_base + 0.01 where currency != base_currency",
            "rollforward_closes_on_events_in_base",
        ),
        (
            # It still adds up: only the events tell that the exchange difference is in the wrong column.
            """
            update marts.fct_rollforward_monthly set revalued_amount_base = 0, other_amount_base = other_amount_base + revalued_amount_base
            where revalued_amount_base != 0
            """,
            "exchange_differences_are_revalued",
        ),
        ("update marts.rpt_gl_reconciliation set gl_amount = gl_amount + 1", "reconciliation_adds_up"),
        ("update marts.rpt_gl_reconciliation set gl_amount = 0, subledger_amount = -1 * difference_amount", "reconciliation_adds_up"),
        ("update marts.rpt_gl_reconciliation set unexplained_amount = 1 where is_reconciled", "reconciliation_adds_up"),
        ("update marts.rpt_gl_reconciliation set timing_amount = 1, unexplained_amount = -1 where is_reconciled", "reconciliation_adds_up"),
        ("update marts.rpt_gl_reconciliation_items set amount = amount + 0.01", "reconciliation_adds_up"),
        ("delete from marts.rpt_gl_reconciliation_items", "reconciliation_adds_up"),
        ("delete from marts.rpt_gl_reconciliation where is_reconciled", "reconciliation_adds_up"),
        ("insert into marts.fct_ar_events select * from marts.fct_ar_events limit 1", "events_are_unique"),
        ("update meta.load_audit set rows_loaded = rows_loaded - 1 where feed = 'documents'", "rows_are_accounted_for"),
        ("update meta.load_audit set rows_in = rows_in - 1, rows_loaded = rows_loaded - 1 where feed = 'documents'", "rows_are_accounted_for"),
        ("update marts.dim_customers set name = name || '*'", "content_is_repeatable"),
        ("delete from marts.fct_promises", "content_is_repeatable"),
        ("update meta.amounts_outside set rejected_amount = 0.0011 * gross_receivable_amount", "amounts_outside_are_small"),
        ("update meta.amounts_outside set held_amount = 0.0011 * gross_receivable_amount", "amounts_outside_are_small"),
        ("update meta.amounts_outside set unreadable_rows = 1000", "amounts_outside_are_small"),
    ],
)
def test_each_check_can_fail(demo_home: Home, build: duckdb.DuckDBPyConnection, change: str, seen_by: str) -> None:
    build.execute(change)
    build.close()
    assert seen_by in refused(demo_home)


@pytest.mark.parametrize("kind", ["document", "receipt"])
def test_an_event_that_stands_twice_is_refused_though_it_moves_nothing(demo_home: Home, build: duckdb.DuckDBPyConnection, kind: str) -> None:
    build.execute(
        "insert into marts.fct_ar_events select * replace (event_id || '*' as event_id, 0 as amount, 0 as amount_base) from marts.fct_ar_events "
        "where event_id = $event",
        {"event": some_event(build, kind)},
    )
    build.close()
    assert refused(demo_home) >= {SEEN_BY[kind]}


def test_what_is_posted_after_as_of_is_audited_too(demo_home: Home, build: duckdb.DuckDBPyConnection) -> None:
    build.execute("update meta.build_info set as_of = as_of - 30")
    later = """
        select event_id from marts.fct_ar_events, meta.build_info
        where event_type = '{}' and posting_date > as_of and known_to = timestamp '9999-12-31' order by event_id limit 1
    """
    [[document]] = build.execute(later.format("document")).fetchall()
    build.execute(
        "insert into marts.fct_ar_events select * replace (event_id || '*' as event_id, 0 as amount, 0 as amount_base) from marts.fct_ar_events "
        "where event_id = $event",
        {"event": document},
    )
    [[application]] = build.execute(later.format("application")).fetchall()
    build.execute(FAULTS["moved to another customer"], {"event": application})
    build.close()
    assert refused(demo_home) >= {"documents_are_in_the_ledger", MOVED}


def test_a_thousandth_of_the_receivable_outside_is_let_pass(demo_home: Home, build: duckdb.DuckDBPyConnection) -> None:
    build.execute("update meta.amounts_outside set rejected_amount = 0.0009 * gross_receivable_amount")
    build.close()
    info = meta.read_build_info(demo_home)
    results, _ = audit.run(demo_home, info, None)
    assert [result.check.check_id for result in results if not result.passed] == []


def test_the_command_refuses_with_exit_code_3_and_says_why(demo_home: Home, build: duckdb.DuckDBPyConnection) -> None:
    event = some_event(build, "receipt")
    build.execute(FAULTS["doubled"], {"event": event})
    build.close()
    before = demo_home.pointer.read_bytes()
    done = arw(demo_home.root, "publish", expect=(3,))
    assert "receipts_are_in_the_ledger" in done.stderr and "doubled" in done.stderr
    assert "cannot be overridden" in done.stderr
    assert "The version in force is unchanged" in done.stderr
    assert demo_home.pointer.read_bytes() == before
    shown = arw(demo_home.root, "status").stdout
    assert "NOT PUBLISHED since" in shown and "receipts_are_in_the_ledger" in shown
    assert (
        "cannot be overridden"
        in arw(demo_home.root, "publish", "--override", "receipts_are_in_the_ledger", "--by", "me", "--because", "why", expect=(2,)).stderr
    )


def test_a_build_that_did_not_end_is_not_published(demo_home: Home, build: duckdb.DuckDBPyConnection) -> None:
    build.execute("drop table meta.build_info")
    build.close()
    assert "no complete build" in arw(demo_home.root, "publish", expect=(1,)).stderr
