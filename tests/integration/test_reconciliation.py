"""Books with a known difference of every cause: each is found, explained by its own rows, and nothing else is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pytest
from golden import reconciliation as golden
from running import arw, publish
from running import published as open_published
from versions import published_only, republish

from orchestration.settings import Home

pytestmark = pytest.mark.xdist_group("golden-reconciliation")
CAUSES = ("timing", "manual_journal", "unapplied", "exchange_rounding", "missing_document", "held", "rejected", "unexplained")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return the home of every book, published once."""
    folder = tmp_path_factory.mktemp("reconciliation")
    publish(folder / "home", golden.write(folder / "inbox"), override="amounts_outside_are_small").close()
    return Home(folder / "home")


@pytest.fixture
def books(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published file."""
    with open_published(home.root) as con:
        yield con


def test_each_difference_has_its_cause_and_no_other(books: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(f"{cause}_amount" for cause in CAUSES)
    rows = books.execute(
        f"select company_id, cast(period_end as varchar), balance_kind, currency, {columns} from marts.rpt_gl_reconciliation where difference_amount != 0"
    ).fetchall()
    found = {row[:4]: {cause: amount for cause, amount in zip(CAUSES, row[4:], strict=True) if amount} for row in rows}
    assert found == golden.expected_causes()


def test_each_cause_names_the_rows_that_make_it_up(books: duckdb.DuckDBPyConnection) -> None:
    found = books.execute(
        "select company_id, cast(period_end as varchar), balance_kind, currency, cause, object_id, amount from marts.rpt_gl_reconciliation_items"
    ).fetchall()
    assert sorted(found) == golden.expected_items()


def test_what_ties_is_explained_by_nothing_and_what_is_explained_says_so(books: duckdb.DuckDBPyConnection) -> None:
    rows = books.execute("select company_id, is_reconciled, is_explained, difference_amount, unexplained_amount from marts.rpt_gl_reconciliation").fetchall()
    assert {company for company, *_ in rows} == {book.company_id for book in golden.BOOKS}
    for company_id, is_reconciled, is_explained, difference, unexplained in rows:
        assert is_reconciled == (difference == Decimal(0)), company_id
        assert is_explained == (unexplained == Decimal(0)), company_id


def test_the_workpaper_shows_every_balance_and_adds_up_by_formula(home: Home, books: duckdb.DuckDBPyConnection) -> None:
    path = Path(json.loads(arw(home.root, "workpaper", "--period", "2026-06", "--json").stdout)["workpaper"])
    assert path.parent == home.reports / golden.JUNE
    formulas, values = openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)
    rows = list(values["Reconciliation"].iter_rows(min_row=5, values_only=True))
    lines = [row for row in rows if isinstance(row[0], int)]
    amounts = "gl_amount, subledger_amount, difference_amount, " + ", ".join(f"{cause}_amount" for cause in CAUSES)
    published = books.execute(
        f"""
        select company_id, currency, {amounts} from marts.rpt_gl_reconciliation where period_end = date '{golden.JUNE}'
        order by company_id, receivable_account, balance_kind desc, currency
        """
    ).fetchall()
    assert [(row[1], row[6], *(Decimal(str(cell)) for cell in row[7:18])) for row in lines] == published
    for cells in formulas["Reconciliation"].iter_rows(min_row=5, max_row=4 + len(lines)):
        assert all(str(cell.value).startswith("=") for cell in cells[8:18])
        assert isinstance(cells[4].value, datetime)
    assert [row[1] for row in rows if row[1] in ("Prepared by", "Reviewed by", "Conclusion")] == ["Prepared by", "Reviewed by", "Conclusion"]
    for sheet in formulas:
        assert sheet.freeze_panes and sheet.page_setup.orientation == "landscape", sheet.title
    closings = list(values["Roll-forward"].iter_rows(min_row=5, values_only=True))
    assert closings and all(row[-3] == row[-2] and row[-1] == 0 for row in closings)


def test_a_workpaper_that_does_not_add_up_is_not_written(home: Home, tmp_path: Path) -> None:
    copy = published_only(home, tmp_path / "home")
    for number, change in enumerate(
        (
            "update marts.rpt_gl_reconciliation_items set amount = amount + 0.01 where company_id = 'LATER'",
            "update marts.rpt_gl_reconciliation set unexplained_amount = unexplained_amount + 0.01 where company_id = 'TIES'",
            "update marts.rpt_gl_reconciliation set subledger_amount = subledger_amount + 1, gl_amount = gl_amount + 1 where company_id = 'TIES'",
            "update marts.fct_rollforward_monthly set closing_amount_base = closing_amount_base + 1 where company_id = 'TIES'",
        )
    ):
        shutil.copyfile(home.pointer, copy.pointer)
        republish(copy, f"20990101T00000{number}Z_changed", (change,))
        said = arw(copy.root, "workpaper", "--period", golden.JUNE, expect=(1,)).stderr
        assert "could not be written" in said and "published version is unchanged" in said, change
        assert not list(copy.reports.rglob("*")), change


def test_text_in_a_workpaper_is_text(home: Home, tmp_path: Path) -> None:
    copy = published_only(home, tmp_path / "home")
    republish(copy, "20990101T000000Z_changed", ("update marts.dim_customers set name = '=1+1'", "update marts.dim_companies set name = '@SUM(A1)'"))
    book = openpyxl.load_workbook(json.loads(arw(copy.root, "workpaper", "--json").stdout)["workpaper"])
    assert {cell.data_type for cell in book["Open items"]["G"][4:]} == {"s"}
    assert {cell.data_type for cell in book["Reconciliation"]["C"][4:8]} == {"s"}


@pytest.mark.parametrize(
    ("period", "code", "says"), [("June", 2, "YYYY-MM"), ("2026-13", 2, "YYYY-MM"), ("2026-06-29", 1, "2026-05-31, 2026-06-30, 2026-07-31")]
)
def test_a_period_without_balances_is_refused_with_those_that_there_are(home: Home, period: str, code: int, says: str) -> None:
    assert says in arw(home.root, "workpaper", "--period", period, expect=(code,)).stderr


def test_the_status_tells_how_many_differences_are_not_explained(home: Home) -> None:
    status = arw(home.root, "status").stdout
    assert "17 of 37 balances differ, 3 of them not explained" in status
    assert "missing document -210.000, timing -33.000" in status
