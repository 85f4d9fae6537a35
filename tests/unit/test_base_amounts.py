"""Base amounts add up exactly, whatever is applied, taken back, bounced or voided, in whatever parts: the models' own SQL on random books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from oracle.base_amounts import NEVER, UNITS, Application, Books, random_books
from rendering import rendered

SEED, WORLDS = 5, 1500
KNOWN = (datetime(2026, 1, 1), datetime(9999, 12, 31))
KINDS = ["int_documents_to_ar_events", "int_receipts_to_ar_events", "int_adjustments_to_ar_events", "int_settlements_to_ar_events", "int_ar_movements"]

TABLES = """
    create table dim_item_versions (
        item_id varchar, item_type varchar, company_id varchar, customer_id varchar, receivable_account varchar, document_id varchar, posting_date date,
        ended_on date, currency varchar, original_amount decimal(18, 3), base_currency varchar, base_minor_units integer, original_amount_base decimal(18, 3),
        exchange_rate decimal(18, 9), known_from timestamp, known_to timestamp);
    create table int_settlements (
        application_id varchar, target_item_id varchar, source_item_id varchar, source_kind varchar, amount decimal(18, 3),
        amount_in_source_currency decimal(18, 3), discount_amount decimal(18, 3), effective_on date, ended_on date, is_derived boolean,
        known_from timestamp, known_to timestamp);
    create table int_adjustments (
        adjustment_id varchar, adjustment_type varchar, moves varchar, side_key varchar, amount decimal(18, 3), amount_base decimal(18, 3), posting_date date,
        held_reason varchar, known_from timestamp, known_to timestamp);
    create table int_contended_sides (side_key varchar);
    create table int_document_settlements (
        settlement_id varchar, side_key varchar, direction integer, amount decimal(18, 3), posting_date date, known_from timestamp, known_to timestamp);
    create table int_settlements_decided (
        kind varchar, movement_id varchar, target_item_id varchar, amount decimal(18, 3), effective_on date, known_from timestamp, known_to timestamp);
"""


class Product:
    """The models from the items to the events, over the books of all worlds; ``wrong`` replaces a piece of the base amounts' SQL."""

    def __init__(self, worlds: list[Books], wrong: tuple[str, str] | None = None) -> None:
        self.con = duckdb.connect()
        self.con.execute(TABLES)
        items = [
            (
                *(item.item_id, "receipt" if item.original < 0 else "invoice", "C", "K", "1200", item.item_id.partition(":")[2], "2026-01-01", item.ended_on),
                *(item.currency, item.original, item.base_currency, UNITS[item.base_currency], item.original_base, item.rate, *KNOWN),
            )
            for books in worlds
            for item in books.items
        ]
        settlements = [
            (
                *(each.application_id, each.target.item_id, each.source.item_id, "receipt", each.amount, each.amount_in_source_currency),
                *(each.discount, each.effective_on, each.ended_on, False, *KNOWN),
            )
            for books in worlds
            for each in books.applications
        ]
        adjustments = [
            (
                *(each.adjustment_id, each.kind, "receipt" if each.item.original < 0 else "document", each.item.item_id),
                *(each.amount, each.amount_base, each.posting_date, None, *KNOWN),
            )
            for books in worlds
            for each in books.adjustments
        ]
        for table, rows in (("dim_item_versions", items), ("int_settlements", settlements), ("int_adjustments", adjustments)):
            columns = [pa.array([None if value is None else str(value) for value in column], pa.string()) for column in zip(*rows, strict=True)]
            self.con.register("rows", pa.table(columns, names=[f"c{number}" for number in range(len(columns))]))
            self.con.execute(f"insert into {table} select * from rows")
        for model in KINDS:
            self.con.execute(f"create table {model} as {rendered(model)}")
        base_amounts = rendered("int_ar_base_amounts")
        if wrong is not None:
            assert base_amounts.count(wrong[0]) >= 1, "the mutation finds what it changes"
            base_amounts = base_amounts.replace(*wrong)
        self.con.execute(f"create table int_ar_base_amounts as {base_amounts}")
        for model in ("int_ar_exchanges", "int_ar_events"):
            self.con.execute(f"create table {model} as {rendered(model)}")

    def balances(self) -> dict[tuple[str, object], tuple[Decimal, Decimal]]:
        """Return the running balance of each item after each day on which it moved."""
        query = """
            select item_id, posting_date, sum(sum(amount)) over so_far, sum(sum(amount_base)) over so_far
            from int_ar_events group by 1, 2 window so_far as (partition by item_id order by posting_date)"""
        return {(item_id, day): (amount, base) for item_id, day, amount, base in self.con.execute(query).fetchall()}

    def by_pair(self) -> dict[tuple[str, str, str], Decimal]:
        """Return the base amounts of applications and what came of them, by application, event type (an exchange difference by its cause) and side."""
        query = """
            select application_id, case event_type when 'exchange_difference' then event_type || ' ' || event_subtype else event_type end,
                case when item_id like 'receipt:%' then 'source' else 'target' end, sum(amount_base)
            from int_ar_events where application_id is not null group by all"""
        return {row[:3]: row[3] for row in self.con.execute(query).fetchall()}


