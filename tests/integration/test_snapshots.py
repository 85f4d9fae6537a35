"""Half a year of weekly drops: what is frozen, what it is worth, and what can never happen to it.

The open amounts expected here are counted from the rows of the drops, in plain Python: invoices less cash, as known when each week was frozen.
"""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from half_year import LATE, WEEKS, HalfYear, expected, friday, postings
from running import arw, published

from orchestration import pipeline, snapshots
from orchestration.errors import PublishRefused
from orchestration.files import sha256_of
from orchestration.reports import figures
from orchestration.settings import Home
from orchestration.snapshots import Snapshot

pytestmark = pytest.mark.xdist_group("half_year")


def frozen(snapshot: Snapshot) -> dict[str, Decimal]:
    return {total.currency: Decimal(total.open_amount) for total in snapshot.totals}


@pytest.fixture
def copy(half_year: HalfYear, tmp_path: Path) -> Home:
    """Return a home with the frozen and published files of the half year, to break."""
    home = Home(tmp_path / "home")
    for folder in ("snapshots", "published", "reports"):
        shutil.copytree(half_year.home.root / folder, home.root / folder)
    return home


def test_each_finished_week_is_frozen_once(half_year: HalfYear) -> None:
    assert half_year.frozen_after == [8, 26]
    assert [snapshot.snapshot_date for snapshot in snapshots.read(half_year.home)] == [friday(week) for week in range(1, WEEKS + 1)]
    done = arw(half_year.home.root, "snapshot", "--json")
    assert json.loads(done.stdout)["frozen"] == []
    assert json.loads(done.stdout)["reports"] == []
    assert len(snapshots.read(half_year.home)) == WEEKS


def test_the_frozen_amounts_are_what_was_known_then(half_year: HalfYear) -> None:
    before = set(range(1, 9)) - {LATE}
    everything = set(range(1, WEEKS + 1))
    for week, snapshot in enumerate(snapshots.read(half_year.home), start=1):
        known = before if week <= 8 else everything
        assert frozen(snapshot) == expected(week, known), week
    assert len(snapshots.read(half_year.home)[0].drops) == 7
    assert len(snapshots.read(half_year.home)[-1].drops) == 25


def test_a_late_drop_changes_no_frozen_week(half_year: HalfYear) -> None:
    assert {name: sha256_of(half_year.home.snapshots / name) for name in half_year.first_eight} == half_year.first_eight


def test_the_report_shows_what_a_late_drop_restated(half_year: HalfYear) -> None:
    before = set(range(1, 9)) - {LATE}
    ninth = snapshots.read(half_year.home)[8]
    (company,) = figures.read(half_year.home, ninth).companies
    late = sum((posting.amount for posting in postings() if posting.week <= 8 and (posting.told or posting.week) not in before), Decimal())
    assert company.reported_last_week is not None
    assert company.opening - company.reported_last_week == late
    (tenth,) = figures.read(half_year.home, snapshots.read(half_year.home)[9]).companies
    assert tenth.opening == tenth.reported_last_week


def test_the_chain_and_every_content_is_verified(half_year: HalfYear) -> None:
    assert snapshots.verify(half_year.home) == []
    assert not (half_year.home.snapshots / ".tmp").exists()


def test_the_published_table_holds_every_frozen_item(half_year: HalfYear) -> None:
    with published(half_year.home.root) as con:
        rows = con.execute(
            "select snapshot_date, currency, sum(open_amount) from marts.fct_aging_snapshots group by all having sum(open_amount) != 0 order by 1, 2"
        ).fetchall()
        assert rows == [
            (one.snapshot_date, currency, amount) for one in snapshots.read(half_year.home) for currency, amount in sorted(frozen(one).items()) if amount
        ]
        columns = [row[0] for row in con.execute("describe marts.fct_aging_snapshots").fetchall()]
        assert columns == ["snapshot_date", "version", *(row[0] for row in con.execute("describe marts.fct_open_items").fetchall())]
        (differences,) = con.execute(
            """
            with last as (
                select * exclude (snapshot_date, version) from marts.fct_aging_snapshots
                where snapshot_date = (select max(snapshot_date) from meta.snapshots)
            )
            select count(*) from ((from last except all from marts.fct_open_items) union all (from marts.fct_open_items except all from last))
            """
        ).fetchone() or (None,)
        assert differences == 0
    pointer = json.loads(half_year.home.pointer.read_text())
    assert pointer["row_counts"]["fct_aging_snapshots"] == sum(one.row_count for one in snapshots.read(half_year.home))


