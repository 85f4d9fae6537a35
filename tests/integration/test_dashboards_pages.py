"""Every page in every state: with figures, empty, stale, damaged, refused, and before anything was published."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest
from versions import published_only, republish

from dashboards import drilldown, queries, warehouse
from dashboards.drilldown import Asked
from dashboards.queries import ALL, Worklist
from orchestration import published
from orchestration.files import write_json
from orchestration.settings import Home

pytestmark = pytest.mark.xdist_group("shell")

PAGES = ("executive", "collectors", "customer", "quality", "rows")


@pytest.fixture
def home(first_run: tuple[Home, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home of the test's own that the app reads, with what the demo published."""
    copy = published_only(first_run[0], tmp_path / "home")
    monkeypatch.setenv("AR_HOME", str(copy.root))
    return copy


def page(name: str, **parameters: str) -> AppTest:
    """Run one page as a link to it would."""
    app = AppTest.from_string(f"from dashboards.app import main\nmain({name!r})", default_timeout=120)
    for key, value in parameters.items():
        app.query_params[key] = value
    return app.run()


def shown(app: AppTest, *, is_readable: bool = True) -> str:
    """Return everything that a page says, as HTML; fail if it broke, or says that the version cannot be read and should not."""
    assert not app.exception, [error.value for error in app.exception]
    said = [element.proto.body for element in app.get("html") if "<style>" not in element.proto.body]
    said += [f"{metric.label} {metric.value}" for metric in app.metric]
    assert is_readable != any("This version cannot be read" in each for each in said)
    return unescape("\n".join(said)).replace("<bdi>", "").replace("</bdi>", "").replace("\N{NO-BREAK SPACE}", " ")


def urgent(home: Home) -> str:
    """Return the customer to chase first."""
    with warehouse.connect(published.find(home).file) as con:
        customer: str = queries.worklist(warehouse.reader(con), Worklist())[0]["customer_id"]
    return customer


def test_the_executives_page_shows_each_headline_figure_and_the_way_to_its_rows(home: Home) -> None:
    app = page("executive")
    said = shown(app)
    labels = {metric.label for metric in app.metric}
    assert {"Past due ratio", "DSO", "Best possible DSO", "Collection effectiveness index", "Collection rate", "Over 90 days ratio"} <= labels
    assert {"Net receivable, EUR", "Unapplied credits, EUR"} <= labels and len(app.metric) == 8
    assert all(metric.help for metric in app.metric)
    assert said.count("Open the rows") == 8
    for part in ("Aging", "Days sales outstanding", "Cash in against billed", "Top debtors", "Audit passed"):
        assert part in said
    assert len(app.get("plotly_chart")) == 3 and len(app.tabs) == 6


def test_a_tile_is_the_published_figure(home: Home) -> None:
    with warehouse.connect(published.find(home).file) as con:
        value = queries.kpis(warehouse.reader(con), "C200", date(2026, 9, 30))["net_receivable"]["value"]
    app = page("executive", company="C200", on="2026-09-30")
    assert next(metric.value for metric in app.metric if metric.label == "Net receivable, USD") == f"{value:,.2f}"
    assert "at 30 Sep 2026, in USD" in shown(app)


def test_filters_come_from_the_address_and_go_to_it(home: Home) -> None:
    app = page("executive", company="C100", currency="PLN", on="2026-09-09")
    assert [box.value for box in app.selectbox] == ["C100", "PLN"] and app.date_input[0].value == date(2026, 9, 9)
    assert "items in PLN only" in shown(app) and "Amount, PLN" in shown(app)
    app.selectbox[0].select("C300").run()
    assert app.query_params["company"] == "C300" and app.selectbox[1].value == "*"
    app.selectbox[0].select(ALL).run()
    assert "company" not in app.query_params


@pytest.mark.parametrize(("name", "value"), [("company", "C999"), ("currency", "XXX"), ("on", "yesterday"), ("on", "1066-10-14"), ("on", "2999-01-01")])
def test_an_address_that_asks_for_what_is_not_there_falls_back(home: Home, name: str, value: str) -> None:
    app = page("executive", **{name: value})
    assert "Receivables overview" in shown(app)
    assert app.selectbox[0].value == ALL and app.selectbox[1].value == "*"


def test_the_collectors_page_shows_the_filtered_accounts_with_their_reasons(home: Home) -> None:
    with warehouse.connect(published.find(home).file) as con:
        rows = queries.worklist(warehouse.reader(con), Worklist(currency="EUR"))
    app = page("collectors", currency="EUR")
    said = shown(app)
    assert f"{len(rows)} customers with something past due" in said
    assert rows[0]["customer_name"] in said and rows[0]["reasons"][1:] in said
    assert "Of it in this selection" in said
    assert "Promises" in said and "Disputes" in said
    assert len(app.get("download_button")) >= 2


def test_the_collectors_page_says_so_when_there_is_nothing_to_chase(home: Home) -> None:
    republish(home, "99991231T000001Z_none", ("delete from marts.rpt_collector_worklist",))
    assert "Nothing to chase" in shown(page("collectors"))


def test_a_customer_is_shown_with_what_it_owes_and_what_was_said(home: Home) -> None:
    said = shown(page("customer", customer=urgent(home)))
    for part in ("Where it stands", "Exposure", "Open items", "Timeline", "Applications", "Promises", "Disputes", "How it pays"):
        assert part in said
    assert "@" not in said


def test_an_unknown_customer_is_named_and_nothing_breaks(home: Home) -> None:
    assert "no customer <b>C-1</b>" in shown(page("customer", customer="<b>C-1</b>"))
    assert "Which customer?" in shown(page("customer"))


