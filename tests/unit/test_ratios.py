"""Ratios are exact: rounded half up as a person does it, whether both sides fit a machine word or not."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from random import Random

import duckdb
import pytest
from rendering import rendered_text

SEED, ROWS = 11, 4000
# Around what is divided in a machine word: below 10^11, and 10^(15 - scale).
LIMITS = (10**6, 10**9, 10**11, 10**13)


def amount(rng: Random, decimals: int) -> Decimal:
    """Return an amount of any size, at times just below or above a limit."""
    if rng.random() < 0.2:
        return rng.choice(LIMITS) + Decimal(rng.randint(-2, 2)).scaleb(-decimals)
    return Decimal(rng.randint(0, 10 ** rng.randint(1, 14))).scaleb(-rng.randint(0, decimals))


@pytest.mark.parametrize("scale", [2, 6, 9])
@pytest.mark.parametrize(("width", "decimals"), [(18, 3), (38, 3), (24, 9)])
def test_a_ratio_is_rounded_half_up_to_its_last_decimal(scale: int, width: int, decimals: int) -> None:
    rng = Random(SEED)
    pairs: list[tuple[Decimal | None, Decimal | None]] = [(None, Decimal(1)), (Decimal(1), None), (Decimal(1), Decimal(0)), (Decimal(1), Decimal(-1))]
    while len(pairs) < ROWS:
        numerator, denominator = amount(rng, decimals) * rng.choice([1, 1, -1]), amount(rng, decimals)
        # What a ratio of scale decimals cannot hold is out of range, and refused.
        if denominator and abs(numerator / denominator) < 10 ** (17 - scale):
            pairs.append((numerator, denominator))
    with duckdb.connect() as con:
        con.execute(f"create table pairs (place integer, n decimal({width}, {decimals}), d decimal({width}, {decimals}))")
        con.executemany("insert into pairs values (?, ?, ?)", [(place, *pair) for place, pair in enumerate(pairs)])
        ratio = rendered_text("{{ safe_divide('n', 'd', " + str(scale) + ") }}")
        found = [row[0] for row in con.execute(f"select {ratio} from pairs order by place").fetchall()]
    unit = Decimal(1).scaleb(-scale)
    wanted = [(n / d).quantize(unit, ROUND_HALF_UP) if n is not None and d is not None and d > 0 else None for n, d in pairs]
    assert found == wanted


def test_half_a_unit_is_rounded_away_from_zero_on_either_side_of_the_limit() -> None:
    with duckdb.connect() as con:
        for denominator in (Decimal(2), Decimal(2 * 10**9), Decimal(2 * 10**12)):
            numerator = denominator * Decimal("0.0000005")
            ratio = rendered_text("{{ safe_divide('$n', '$d') }}")
            [[up, down]] = con.execute(
                f"select {ratio}, {ratio.replace('$n', '-$n')}".replace("$n", f"{numerator:.9f}").replace("$d", str(denominator))
            ).fetchall()
            assert (up, down) == (Decimal("0.000001"), Decimal("-0.000001"))
