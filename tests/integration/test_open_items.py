"""Books reduced to some days say of each of them exactly what the whole books say."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from orchestration import open_items, published
from orchestration.settings import Home

pytestmark = pytest.mark.xdist_group("shell")


def test_reduced_books_answer_as_the_whole_books(first_run: tuple[Home, str], tmp_path: Path) -> None:
    home, _ = first_run
    with open_items.books(published.find(home).file, tmp_path / "spill") as con:
        [[first, last, as_of]] = con.execute(
            "select min(posting_date), max(posting_date), (select as_of from meta.build_info) from marts.fct_ar_events"
        ).fetchall()
        # Far apart, next to one another, before anything was posted, and after everything.
        days = [first - timedelta(days=1), first, *(as_of - timedelta(days=back) for back in (400, 364, 31, 8, 7, 1, 0)), last + timedelta(days=1)]
        open_items.reduce(con, [*days, as_of])
        counts = []
        for day in days:
            con.execute("create or replace temp table whole as from marts.open_items_as_of(cast($day as date))", {"day": day})
            with open_items.on_days(con):
                con.execute("create or replace temp table reduced as from marts.open_items_as_of(cast($day as date))", {"day": day})
            assert con.execute("(from whole except all from reduced) union all (from reduced except all from whole)").fetchall() == [], day
            counts += con.execute("select count(*) from reduced").fetchone() or ()
        assert counts[0] == 0 and min(counts[1:]) > 0
        with open_items.on_days(con):
            [[events, known]] = con.execute("select (select count(*) from marts.fct_ar_events), (select count(*) from books.marts.fct_ar_events)").fetchall()
        assert events < known