@pytest.mark.parametrize("figure", ["net_receivable", "collection_effectiveness_index", "dso_countback_days", "true_dso_days"])
def test_a_figure_opens_its_rows_and_shows_that_they_add_up(home: Home, figure: str) -> None:
    app = page("rows", **drilldown.as_link(Asked(figure, date(2026, 9, 30), "C100")))
    assert "The rows add up." in shown(app)
    assert "Sum of all rows" in shown(app) or figure == "dso_countback_days"
    assert len(app.get("download_button")) == 2


def test_a_figure_that_does_not_add_up_says_so(home: Home) -> None:
    republish(home, "99991231T000002Z_less", ("delete from marts.fct_ar_events where item_id = (select min(item_id) from marts.fct_open_items)",))
    assert "The rows do not add up." in shown(page("rows", figure="net_receivable"))


@pytest.mark.parametrize("parameters", [{}, {"figure": "nonsense"}, {"figure": "dso_days", "on": "never"}, {"figure": "dso_days", "on": "2026-09-29"}])
def test_a_link_to_no_figure_says_so(home: Home, parameters: dict[str, str]) -> None:
    assert "No such figure" in shown(page("rows", **parameters))


@pytest.mark.parametrize(("age", "word"), [(0, "Fresh"), (5, "Ageing"), (30, "Stale")])
def test_the_badge_says_how_old_the_books_are(home: Home, age: int, word: str) -> None:
    as_of = datetime.now(UTC).date() - timedelta(days=age)
    republish(home, "99991231T000003Z_aged", as_of=as_of.isoformat())
    assert f"<b>{word}</b>" in shown(page("quality"))


def test_an_override_is_on_the_badge_and_on_the_page_about_quality(home: Home) -> None:
    override = """
        insert into meta.overrides
        select 'volumes_are_as_before', 'Ada', 'a new company joined', timestamp '2026-10-24 07:00:00', date '2026-10-23', 'b', 3"""
    republish(home, "99991231T000004Z_over", (override,), checks={"passed": 22, "overridden": ["volumes_are_as_before"]})
    said = shown(page("quality"))
    assert "Audit overridden" in said and "Ada" in said and "a new company joined" in said


def test_a_refused_publish_is_on_every_page_and_the_version_before_is_shown(home: Home) -> None:
    home.last_refusal.parent.mkdir(exist_ok=True)
    reasons = [{"check": "events_are_unique", "means": "an event is there twice"}]
    write_json(home.last_refusal, {"at": "2026-10-31T06:00:00+00:00", "message": "1 of 23 checks failed", "reasons": reasons})
    assert "Last publish refused" in shown(page("executive"))
    assert "an event is there twice" in shown(page("quality"))


@pytest.mark.parametrize("damage", ["missing pointer", "garbled pointer", "missing file", "flipped bits"])
def test_the_last_good_version_is_shown_with_a_badge_in_words(home: Home, damage: str) -> None:
    newer = republish(home, "99991231T000005Z_newer")
    match damage:
        case "missing pointer":
            home.pointer.unlink()
        case "garbled pointer":
            home.pointer.write_text('{"file": "../../etc', encoding="utf-8")
        case "missing file":
            newer.unlink()
        case _:
            content = bytearray(newer.read_bytes())
            content[len(content) // 2] ^= 0xFF
            newer.write_bytes(content)
    app = page("executive")
    assert "Damaged version" in shown(app) and len(app.metric) == 8


def test_without_any_good_version_the_page_says_what_to_do(home: Home) -> None:
    for file in home.published.glob("ar_*.duckdb"):
        file.write_bytes(b"no database")
    said = shown(page("executive"))
    assert "No version can be shown" in said and "build" in said and "publish" in said


def test_before_anything_is_published_the_page_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AR_HOME", str(tmp_path / "nowhere"))
    for name in PAGES:
        said = shown(page(name))
        assert "Nothing is published yet" in said and "run demo-inbox" in said


@pytest.mark.parametrize("name", PAGES)
def test_empty_books_break_no_page(home: Home, name: str) -> None:
    with duckdb.connect(str(published.find(home).file), read_only=True) as con:
        tables = {row[0] for row in con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()}
    republish(home, "99991231T000006Z_empty", tuple(f"delete from marts.{table}" for table in sorted(tables - {"dim_aging_buckets"})))
    said = shown(page(name))
    assert name != "executive" or "Nothing is posted" in said


def test_a_new_version_is_picked_up_whole_without_a_restart(home: Home) -> None:
    app = page("executive", company="C100")
    before = next(metric.value for metric in app.metric if metric.label.startswith("Net receivable"))
    doubled = "update marts.rpt_executive_kpis set value = value * 2 where metric_id = 'net_receivable'"
    republish(home, "99991231T000007Z_next", (doubled, "update marts.dim_companies set name = 'Renamed Ltd'"))
    app.run()
    after = next(metric.value for metric in app.metric if metric.label.startswith("Net receivable"))
    assert Decimal(after.replace(",", "")) == 2 * Decimal(before.replace(",", ""))
    assert "C100 · Renamed Ltd" in app.selectbox[0].options


def test_a_file_that_cannot_be_read_any_more_says_so(home: Home) -> None:
    """The pointer and the checksum are right, and a table that the page needs is not there: another release's file."""
    republish(home, "99991231T000008Z_old", ("drop table marts.rpt_executive_kpis",))
    assert "arw publish" in shown(page("executive"), is_readable=False)


def test_the_pointer_names_what_is_shown(home: Home) -> None:
    name = json.loads(home.pointer.read_text(encoding="utf-8"))["version"]
    assert f"Version {name}" in shown(page("quality"))
