"""Every figure of the dashboards is the sum of the rows that a reader can open, and is what the marts publish."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from versions import published_only, republish

from dashboards import drilldown, queries, warehouse
from dashboards.drilldown import Asked
from dashboards.queries import ALL, Scope, Worklist
from dashboards.warehouse import Read
from orchestration import published
from orchestration.settings import Home

pytestmark = pytest.mark.xdist_group("shell")


@pytest.fixture(scope="module")
def read(first_run: tuple[Home, str]) -> Iterator[Read]:
    """Return a reader of the published demo."""
    with warehouse.connect(published.find(first_run[0]).file) as con:
        yield warehouse.reader(con)


def as_of(read: Read) -> date:
    """Return the date that the books are read at."""
    (row,) = read("select as_of from meta.build_info", {})
    found: date = row["as_of"]
    return found


def disagreeing(read: Read, asked: list[Asked]) -> list[str]:
    """Return the figures that are missing, or that their rows do not give."""
    assert asked
    found = []
    for figure in asked:
        opened = drilldown.breakdown(read, figure)
        assert drilldown.asked_from(drilldown.as_link(figure), date(1900, 1, 1)) == figure
        if opened is None or not opened.agrees:
            found.append(f"{drilldown.as_link(figure)}: {opened and (opened.value, opened.computed, opened.totals)}")
    return found


@pytest.mark.parametrize(("company", "last"), [("C100", 2), ("C200", 1), ("C300", 1), (ALL, 3)])
def test_every_metric_is_what_its_rows_give(read: Read, company: str, last: int) -> None:
    """In the first month, which has nothing before it, and in the last ones, of which the newest is unfinished."""
    rows = read("select month_end from marts.fct_dso_monthly where company_id = $company order by month_end", {"company": company})
    months = [row["month_end"] for row in (rows[0], *rows[-last:])]
    assert disagreeing(read, [Asked(metric, month, company) for month in months for metric in drilldown.FORMULAS]) == []


def test_every_published_metric_can_be_opened(read: Read) -> None:
    published_metrics = {row["metric_id"] for row in read("select distinct metric_id from marts.rpt_executive_kpis", {})}
    assert published_metrics == drilldown.FORMULAS.keys() - {"billed_amount"}


@pytest.mark.parametrize("company", ["C100", ALL])
def test_every_amount_of_the_aging_is_what_its_rows_give(read: Read, company: str) -> None:
    unit = next(row["currency"] for row in queries.companies(read) if row["company_id"] == company)
    asked = []
    for on, currency in ((as_of(read), None), (date(2026, 9, 9), "USD")):
        scope = Scope(company, currency or unit, currency)
        asked += [Asked("aging", on, company, currency, bucket=row["bucket_id"]) for row in queries.aging(read, scope, on)]
        asked += [Asked("aging", on, company, currency, state=state) for state in (None, "trade", "intercompany")]
        for debtor in queries.debtors(read, scope, on, 2):
            asked += [Asked("debtor", on, company, currency, state=state, customer=debtor["customer_id"]) for state in (None, "past_due", "over_90")]
    assert disagreeing(read, asked) == []


def test_every_amount_of_the_weekly_trend_is_what_its_rows_give(read: Read) -> None:
    company, unit = (queries.companies(read)[-1][name] for name in ("company_id", "currency"))
    weeks = queries.aging_weeks(read, Scope(company, unit), as_of(read))
    buckets = len({row["bucket_id"] for row in weeks})
    assert len(weeks) == buckets * queries.TREND_WEEKS
    for row in [*weeks[:buckets], *weeks[-buckets:]]:
        opened = drilldown.breakdown(read, Asked("aging", row["week_end"], company, bucket=row["bucket_id"]))
        assert opened is not None and opened.agrees and opened.value == row["amount"], row


def test_the_aging_is_the_net_receivable_and_intercompany(read: Read) -> None:
    for company in queries.companies(read):
        scope = Scope(company["company_id"], company["currency"])
        whole = queries.aging_total(read, scope, as_of(read))
        assert whole["trade_amount"] == queries.kpis(read, scope.company_id, as_of(read))["net_receivable"]["value"]
        assert abs(whole["trade_amount"] + whole["intercompany_amount"] - whole["amount"]) <= Decimal("0.01")


WORKLISTS = [
    Worklist(),
    Worklist(bucket="1_30"),
    Worklist(currency="EUR"),
    Worklist(bucket="31_60", currency="USD"),
    Worklist(segment="key"),
    Worklist(collector="nobody"),
]


@pytest.mark.parametrize("chosen", WORKLISTS, ids=str)
def test_every_amount_of_the_worklist_is_what_its_rows_give(read: Read, chosen: Worklist) -> None:
    accounts = queries.worklist(read, chosen)
    totals = queries.worklist_totals(read, chosen)
    assert sum(row["customers"] for row in totals) == len(accounts)
    assert bool(accounts) == (chosen.collector != "nobody")
    asked = [
        Asked("chased", as_of(read), currency=row["currency"], state=state, worklist=chosen)
        for row in totals
        for state in ("past_due", "disputed", "unapplied")
    ]
    for row in accounts[:6]:
        asked += [Asked("chase", as_of(read), customer=row["customer_id"], worklist=filters) for filters in (Worklist(), chosen)]
    if asked:
        assert disagreeing(read, asked) == []


def test_exceptions_by_reason_are_all_of_them(read: Read) -> None:
    found = queries.exceptions(read)
    listed = read("select object_type, reason, is_held, company_id, currency, amount from meta.exceptions", {})
    assert len(found) > 3
    for one in found:
        rows = [row for row in listed if all(row[name] == one[name] for name in ("object_type", "reason", "is_held", "company_id", "currency"))]
        amounts = [row["amount"] for row in rows if row["amount"] is not None and one["currency"] is not None]
        assert (one["rows"], one["amount"]) == (len(rows), sum(amounts) if amounts else None)
    assert sum(one["rows"] for one in found) == len(listed)


def test_the_collectors_share_the_worklist_among_them(read: Read) -> None:
    everyone = {row["customer_id"] for row in queries.worklist(read, Worklist())}
    shares = [{row["customer_id"] for row in queries.worklist(read, Worklist(collector=person["collector_id"]))} for person in queries.collectors(read)]
    assert set().union(*shares) == everyone
    assert sum(map(len, shares)) == len(everyone) == sum(person["customers"] for person in queries.collectors(read))
    segments = [{row["customer_id"] for row in queries.worklist(read, Worklist(segment=segment))} for segment in queries.segments(read)]
    assert set().union(*segments) == everyone and sum(map(len, segments)) == len(everyone)


def test_every_exposure_is_what_its_rows_give(read: Read) -> None:
    parents = [row["ultimate_parent_id"] for row in read("select ultimate_parent_id from marts.rpt_credit_exposure order by 1 limit 12", {})]
    asked = [Asked("exposure", as_of(read), customer=parent, state=state) for parent in parents for state in (None, "receivable", "open_order")]
    assert disagreeing(read, asked) == []


def test_pages_of_rows_are_all_of_them_once(read: Read) -> None:
    sales = drilldown.breakdown(read, Asked("dso_days", date(2026, 8, 31), ALL))
    assert sales is not None
    part, total = sales.parts[1], sales.totals[1]
    pages = [drilldown.rows(read, part, page) for page in range(-(-total.rows // drilldown.PAGE_ROWS))]
    assert total.rows > drilldown.PAGE_ROWS and len(pages) > 1
    listed = [row for page in pages for row in page]
    assert len({row["row_id"] for row in listed}) == len(listed) == total.rows
    assert sum((row["amount"] for row in listed), Decimal()) == total.amount
    assert listed == drilldown.rows(read, part)


def test_a_customers_amounts_are_those_of_its_items(read: Read) -> None:
    customer = queries.worklist(read, Worklist())[0]["customer_id"]
    items = queries.customer_items(read, customer, as_of(read))
    for row in queries.customer_aging(read, customer, as_of(read)):
        mine = [item for item in items if (item["company_id"], item["currency"], item["bucket"]) == (row["company_id"], row["currency"], row["label"])]
        assert (len(mine), sum(item["open_amount"] for item in mine)) == (row["item_count"], row["open_amount"])
    asked = [
        Asked("aging", as_of(read), row["company_id"], row["currency"], bucket=row["bucket_id"], customer=customer)
        for row in queries.customer_aging(read, customer, as_of(read))
    ]
    assert disagreeing(read, asked) == []


def test_a_customers_applications_are_what_settled_its_documents(read: Read) -> None:
    """What was applied and discounted, less what was reversed, is what the life cycles of its debit items say."""
    (row,) = read(
        """
        select customer_id, sum(paid_amount + credited_amount + discount_amount) as settled
        from marts.fct_item_lifecycles
        where original_amount > 0
            -- An adjustment may give a discount too, and is no application; amounts of two currencies do not add up.
            and customer_id not in (select customer_id from marts.fct_ar_events where event_type in ('adjustment', 'void', 'bounce', 'settlement'))
        group by 1
        having count(distinct currency) = 1 and sum(credited_amount) > 0
        order by settled desc, customer_id limit 1
        """,
        {},
    )
    applied = queries.customer_applications(read, row["customer_id"], as_of(read))
    assert sum(entry["amount"] for entry in applied) == row["settled"]


def test_what_does_not_exist_opens_nothing(read: Read) -> None:
    on = as_of(read)
    for asked in (
        Asked("nonsense", on),
        Asked("dso_days", on, "C999"),
        Asked("dso_days", date(1990, 1, 31)),
        Asked("aging", on, "C999"),
        Asked("aging", on, bucket="nonsense"),
        Asked("debtor", on, customer="nobody"),
        Asked("debtor", on, customer="nobody", state="nonsense"),
        Asked("chase", on, customer="nobody"),
        Asked("chased", on, currency="XXX"),
        Asked("exposure", on, customer="nobody"),
    ):
        assert drilldown.breakdown(read, asked) is None, asked


def test_a_figure_that_its_rows_do_not_give_is_called_out(first_run: tuple[Home, str], tmp_path: Path) -> None:
    """The invalid side: one movement is taken out of the file, and the figures that it belongs to disagree."""
    home = published_only(first_run[0], tmp_path / "home")
    file = republish(home, "99991231T000000Z_less", ("delete from marts.fct_ar_events where item_id = (select min(item_id) from marts.fct_open_items)",))
    with warehouse.connect(file) as con:
        broken = warehouse.reader(con)
        opened = drilldown.breakdown(broken, Asked("net_receivable", as_of(broken), ALL))
    assert opened is not None and not opened.agrees


def test_a_metric_without_a_value_says_why(first_run: tuple[Home, str], tmp_path: Path) -> None:
    home = published_only(first_run[0], tmp_path / "home")
    refused = "update marts.rpt_executive_kpis set value = null, null_reason = 'denominator_not_positive' where metric_id = 'dso_days'"
    with warehouse.connect(republish(home, "99991231T000000Z_none", (refused,))) as con:
        without = warehouse.reader(con)
        opened = drilldown.breakdown(without, Asked("dso_days", as_of(without), ALL))
    assert opened is not None and opened.value is None and opened.null_reason == "denominator_not_positive" and opened.agrees
