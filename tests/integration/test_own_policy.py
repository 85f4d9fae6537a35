"""A home with a policy of its own: a wrong one stops everything, another one is a version of its own, and any contiguous buckets work everywhere."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from running import arw, published

from dashboards import charts, queries, warehouse
from dashboards.drilldown import Asked, breakdown
from dashboards.queries import ALL, Scope
from orchestration import published as versions
from orchestration import snapshots
from orchestration.reports import figures
from orchestration.settings import Home

pytestmark = pytest.mark.xdist_group("shell")

# Some before the due date, of unequal length, none with a name of the default.
EDGES = (-30, 0, 15, 30, 45, 60, 75, 100, 365)
BUCKETS = {f"b{number}": (low, high) for number, (low, high) in enumerate(zip((None, *(edge + 1 for edge in EDGES)), (*EDGES, None), strict=True), 1)}
POLICY = """\
aging_preset: ours
week_end_day: 7
dso_window_months: 12
reporting_currency: USD
fiscal_year_start_month: 7
promise_kept_ratio: 1
"""


def write_policy(home: Home) -> None:
    home.policy_file.write_text(POLICY, encoding="utf-8")
    home.policy_tables.mkdir()
    rows = [
        f"ours,{name},Up to {high} days,{order},{'' if low is None else low},{'' if high is None else high}"
        for order, (name, (low, high)) in enumerate(BUCKETS.items(), 1)
    ]
    text = "\n".join(("preset,bucket_id,label,bucket_order,days_from,days_to", *rows, "ours,unapplied,Open credits,99,,")) + "\n"
    (home.policy_tables / "aging_buckets.csv").write_text(text, encoding="utf-8")
    levels = "dunning_level,days_from,action,label\n0,0,first_step,First\n1,200,last_step,Last\n"
    (home.policy_tables / "dunning_levels.csv").write_text(levels, encoding="utf-8")


def bucket_of(days: int) -> str:
    """Return the one bucket that holds the days."""
    (found,) = (name for name, (low, high) in BUCKETS.items() if (low is None or days >= low) and (high is None or days <= high))
    return found


@pytest.fixture(scope="module")
def ours(demo_home: Home, inbox: Path) -> Home:
    """Return the demo's home under a policy of its own."""
    write_policy(demo_home)
    arw(demo_home.root, "run", inbox)
    return demo_home