def test_the_headline_figures_are_the_published_metrics(half_year: HalfYear) -> None:
    (company,) = figures.read(half_year.home, snapshots.read(half_year.home)[-1]).companies
    with published(half_year.home.root) as con:
        metrics = dict(
            con.execute("select metric_id, value from marts.rpt_executive_kpis where company_id = 'C1' and month_end = ?", [friday(WEEKS)]).fetchall()
        )
    now = company.now.balance
    shown = {
        "net_receivable": now.net,
        "gross_receivable": now.gross,
        "past_due_amount": now.past_due,
        "over_90_amount": now.over_90,
        "unapplied_amount": now.unapplied,
    }
    assert shown == {name: metrics[name] for name in shown}
    assert round(now.past_due_ratio or Decimal(), 6) == metrics["past_due_ratio"]


def test_every_week_has_its_report_and_readers_saw_no_file_change(half_year: HalfYear) -> None:
    for week in range(1, WEEKS + 1):
        folder = half_year.home.reports / friday(week).isoformat()
        assert sorted(path.name for path in folder.iterdir()) == [f"aging_{friday(week)}.{kind}" for kind in ("csv", "pdf", "xlsx")]
    file, checksum = half_year.first_version
    assert not file.exists() or sha256_of(file) == checksum


def test_a_changed_byte_is_found(copy: Home) -> None:
    victim = snapshots.read(copy)[3]
    path = snapshots.items_file(copy, victim)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    assert [(fault.record, fault.reason) for fault in snapshots.verify(copy)] == [
        (victim.name, f"{path.name} was changed: its checksum is not the recorded one")
    ]
    done = arw(copy.root, "snapshot", "verify", "--json", expect=(1,))
    assert json.loads(done.stdout)["broken"][0]["record"] == victim.name


def test_other_items_under_a_corrected_checksum_are_found(copy: Home) -> None:
    victim = snapshots.read(copy)[3]
    path = snapshots.items_file(copy, victim)
    with duckdb.connect() as con:
        con.execute(f"create table items as select * replace (open_amount + 1 as open_amount) from read_parquet('{path}')")
        path.unlink()
        con.execute(f"copy items to '{path}' (format parquet)")
    rewrite(copy, victim, items_sha256=sha256_of(path))
    reasons = {fault.record: fault.reason for fault in snapshots.verify(copy)}
    assert reasons[victim.name].startswith("the record was changed: it does not have its own hash")


def test_a_record_sealed_again_breaks_the_chain(copy: Home) -> None:
    victim = snapshots.read(copy)[3]
    said = json.loads((copy.snapshots / f"{victim.name}.json").read_text())
    said["totals"][0]["open_amount"] = "0.01"
    changed = snapshots.Snapshot(
        **{
            **said,
            "snapshot_date": victim.snapshot_date,
            "as_of": victim.as_of,
            "totals": tuple(snapshots.Total(**total) for total in said["totals"]),
            "drops": tuple(said["drops"]),
        }
    ).sealed()
    snapshots.write_record(copy.snapshots / f"{victim.name}.json", changed)
    reasons = [(fault.record, fault.reason) for fault in snapshots.verify(copy)]
    assert (f"aging_{friday(5)}", "it was taken after another record than the one before it: that one was changed or replaced") in reasons
    assert (victim.name, f"the items in {victim.name}.parquet do not add up to the recorded totals") in reasons


@pytest.mark.parametrize("week", [4, WEEKS])
def test_a_record_that_is_gone_is_missed_also_at_the_end(copy: Home, week: int) -> None:
    for path in copy.snapshots.glob(f"aging_{friday(week)}*"):
        path.unlink()
    reasons = [fault.reason for fault in snapshots.verify(copy)]
    assert any(reason.endswith("its record is gone") for reason in reasons)
    with pytest.raises(PublishRefused, match="in the frozen snapshots"):
        pipeline.freeze(copy, None, lambda _: None)
    assert len(snapshots.read(copy)) == WEEKS - 1


def test_a_record_that_is_no_record_is_named(copy: Home) -> None:
    path = copy.snapshots / f"aging_{friday(4)}.json"
    path.write_text("{}")
    (fault,) = snapshots.verify(copy)
    assert str(path) in fault.reason
    assert "Restore it from a backup" in fault.reason


def rewrite(home: Home, snapshot: Snapshot, **changed: str) -> None:
    path = home.snapshots / f"{snapshot.name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
