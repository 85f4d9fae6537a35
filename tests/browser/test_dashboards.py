"""What only a browser can tell: nothing breaks in it, links and filters work, names are shown as typed, files add up, and it can be read on a telephone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from versions import HOSTILE_NAMES, hostile_names, republish

from orchestration.settings import Home, project_dir

pytestmark = pytest.mark.xdist_group("browser")

SCREENSHOTS = project_dir() / "screenshots"
LOADED = "document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'"
SLOW = 60_000
PAGES = {"overview": "/", "collectors": "/collectors", "quality": "/quality", "rows": "/rows?figure=dso_days&company=ALL&on=2026-09-30"}
# Streamlit looks for its own endpoints below the page's path before it looks at the root; the browser reports each try.
PROBES = ("/_stcore/health", "/_stcore/host-config")


@contextmanager
def looking(browser: Browser, width: int = 1440, scheme: str = "light") -> Iterator[Page]:
    """Open a window of a width, and fail when the page reports an error or asks anyone but our server."""
    context: BrowserContext = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True)  # type: ignore[arg-type]
    context.set_default_timeout(SLOW)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(f"{message.text} {message.location}") if _is_fault(message.type, str(message.location)) else None)
    page.on("request", lambda request: None if request.url.startswith(("http://127.0.0.1:", "data:", "blob:")) else faults.append(request.url))
    yield page
    assert faults == []
    context.close()


def _is_fault(kind: str, location: str) -> bool:
    return kind == "error" and not any(probe in location for probe in PROBES)


def visit(page: Page, address: str) -> None:
    """Open an address and wait until the page is whole."""
    page.goto(address)
    settled(page)


def settled(page: Page) -> None:
    """Wait until the page is whole."""
    page.wait_for_selector(".arw-head, .arw-state")
    page.wait_for_function(LOADED)
    page.wait_for_function("document.querySelectorAll('[data-testid=stSkeleton]').length === 0")


def picture(page: Page, name: str) -> None:
    """Keep a picture of the whole page."""
    SCREENSHOTS.mkdir(exist_ok=True)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    width = page.viewport_size["width"] if page.viewport_size else 1440
    page.set_viewport_size({"width": width, "height": min(int(height) + 60, 6000)})
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


@pytest.mark.parametrize(("width", "scheme", "suffix"), [(1440, "light", "desktop"), (1440, "dark", "dark"), (390, "light", "telephone")])
def test_every_page_is_whole_at_every_width_and_in_both_themes(browser: Browser, app: str, home: Home, width: int, scheme: str, suffix: str) -> None:
    pages = PAGES | {"customer": f"/customer?customer={next(iter(hostile_names(home)))}"}
    for name, path in pages.items():
        with looking(browser, width, scheme) as page:
            visit(page, app + path)
            assert page.locator(".arw-head h1").inner_text()
            assert page.locator(".arw-badge").count() == 2
            wider = "(() => { const main = document.querySelector('[data-testid=stMain]'); return main.scrollWidth - main.clientWidth })()"
            assert page.evaluate(wider) <= 0, f"{name} scrolls sideways at {width}"
            assert page.evaluate("getComputedStyle(document.querySelector('.stApp')).colorScheme") == scheme
            picture(page, f"{name}_{suffix}")


def test_filters_go_into_the_address_and_survive_a_reload(browser: Browser, app: str) -> None:
    with looking(browser) as page:
        visit(page, app)
        page.get_by_label("Company").click()
        page.get_by_role("option", name="C200").click()
        page.wait_for_url("**/?company=C200")
        settled(page)
        expect(page.locator(".arw-section", has_text="Key figures")).to_contain_text("in USD")
        page.reload()
        settled(page)
        expect(page.locator(".arw-section", has_text="Key figures")).to_contain_text("in USD")
        shared = page.url
    with looking(browser) as other:
        visit(other, shared)
        expect(other.locator(".arw-section", has_text="Key figures")).to_contain_text("in USD")


def test_a_tile_explains_itself_and_opens_its_rows(browser: Browser, app: str) -> None:
    with looking(browser) as page:
        visit(page, f"{app}/?company=C100&on=2026-09-30")
        tile = page.locator(".st-key-tile_past_due_ratio")
        value = tile.locator("[data-testid=stMetricValue]").inner_text()
        tile.locator("[data-testid=stTooltipIcon]").hover()
        expect(page.locator("[data-testid=stTooltipContent]")).to_contain_text("Part of the gross receivable that is past due")
        tile.get_by_text("Open the rows").click()
        page.wait_for_url("**/rows?figure=past_due_ratio*")
        settled(page)
        expect(page.locator(".arw-formula b")).to_have_text(value)
        expect(page.locator(".arw-check")).to_contain_text("The rows add up.")
        page.go_back()
        settled(page)
        expect(page.locator(".arw-section", has_text="Key figures")).to_contain_text("30 Sep 2026")


def test_the_files_of_a_figure_hold_all_its_rows_and_their_sum_is_the_figure(browser: Browser, app: str, tmp_path: Path) -> None:
    with looking(browser) as page:
        visit(page, f"{app}/rows?figure=credit_sales&company=C200&on=2026-08-31")
        shown = page.locator(".arw-formula b").inner_text().replace("\N{NO-BREAK SPACE}", " ")
        files = {}
        for label, suffix in (("CSV", "csv"), ("Excel", "xlsx")):
            with page.expect_download() as download:
                page.get_by_role("button", name=label).click()
            files[suffix] = tmp_path / f"rows.{suffix}"
            download.value.save_as(files[suffix])
    read = list(csv.DictReader(io.StringIO(files["csv"].read_text(encoding="utf-8-sig"), newline="")))
    assert f"USD {sum(Decimal(row['amount']) for row in read):,.2f}" == shown
    sheet = openpyxl.load_workbook(files["xlsx"])["Rows"]
    assert sheet.max_row - 1 == len(read) > 0
    amounts = [sheet.cell(row, sheet.max_column).value for row in range(2, sheet.max_row + 1)]
    assert f"USD {sum(Decimal(str(amount)) for amount in amounts):,.2f}" == shown


def test_the_call_list_is_every_account_of_the_selection(browser: Browser, app: str, tmp_path: Path) -> None:
    with looking(browser) as page:
        visit(page, f"{app}/collectors?currency=EUR")
        told = page.locator(".arw-section", has_text="Ranked accounts").inner_text()
        with page.expect_download() as download:
            page.locator(".st-key-downloads_call_list").get_by_role("button", name="CSV").click()
        download.value.save_as(tmp_path / "call_list.csv")
    read = list(csv.DictReader(io.StringIO((tmp_path / "call_list.csv").read_text(encoding="utf-8-sig"), newline="")))
    assert f"{len(read)} customers" in told and len(read) > 0
    assert not any(value[:1] in "=+-@" for row in read for name, value in row.items() if value and not name.endswith(("amount", "amount_base", "score")))


def test_hostile_names_are_shown_as_typed(browser: Browser, app: str, home: Home) -> None:
    names = hostile_names(home)
    assert set(HOSTILE_NAMES) <= set(names.values())
    with looking(browser) as page:
        visit(page, f"{app}/collectors")
        said = page.locator(".st-key-card_worklist").inner_text()
        for name in HOSTILE_NAMES:
            assert name in said
        for customer, name in names.items():
            visit(page, f"{app}/customer?customer={customer}")
            assert page.locator(".arw-head h1").inner_text() == name
            assert page.locator("main img, .arw-head a[href^=javascript], .katex").count() == 0
            assert page.title() != "owned"
        visit(page, app)
        assert HOSTILE_NAMES[0] in page.locator(".st-key-card_debtors").inner_text()
        assert page.title() != "owned"


def test_charts_have_a_table_with_the_same_figures(browser: Browser, app: str) -> None:
    with looking(browser) as page:
        visit(page, f"{app}/?company=C100")
        for key, columns in (("trend", 8), ("dso", 6), ("cash", 4)):
            card = page.locator(f".st-key-card_{key}")
            expect(card.locator(".js-plotly-plot")).to_be_visible()
            card.get_by_role("tab", name="Table").click()
            expect(card.locator("th")).to_have_count(columns)
            assert card.locator("td a").count() > 20


def test_a_new_version_appears_by_itself(browser: Browser, app: str, home: Home) -> None:
    with looking(browser) as page:
        visit(page, f"{app}/quality")
        before = page.locator(".arw-head p").inner_text()
        republish(home, "99991231T000000Z_next")
        expect(page.locator(".arw-head p")).to_have_text("Version 99991231T000000Z_next", timeout=SLOW)
        assert before != page.locator(".arw-head p").inner_text()