def test_a_wrong_policy_stops_a_run_before_anything_is_done(first_run: tuple[Home, str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "policy.yaml").write_text("dso_window_months: 4\n", encoding="utf-8")
    for command in (("run", first_run[0].root.with_name("inbox")), ("build",), ("policy",)):
        done = arw(home, *command, expect=(1,))
        assert f"{home}/policy.yaml, line 1: dso_window_months is '4'; it must be 1, 3, 6 or 12." in done.stderr
        assert "Nothing was changed" in done.stderr and done.stdout == ""
    assert {path.name for path in home.iterdir()} <= {"policy.yaml", "pipeline.lock"}


def test_the_policy_in_force_is_listed_with_where_it_is_said(ours: Home) -> None:
    listed = {said["setting"]: said for said in json.loads(arw(ours.root, "policy", "--json").stdout)}
    assert (listed["week_end_day"]["value"], listed["week_end_day"]["default_value"]) == ("7", "5")
    assert listed["week_end_day"]["said_in"] == str(ours.policy_file)
    assert listed["sales_basis"]["said_in"].endswith("dbt_project.yml")


def test_every_open_item_is_in_the_bucket_that_holds_its_days(ours: Home) -> None:
    with published(ours.root) as con:
        (as_of,) = con.execute("select as_of from meta.build_info").fetchone() or (None,)
        for source in ("marts.fct_open_items", "marts.open_items_as_of(date '2026-06-30')"):
            items = con.execute(f"select bucket_id, days_past_due, open_amount, item_id from {source}").fetchall()
            assert items
            for bucket, days, amount, item in items:
                assert bucket == ("unapplied" if amount < 0 else bucket_of(days)), item
        aging: dict[str, Decimal] = defaultdict(Decimal)
        documents = con.execute("select document_date, open_amount from marts.fct_open_items").fetchall()
        for document_date, amount in documents:
            aging["unapplied" if amount < 0 else bucket_of(max((as_of - document_date).days, 1))] += amount
        query = "select bucket_id, sum(open_amount) from marts.aging_as_of(?, basis := 'document_date') group by 1"
        assert dict(con.execute(query, [as_of]).fetchall()) == aging
        weekly = "select distinct bucket_id from marts.fct_aging_weekly"
        assert {row[0] for row in con.execute(weekly).fetchall()} <= {*BUCKETS, "unapplied"}


def test_the_other_settings_reach_what_they_decide(ours: Home) -> None:
    with published(ours.root) as con:
        assert {row[0].isoweekday() for row in con.execute("select distinct week_end from marts.fct_aging_weekly").fetchall()} == {7}
        assert con.execute("select distinct currency from marts.rpt_executive_kpis where company_id = 'ALL'").fetchall() == [("USD",)]
        assert {row[0] for row in con.execute("select distinct suggested_action from marts.rpt_collector_worklist").fetchall()} & {"first_step", "last_step"}
        (kept,) = con.execute("select count(*) from marts.fct_promises where outcome = 'kept' and received_amount < promised_amount").fetchone() or (None,)
        assert kept == 0
        (definition,) = con.execute("select definition from meta.metric_definitions where metric_id = 'dso_days'").fetchone() or ("",)
        assert "the window is 12 calendar month(s)" in definition
        said = dict(con.execute("select setting, value from meta.policy").fetchall())
        assert (said["aging_preset"], said["week_end_day"], said["cei_sales"]) == ("ours", "7", "monthly_average")
        window = "select denominator from marts.rpt_executive_kpis where metric_id = 'dso_days' and company_id = 'C100' order by month_end desc limit 1"
        sales = """
            select sum(credit_sales_amount) from
                (from marts.fct_turnover_monthly where company_id = 'C100' order by month_end desc limit 12)
        """
        assert con.execute(window).fetchone() == con.execute(sales).fetchone()


def test_a_frozen_week_names_its_policy_and_the_policy_is_kept(ours: Home, first_run: tuple[Home, str]) -> None:
    before = snapshots.read(first_run[0])
    after = snapshots.read(ours)
    assert [one.record_sha256 for one in after[: len(before)]] == [one.record_sha256 for one in before]
    assert snapshots.verify(ours) == []
    with published(ours.root) as con:
        (policy_hash,) = con.execute("select policy_hash from meta.build_info").fetchone() or ("",)
    old = {one.policy_hash for one in before}
    assert len(old) == 1 and policy_hash not in old
    assert {path.stem for path in ours.policies.iterdir()} == {*old, policy_hash}
    kept = json.loads((ours.policies / f"{policy_hash}.json").read_text(encoding="utf-8"))
    assert kept["settings"]["aging_preset"] == "ours" and len(kept["tables"]["aging_buckets"]) == len(BUCKETS) + 1


def test_dashboards_take_any_buckets(ours: Home) -> None:
    with warehouse.connect(versions.find(ours).file) as con:
        read = warehouse.reader(con)
        (row,) = read("select as_of from meta.build_info", {})
        on: date = row["as_of"]
        scope = Scope("C100", "EUR")
        aging = queries.aging(read, scope, on)
        assert [row["bucket_id"] for row in aging] == [*BUCKETS, "unapplied"]
        assert sum(row["amount"] for row in aging) == queries.aging_total(read, scope, on)["amount"]
        opened = [breakdown(read, Asked("aging", on, company, bucket=name)) for name in BUCKETS for company in ("C100", ALL)]
        assert all(one is not None and one.agrees for one in opened)
        assert [trace.name for trace in charts.aging_trend(queries.aging_weeks(read, scope, on), "EUR").data][-1] == "Open credits"
        # A bucket that only holds what is not due yet is none to chase.
        assert [row["bucket_id"] for row in queries.past_due_buckets(read)] == list(BUCKETS)[2:]


def test_a_report_takes_any_buckets(ours: Home, first_run: tuple[Home, str]) -> None:
    """The week to the Sunday before the demo's first Friday became due with the policy."""
    (taken,) = snapshots.read(ours)[len(snapshots.read(first_run[0])) :]
    report = figures.read(ours, taken)
    assert [bucket.bucket_id for bucket in report.buckets] == [*BUCKETS, "unapplied"]
    folder = ours.reports / taken.snapshot_date.isoformat()
    assert {path.suffix for path in folder.iterdir()} == {".xlsx", ".pdf", ".csv"}
    book = CalamineWorkbook.from_path(str(next(folder.glob("*.xlsx"))))
    heads = [cell for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python()[:5] for cell in row if str(cell).startswith("Up to")]
    assert set(heads) == {f"Up to {high} days" for _, high in BUCKETS.values()}
