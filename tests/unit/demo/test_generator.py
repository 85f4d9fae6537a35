"""The demo as a set of files: reproducible, complete, within its size, and never half written."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from inboxes import REFERENCES, Inbox

from orchestration.demo import SIZES, DemoSummary, generate, writer
from orchestration.demo.__main__ import main
from orchestration.demo.deliberate import MISSING_NUMBER, UNKNOWN_CUSTOMER
from orchestration.demo.feeds import Feed
from orchestration.demo.generator import size_of

# The first column of these says on which day a row's story began; nothing of it may lie after the drop's books_through.
DAYS = {
    "documents": ["voided_on"], "receipts": ["receipt_date", "posting_date", "reversed_on"], "applications": ["applied_on", "reversed_on"],
    "adjustments": ["posting_date"], "exchange_rates": ["rate_date"], "gl_balances": ["period_end"], "customer_balances": ["as_of_date"],
    "activities": ["occurred_at"], "promises": ["created_at"], "disputes": ["opened_on", "closed_on"], "dunning_events": ["sent_at"],
    "agency_placements": ["placed_on", "returned_on"], "credit_reviews": ["reviewed_on"], "business_events": ["event_date"],
    "customers": ["opened_on"], "open_orders": ["order_date"],
}  # fmt: skip


def _digests(path: Path) -> dict[str, str]:
    return {str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(path.rglob("*")) if file.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first, again, other = (_digests(generate(tmp_path / name, 400, seed).out) for name, seed in [("first", 3), ("again", 3), ("other", 4)])
    assert first == again
    assert first.keys() >= {"2026-08-29_history/manifest.yaml", "2026-08-29_history/ledger/documents.csv.gz"}
    assert all(first.get(name) != digest for name, digest in other.items() if "/documents" in name)


@pytest.mark.parametrize("drop", range(9))
def test_the_control_totals_are_those_of_the_files(inbox: Inbox, drop: int) -> None:
    feeds, manifest = inbox.drops[drop].feeds, inbox.drops[drop].manifest
    assert set(manifest["feeds"]) == set(feeds)
    for feed, control in manifest["feeds"].items():
        assert control["rows"] == len(feeds[feed])
        for column, total in control.get("total", {}).items():
            assert Decimal(total) == sum(Decimal(row[column]) for row in feeds[feed])
    assert "total" in manifest["feeds"]["documents"]


def test_control_totals_hold_balances_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a demo of five million documents a control account passes a thousand million."""
    monkeypatch.setattr(writer, "FEEDS", [Feed("ledger", "gl_balances", "select 999999999999999.125::decimal(18, 3) as closing_balance", "closing_balance")])
    with duckdb.connect() as con:
        names, _ = writer.write(con, tmp_path, lambda _: None)
    assert "999999999999999.125" in (tmp_path / names[0] / "manifest.yaml").read_text(encoding="utf-8")


def test_a_history_and_eight_weeks_are_extracted_on_saturdays(inbox: Inbox) -> None:
    fridays = [date(2026, 8, 28) + timedelta(weeks=week) for week in range(9)]
    assert [drop.manifest["books_through"] for drop in inbox.drops] == fridays
    assert [drop.manifest["extracted_at"] for drop in inbox.drops] == [
        datetime.combine(friday + timedelta(days=1), datetime.min.time().replace(hour=6), UTC) for friday in fridays
    ]
    assert [drop.manifest["mode"] for drop in inbox.drops] == ["full"] + ["incremental"] * 8


@pytest.mark.parametrize("feed", DAYS)
def test_no_drop_knows_the_future(inbox: Inbox, feed: str) -> None:
    values = [
        (row[column][:10], str(drop.manifest["books_through"]))
        for drop in inbox.drops
        for row in drop.feeds.get(feed, [])
        for column in DAYS[feed]
        if row[column]
    ]
    assert values
    assert [(day, through) for day, through in values if day > through] == []


def test_the_history_has_every_feed(small: Path) -> None:
    ledger = (
        "companies customers payment_terms documents installments receipts applications adjustments gl_balances customer_balances exchange_rates open_orders"
    )
    crm = "accounts contacts users activities promises disputes dunning_events payment_plans credit_reviews agency_placements business_events"
    files = [file.relative_to(small / "2026-08-29_history") for file in (small / "2026-08-29_history").glob("*/*")]
    assert {(file.parent.name, file.name.split(".")[0]) for file in files} == {("ledger", f) for f in ledger.split()} | {("crm", f) for f in crm.split()}


@pytest.mark.parametrize(("feed", "column", "target"), REFERENCES)
def test_what_a_row_refers_to_is_known_by_then(inbox: Inbox, feed: str, column: str, target: str) -> None:
    referred = 0
    for state in inbox.states:
        known = {row[name] for feed_column in target.split() for name in [feed_column.split(".")[1]] for row in state[feed_column.split(".")[0]].values()}
        wanted = {row[column] for row in state[feed].values()} - {"", f"D{MISSING_NUMBER}", UNKNOWN_CUSTOMER}
        assert wanted - known == set()
        referred += len(wanted)
    assert referred


def test_parents_make_no_circle_and_at_most_two_levels(inbox: Inbox) -> None:
    parents = {row["customer_id"]: row["parent_customer_id"] for row in inbox.states[-1]["customers"].values()}
    assert any(parents.values())
    for customer in parents:
        steps = 0
        while parents[customer]:
            customer, steps = parents[customer], steps + 1
            assert steps <= 2


def test_the_summary_counts_the_rows(summary: DemoSummary, inbox: Inbox) -> None:
    assert summary.drops == [drop.name for drop in inbox.drops]
    for feed, rows in summary.row_counts.items():
        assert rows == sum(len(drop.feeds.get(feed, [])) for drop in inbox.drops)


def test_a_demo_has_about_the_documents_asked_for(tmp_path: Path, summary: DemoSummary) -> None:
    assert abs(summary.documents - 2_000) <= 50
    assert abs(generate(tmp_path / "inbox", 100).documents - 100) <= 12


def test_sizes_have_names() -> None:
    assert [size_of(name) for name in SIZES] == [20_000, 200_000, 1_000_000]
    assert size_of("250") == size_of(250) == 250


@pytest.mark.parametrize("size", ["huge", "99", 0, -5, "1e6", ""])
def test_another_size_is_refused_with_what_would_be_right(tmp_path: Path, size: str | int) -> None:
    with pytest.raises(ValueError, match=r"small, medium, large|at least 100"):
        generate(tmp_path / "inbox", size)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="nothing was written"):
        generate(tmp_path, 100)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    summary = generate(tmp_path / "inbox", 100)
    assert sorted(folder.name for folder in (tmp_path / "inbox").iterdir()) == summary.drops
    assert [folder.name for folder in tmp_path.iterdir()] == ["inbox"]


def test_a_demo_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop_while_writing(message: str) -> None:
        if "weekly" in message:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "inbox", 100, progress=stop_while_writing)
    assert list(tmp_path.iterdir()) == []


def test_the_module_runs_from_a_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--size", "100", "--out", str(tmp_path / "inbox")]) == 0
    assert "9 drops in" in capsys.readouterr().out
    assert main(["--size", "100", "--out", str(tmp_path / "inbox")]) == 1
    assert main(["--size", "7", "--out", str(tmp_path / "other")]) == 2
