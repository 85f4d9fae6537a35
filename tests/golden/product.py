"""What the product says about the cases: read from the published file with the published macros, a few queries for all cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import duckdb

from .cases import Case

Key = tuple[date, int | None]
METRICS = {
    "dso": "fct_dso_monthly",
    "turnover": "fct_turnover_monthly",
    "collection": "fct_collection_monthly",
    "rollforward": "fct_rollforward_monthly",
    "revaluation": "fct_revaluation_monthly",
}


def as_key(when: str | tuple[str, int]) -> Key:
    """Return a case's date and the number of the drop that is known."""
    return (date.fromisoformat(when), None) if isinstance(when, str) else (date.fromisoformat(when[0]), when[1])


@dataclass
class Product:
    """A published warehouse, and the answers it gave already."""

    con: duckdb.DuckDBPyConnection
    known: list[str]
    _open: dict[Key, dict[str, dict[str, Any]]] = field(default_factory=dict)
    _aging: dict[tuple[date, str], list[tuple[str, str, Decimal]]] = field(default_factory=dict)
    _realised: list[tuple[str, str, Decimal]] | None = None

    def open_items(self, key: Key) -> dict[str, dict[str, Any]]:
        """Return every open item at the close of a day, as known then, by item_id."""
        if key not in self._open:
            as_of, known = key
            known_at = "NULL" if known is None else f"TIMESTAMP '{self.known[known]}'"
            cursor = self.con.execute(f"select * from marts.open_items_as_of(DATE '{as_of}', known_at := {known_at})")
            names = [column[0] for column in cursor.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            assert len({row["item_id"] for row in rows}) == len(rows), f"an item twice at {key}"
            self._open[key] = {row["item_id"]: row for row in rows}
        return self._open[key]

    def of_case(self, case: Case, key: Key) -> dict[str, dict[str, Any]]:
        """Return the open items of one case."""
        stems = case.items()
        return {item_id: row for item_id, row in self.open_items(key).items() if item_id in stems or item_id.rpartition(":")[0] in stems}

    def aging(self, as_of: date, basis: str) -> list[tuple[str, str, Decimal]]:
        """Return (customer, bucket, amount) at the close of a day."""
        if (as_of, basis) not in self._aging:
            query = f"select customer_id, bucket_id, open_amount from marts.aging_as_of(DATE '{as_of}', basis := '{basis}')"
            self._aging[as_of, basis] = self.con.execute(query).fetchall()
        return self._aging[as_of, basis]

    def exceptions(self) -> tuple[set[str], set[str]]:
        """Return the ids of what is held and of what is flagged, as known now."""
        rows = self.con.execute("select object_id, is_held from meta.exceptions").fetchall()
        return {object_id for object_id, is_held in rows if is_held}, {object_id for object_id, is_held in rows if not is_held}

    def realised(self) -> list[tuple[str, str, Decimal]]:
        """Return (item, posting date, base amount) of every exchange difference, as known now."""
        if self._realised is None:
            query = """
                select item_id, cast(posting_date as varchar), sum(amount_base) from marts.fct_ar_events
                where event_type = 'exchange_difference' and known_to = timestamp '9999-12-31' group by all"""
            self._realised = self.con.execute(query).fetchall()
        return self._realised

    def month(self, table: str, company_id: str, currency: str, month_end: date) -> dict[str, Any]:
        """Return one row of a monthly fact."""
        cursor = self.con.execute(
            f"select * from marts.{METRICS[table]} where company_id = ? and currency = ? and month_end = ?", [company_id, currency, month_end]
        )
        rows = cursor.fetchall()
        assert len(rows) == 1, f"{len(rows)} rows of {table} for {company_id} at {month_end}"
        return dict(zip([column[0] for column in cursor.description or []], rows[0], strict=True))


def as_written(value: Any) -> str | None:
    """Return a value as text, an amount without trailing zeros, so that 135 is 135.000."""
    if value is None or isinstance(value, date):
        return None if value is None else value.isoformat()
    try:
        return f"{Decimal(value).normalize():f}"
    except InvalidOperation:
        return str(value)


def differences(product: Product, case: Case) -> list[str]:
    """Return where the product and the hand disagree about a case; empty when they agree."""
    found: list[str] = []

    def compare(what: str, mine: object, hand: object) -> None:
        if mine != hand:
            found.append(f"{what}: product {mine}, by hand {hand}")

    for when, expected in case.open.items():
        rows = product.of_case(case, as_key(when))
        compare(f"open {when}", {i: r["open_amount"] for i, r in rows.items()}, {case.item_id(s): Decimal(a) for s, a in expected.items()})
    for when, expected in case.base.items():
        rows = product.of_case(case, as_key(when))
        mine = {short: rows.get(case.item_id(short), {}).get("open_amount_base") for short in expected}
        compare(f"base {when}", mine, {short: Decimal(amount) for short, amount in expected.items()})
    for when, owners in case.owners.items():
        rows = product.of_case(case, as_key(when))
        compare(f"customer {when}", {s: rows.get(case.item_id(s), {}).get("customer_id") for s in owners}, {s: case.id(o) for s, o in owners.items()})
    for short, due in case.due.items():
        last = max((as_key(when) for when, items in case.open.items() if short in items), key=lambda key: (key[1] is None, key[1] or 0, key[0]))
        row = product.of_case(case, last).get(case.item_id(short), {})
        compare(f"due {short}", str(row.get("due_date")), due)
    for day, buckets in case.buckets.items():
        rows = product.of_case(case, as_key(day))
        compare(f"bucket {day}", {short: rows.get(case.item_id(short), {}).get("bucket_id") for short in buckets}, dict(buckets))
    for (day, basis), cells in case.aging.items():
        sums: dict[str, Decimal] = {}
        for customer_id, bucket, amount in product.aging(date.fromisoformat(day), basis):
            if customer_id.startswith(f"{case.name}."):
                sums[bucket] = sums.get(bucket, Decimal(0)) + amount
        compare(f"aging {day} {basis}", sums, {bucket: Decimal(amount) for bucket, amount in cells.items()})
    for table, months in case.months.items():
        for day, columns in months.items():
            row = product.month(table, case.id("OWN"), str(case.own_company), date.fromisoformat(day))
            hand = {name: value if value is None or isinstance(value, bool) else Decimal(value) for name, value in columns.items()}
            compare(f"{table} {day}", {name: row.get(name) for name in columns}, hand)
    for when, items in case.revalued.items():
        rows = product.of_case(case, as_key(when))
        for short, columns in items.items():
            mine = {name: rows.get(case.item_id(short), {}).get(name) for name in columns}
            compare(f"revalued {when} {short}", {name: as_written(value) for name, value in mine.items()}, {n: as_written(v) for n, v in columns.items()})
    if case.realised is not None:
        stems = case.items()
        mine_realised = {(day, item_id): amount for item_id, day, amount in product.realised() if item_id in stems or item_id.rpartition(":")[0] in stems}
        compare("realised", mine_realised, {(day, case.item_id(s)): Decimal(a) for day, items in case.realised.items() for s, a in items.items()})
    for (day, currency), columns in case.revaluations.items():
        row = product.month("revaluation", case.id("OWN"), currency, date.fromisoformat(day))
        compare(f"revaluation {day}", {name: as_written(row.get(name)) for name in columns}, {name: as_written(value) for name, value in columns.items()})
    held, flagged = product.exceptions()
    compare("held", held & case.objects(), {case.id(short) for short in case.held})
    compare("flagged", (flagged - held) & case.objects(), {case.id(short) for short in case.flagged})
    return found
