"""Books with a known difference of every cause: each is found, explained by its own rows, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest
from golden import reconciliation as golden
from running import publish

pytestmark = pytest.mark.xdist_group("golden-reconciliation")
CAUSES = ("timing", "manual_journal", "unapplied", "exchange_rounding", "missing_document", "held", "rejected", "unexplained")


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every book, published once."""
    folder = tmp_path_factory.mktemp("reconciliation")
    con = publish(folder / "home", golden.write(folder / "inbox"), override="amounts_outside_are_small")
    yield con
    con.close()


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