def expected_pairs(application: Application) -> dict[tuple[str, str, str], Decimal]:
    """Return the same by hand."""
    target, discount, source = application.took
    name = application.application_id
    wanted = {
        (name, "application", "target"): -source,
        (name, "application", "source"): source,
        (name, "discount", "target"): discount,
        (name, "exchange_difference application", "target"): target + source,
    }
    if application.ended_on != NEVER:
        wanted |= {(name, kind.replace(event := kind.split()[-1], f"{event}_reversal"), side): -base for (_, kind, side), base in list(wanted.items())}
    return {key: base for key, base in wanted.items() if base or (key[1].startswith("application") or (key[1].startswith("discount") and application.discount))}


def broken(product: Product, worlds: list[Books]) -> dict[str, int]:
    """Return how often each property does not hold."""
    mine, pairs = product.balances(), product.by_pair()
    hand = {key: value for books in worlds for key, value in books.balances.items()}
    wanted = {key: base for books in worlds for each in books.applications for key, base in expected_pairs(each).items()}
    return {
        "a closed item keeps a base amount": sum(amount == 0 and base != 0 for amount, base in mine.values()),
        "a balance is not the hand's": sum(hand[key] != value for key, value in mine.items()),
        "an application is not the hand's": sum(pairs.get(key) != wanted.get(key) for key in pairs.keys() | wanted.keys()),
    }


@pytest.fixture(scope="module")
def worlds() -> list[Books]:
    """The books of all worlds."""
    return list(random_books(SEED, WORLDS))


@pytest.fixture(scope="module")
def product(worlds: list[Books]) -> Iterator[Product]:
    """The models as they are."""
    made = Product(worlds)
    yield made
    made.con.close()


def test_base_amounts_are_the_bookkeepers_to_the_cent(product: Product, worlds: list[Books]) -> None:
    assert set(broken(product, worlds).values()) == {0}, broken(product, worlds)


def test_a_receipt_applied_in_parts_is_worth_what_it_is_worth_whole(product: Product, worlds: list[Books]) -> None:
    pairs, in_parts = product.by_pair(), 0
    for books in worlds:
        adjusted = {adjustment.item for adjustment in books.adjustments}
        for item in books.items:
            live = [each for each in books.applications if each.source is item and each.ended_on == NEVER]
            if item not in adjusted and sum(each.amount_in_source_currency for each in live) == -item.original:
                in_parts += len(live) > 1
                assert sum(pairs[each.application_id, "application", "source"] for each in live) == -item.original_base, item.item_id
    assert in_parts > WORLDS / 20, "enough receipts are applied in several parts"


@pytest.mark.parametrize(
    ("mistake", "wrong"),
    [
        ("the last part does not take the rest", ("open_after = 0 and amount != 0 and phase > 0 as is_closing", "false as is_closing")),
        ("every part takes the rest", ("open_after = 0 and amount != 0 and phase > 0 as is_closing", "amount != 0 and phase > 0 as is_closing")),
        ("a returned last part comes back without its rest", ("case when undone.is_closing then 0 else", "case when false then 0 else")),
        ("a last part returned twice comes back as it was once", ("closings.own_amount + coalesce(made_good.amount, 0)", "closings.own_amount")),
        ("a given base amount is computed instead", ("movements.stated_amount_base is not null then", "false then")),
    ],
)
def test_a_wrong_rule_is_seen(worlds: list[Books], mistake: str, wrong: tuple[str, str]) -> None:
    mutant = Product(worlds[:300], wrong)
    assert any(broken(mutant, worlds[:300]).values()), mistake
    mutant.con.close()
