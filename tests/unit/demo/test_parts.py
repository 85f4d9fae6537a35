"""The parts that the demo is drawn from: chance, days, rates, terms."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest

from orchestration.demo import days, documents, rates
from orchestration.demo.chance import Chance
from orchestration.demo.parties import TERMS
from orchestration.demo.postings import Rows
from orchestration.demo.settlements import half_up


def _day(text: str) -> int:
    return days.number_of(date.fromisoformat(text))


def test_chance_is_the_same_on_every_machine() -> None:
    assert Chance(7).below("a stream", np.arange(6), 1000).tolist() == [957, 145, 323, 342, 471, 772]


def test_a_draw_depends_on_its_index_only() -> None:
    chance = Chance(7)
    many = chance.below("a stream", np.arange(1000), 1 << 40)
    assert many[400:410].tolist() == chance.below("a stream", np.arange(400, 410), 1 << 40).tolist()
    assert (many != chance.below("another stream", np.arange(1000), 1 << 40)).all()
    assert (many != Chance(8).below("a stream", np.arange(1000), 1 << 40)).all()


def test_draws_keep_their_bounds_and_shares() -> None:
    chance, n = Chance(1), np.arange(100_000)
    assert set(chance.between("dice", n, 1, 6).tolist()) == {1, 2, 3, 4, 5, 6}
    assert 24_000 < chance.often("quarter", n, 250).sum() < 26_000
    assert [round(share, 1) for share in np.bincount(chance.pick("weights", n, [1, 2, 7])) / 100_000] == [0.1, 0.2, 0.7]
    bell = chance.bell("bell", n, 10)
    assert -20 <= bell.min() < -12 and 12 < bell.max() <= 20 and abs(int(bell.sum())) < 100_000


def test_a_drop_knows_the_days_through_its_friday() -> None:
    assert days.drop_of(np.array([_day("2024-02-01"), _day("2026-08-28"), _day("2026-08-29"), _day("2026-09-04")])).tolist() == [0, 0, 1, 1]
    assert days.drop_of(np.array([_day("2026-10-23"), _day("2026-10-24")])).tolist() == [8, days.NEVER]


@pytest.mark.parametrize(
    ("run", "wanted", "paid"),
    [
        (days.DAILY, "2026-02-27", "2026-02-27"),
        (days.DAILY, "2026-02-28", "2026-03-02"),
        (1, "2026-03-03", "2026-03-09"),  # Mondays
        (6, "2026-05-09", "2026-05-11"),  # the 10th and 25th: 10 May is a Sunday, so the 11th
        (6, "2026-05-12", "2026-05-25"),
        (7, "2026-03-15", "2026-03-16"),  # the 15th: a Sunday in March
        (7, "2026-03-17", "2026-04-15"),
        (8, "2026-01-15", "2026-02-02"),  # the month's end: 31 January is a Saturday
    ],
)
def test_customers_pay_in_their_runs(run: int, wanted: str, paid: str) -> None:
    assert days.run(np.array([run]), np.array([_day(wanted)])).tolist() == [_day(paid)]


@pytest.mark.parametrize(
    ("terms", "document", "due"),
    [
        ("N30", "2024-01-30", "2024-02-29"),
        ("E30", "2024-01-30", "2024-02-29"),
        ("E30", "2024-01-31", "2024-03-31"),
        ("F15", "2024-01-31", "2024-02-15"),
        ("F15", "2024-12-01", "2025-01-15"),
        ("IMM", "2024-02-29", "2024-02-29"),
        ("D10", "2024-02-20", "2024-03-21"),
    ],
)
def test_terms_give_the_due_date(terms: str, document: str, due: str) -> None:
    position = np.array([[t.terms_id for t in TERMS].index(terms)])
    assert documents.due_date(np.array([_day(document)]), position).tolist() == [_day(due)]


@pytest.fixture(scope="module")
def table() -> rates.Rates:
    return rates.Rates(Chance(7))


@pytest.mark.parametrize(("source", "target"), rates.PAIRS)
def test_base_amounts_are_rounded_half_up_like_decimals(table: rates.Rates, source: int, target: int) -> None:
    amount = Chance(2).between("amount", np.arange(500), 1, 90_000_000)
    day = Chance(2).between("day", np.arange(500), days.START, days.END)
    sources, targets = np.full(500, source), np.full(500, target)
    rate = table.on(sources, targets, day)
    assert rate.min() > 0
    of, to = rates.CURRENCIES[source], rates.CURRENCIES[target]
    expected = [
        int(
            (Decimal(a).scaleb(-of.minor_units) * Decimal(r).scaleb(-of.rate_digits))
            .quantize(Decimal(1).scaleb(-to.minor_units), ROUND_HALF_UP)
            .scaleb(to.minor_units)
        )
        for a, r in zip(amount.tolist(), rate.tolist(), strict=True)
    ]
    assert table.to_base(amount, sources, targets, rate).tolist() == expected


def test_a_lot_converts_exactly(table: rates.Rates) -> None:
    for source, target in rates.PAIRS:
        sources, targets = np.full(len(table.days), source), np.full(len(table.days), target)
        rate, lot = table.on(sources, targets, table.days), rates.lot(sources)
        assert (table.to_base(3 * lot, sources, targets, rate) == 3 * table.to_base(lot, sources, targets, rate)).all()
        exact = lot * rate * 10 ** rates.MINOR_UNITS[target] % 10 ** (rates.CURRENCIES[source].rate_digits + rates.MINOR_UNITS[source])
        assert (exact == 0).all()


def test_rates_cover_the_books_and_the_balances_taken_over(table: rates.Rates) -> None:
    assert days.date_of(table.days[0]) == date(2023, 11, 1)
    assert days.date_of(table.days[-1]) == date(2026, 10, 23)
    assert int(np.diff(table.days).max()) == 3


def test_percentages_are_rounded_half_up() -> None:
    assert half_up(np.array([25, 24, 149, 150, 10_001]), 2).tolist() == [1, 0, 3, 3, 200]


def test_rows_gather_groups_and_fill_in_defaults() -> None:
    rows = Rows(a=0, b=9)
    rows.add(a=np.array([1, 2]))
    rows.add(a=np.array([], dtype=np.int64), b=3)
    rows.add(a=5, b=np.array([True]))
    assert {name: column.tolist() for name, column in rows.columns().items()} == {"a": [1, 2, 5], "b": [9, 9, 1]}
    assert Rows(a=0).columns()["a"].tolist() == []
    with pytest.raises(AssertionError, match="unknown columns: c"):
        rows.add(c=1)
