"""The models' own SQL for exchange rates against a reading by hand: random quotes, corrected and withdrawn over knowledge time, asked for on random days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

import duckdb
import pytest
from rendering import rendered

SEED, WORLDS = 3, 80
BEGIN, OPEN_END = datetime(1, 1, 1), datetime(9999, 12, 31)
KNOWN = [datetime(2026, month, 1) for month in (1, 2, 3)]
FIRST_DAY = date(2026, 1, 1)
NANO = Decimal("0.000000001")

Quote = tuple[str, str, date, Decimal, datetime, datetime]
Need = tuple[str, str, date]


def quotes_and_needs() -> tuple[list[Quote], list[Need], list[str]]:
    """Return quotes with their knowledge times, what is asked for, and the base currencies; the currencies of a world are its own."""
    rng = Random(SEED)
    quotes: list[Quote] = []
    needs: list[Need] = []
    pivots: list[str] = []
    for world in range(WORLDS):
        names = [f"{name}{world:03}" for name in ("AAA", "BBB", "CCC", "DDD")]
        pivots += names[:2]
        for source in names:
            for target in names:
                if source != target and rng.random() < 0.3:
                    for age in rng.sample(range(16), rng.randint(1, 3)):
                        start, end = sorted(rng.sample([*KNOWN, OPEN_END], 2))
                        value = Decimal(rng.randint(1, 10**6)).scaleb(-rng.choice([2, 4, 6]))
                        quotes.append((source, target, FIRST_DAY + timedelta(days=age), value, start, end))
                        if end != OPEN_END and rng.random() < 0.5:
                            quotes.append((source, target, FIRST_DAY + timedelta(days=age), value + Decimal("0.01"), end, OPEN_END))
        needs += [(source, target, FIRST_DAY + timedelta(days=rng.randint(0, 24))) for source in names for target in names[:2] if source != target]
    return quotes, needs, sorted(pivots)


def by_hand(quotes: dict[tuple[str, str], list[Quote]], pivots: list[str], need: Need, at: datetime, max_age: int) -> tuple[Decimal | None, date | None]:
    """Return the rate and its date as known at a moment: the pair, its inverse, a cross through a base currency; the latest, at most so many days old."""
    source, target, on = need

    def latest(one: str, other: str) -> tuple[Decimal, date] | None:
        alive = [(q[2], q[3]) for q in quotes.get((one, other), []) if q[4] <= at < q[5] and timedelta(0) <= on - q[2] <= timedelta(days=max_age)]
        return (max(alive)[1], max(alive)[0]) if alive else None

    def leg(one: str, other: str) -> tuple[Decimal, date] | None:
        if direct := latest(one, other):
            return direct
        inverse = latest(other, one)
        return ((1 / inverse[0]).quantize(NANO, rounding=ROUND_HALF_UP), inverse[1]) if inverse else None

    if found := leg(source, target):
        return found
    for pivot in pivots:
        if pivot not in (source, target) and pivot[3:] == source[3:]:
            first, second = leg(source, pivot), leg(pivot, target)
            if first and second:
                return (first[0] * second[0]).quantize(NANO, rounding=ROUND_HALF_UP), min(first[1], second[1])
    return None, None


def resolved(max_age: int) -> Iterator[tuple[Need, datetime, Decimal | None, date | None]]:
    """Yield what the model says of each need as known at each moment; every moment is covered once."""
    quotes, needs, pivots = quotes_and_needs()
    con = duckdb.connect()
    con.execute(
        """
        create table stg_ledger__exchange_rates (
            from_currency varchar, to_currency varchar, rate_date date, rate decimal(18, 9), known_from timestamp, known_to timestamp);
        create table stg_ledger__companies (company_id varchar, base_currency varchar);
        create table stg_ledger__documents (
            company_id varchar, currency varchar, posting_date date, gross_amount_base decimal(18, 3), exchange_rate decimal(18, 9));
        create table stg_ledger__receipts as select *, gross_amount_base as amount_base from stg_ledger__documents;
        create table stg_ledger__adjustments as
            select *, gross_amount_base as amount_base, '' as document_id, '' as receipt_id from stg_ledger__documents;
        """
    )
    con.executemany("insert into stg_ledger__exchange_rates values (?, ?, ?, ?, ?, ?)", quotes)
    con.executemany("insert into stg_ledger__companies values (?, ?)", [(pivot, pivot) for pivot in pivots])
    con.executemany("insert into stg_ledger__documents (company_id, currency, posting_date) values (?, ?, ?)", [(to, of, on) for of, to, on in needs])
    con.execute(f"create table int_exchange_rates as {rendered('int_exchange_rates', max_rate_age_days=max_age)}")
    for at in [BEGIN, *KNOWN]:
        query = "select from_currency, to_currency, rate_on, rate, rate_date from int_exchange_rates where known_from <= ? and known_to > ?"
        rows = con.execute(query, [at, at]).fetchall()
        assert len(rows) == len(set(needs))
        yield from ((row[:3], at, row[3], row[4]) for row in rows)
    con.close()


@pytest.mark.parametrize("max_age", [7, 2])
def test_rates_are_what_a_reader_of_the_quotes_would_take(max_age: int) -> None:
    quotes, needs, pivots = quotes_and_needs()
    by_pair: dict[tuple[str, str], list[Quote]] = {}
    for quote in quotes:
        by_pair.setdefault(quote[:2], []).append(quote)
    rows = list(resolved(max_age))
    wrong = {(need, at): (rate, day) for need, at, rate, day in rows if (rate, day) != by_hand(by_pair, pivots, need, at, max_age)}
    assert wrong == {}
    assert {need for need, *_ in rows} == set(needs)
    found = [rate for _, _, rate, _ in rows if rate is not None]
    assert 100 < len(found) < len(rows) - 100, "rates are there and are missing"
