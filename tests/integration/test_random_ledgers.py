"""The product against the oracle on random little ledgers that collide on purpose, at many dates and as known at every drop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from golden.cases import as_text
from golden.inboxes import ballast, master, write_drop
from golden.product import Product
from oracle.drops import read_inbox, states
from oracle.ledger import Ledger, derive
from oracle.metrics import open_items
from oracle.random_ledgers import DROPS, random_inbox
from replay import Books, Project
from running import arw, publish

from orchestration import lake

pytestmark = pytest.mark.xdist_group("replay")

SEED, WORLDS = 1, 300
DATES = [
    date(2026, 1, 5),
    date(2026, 1, 9),
    date(2026, 1, 12),
    date(2026, 1, 20),
    date(2026, 1, 31),
    date(2026, 2, 3),
    date(2026, 2, 10),
    date(2026, 2, 20),
    date(2026, 2, 28),
    date(2026, 3, 5),
    date(2026, 3, 31),
    date(2026, 4, 30),
]
PAIRS = (("ACME", "EUR"), ("BETA", "EUR"), ("DOLLAR", "USD"), ("DOLLAR", "EUR"), ("ACME", "USD"), ("BETA", "USD"))


@dataclass(frozen=True)
class Compared:
    """The published worlds, and the oracle's ledger at each knowledge time."""

    product: Product
    inbox: Path
    ledgers: list[Ledger]
    in_installments: frozenset[str]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    folder = tmp_path_factory.mktemp("random-ledgers")
    drops = random_inbox(SEED, WORLDS)
    for feed, row in as_text([*master(), *ballast(*PAIRS)]):
        drops[0].setdefault(feed, []).append(row)
    for number, (feeds, (extracted_at, books_through)) in enumerate(zip(drops, DROPS, strict=True)):
        mode = "incremental" if number else "full"
        manifest = f"extracted_at: {extracted_at}\nbooks_through: {books_through}\nmode: {mode}\n"
        write_drop(folder / "inbox" / extracted_at[:10], feeds, manifest)
    # Through the front door the drops come in another order, and then all of them once more.
    for number in (2, 0, 3):
        arw(folder / "home", "load", folder / "inbox" / DROPS[number][0][:10])
    con = publish(folder / "home", folder / "inbox", override="amounts_outside_are_small")
    known = list(states(read_inbox(folder / "inbox")))
    yield Compared(
        Product(con, [f"{taken_at:%Y-%m-%d %H:%M:%S}" for taken_at, _ in known]),
        folder / "inbox",
        [derive(state, known[-1][1]) for _, state in known],
        frozenset(world_of(row["document_id"]) for feeds in drops for row in feeds.get("installments", [])),
    )
    con.close()


def world_of(identifier: str) -> str:
    """Return the world of an id, or of an item id ("document:w0001.I0:2")."""
    kind, _, rest = identifier.partition(":")
    return (rest or kind).partition(".")[0]


def by_world(items: dict[str, tuple[Any, ...]]) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Return items by world, so that a failure shows whole worlds."""
    worlds: dict[str, dict[str, tuple[Any, ...]]] = {}
    for item_id, values in items.items():
        worlds.setdefault(world_of(item_id), {})[item_id] = values
    return worlds


@pytest.mark.parametrize("known", range(len(DROPS)))
@pytest.mark.parametrize("as_of", DATES, ids=str)
def test_every_world_agrees(compared: Compared, as_of: date, known: int) -> None:
    oracle = by_world(
        {
            item_id: (line.item.customer_id, line.open_amount, None if line.item.item_type == "receipt" else line.item.due_date, line.bucket)
            for item_id, line in open_items(compared.ledgers[known], as_of).items()
        }
    )
    product = by_world(
        {
            item_id: (row["customer_id"], row["open_amount"], row["due_date"], row["bucket_id"])
            for item_id, row in compared.product.open_items((as_of, known)).items()
        }
    )
    assert len(oracle) > WORLDS / 3, "the worlds have something open on every one of these days"
    assert {world: (product.get(world), oracle.get(world)) for world in oracle.keys() | product.keys() if product.get(world) != oracle.get(world)} == {}


@pytest.mark.parametrize("known", range(len(DROPS)))
@pytest.mark.parametrize("as_of", DATES[4::2], ids=str)
def test_base_amounts_agree_to_the_cent(compared: Compared, as_of: date, known: int) -> None:
    """Worlds with installments are left out: how a base amount is rounded over the parts of a document is the product's own business."""
    oracle = {item_id: line.open_amount_base for item_id, line in open_items(compared.ledgers[known], as_of).items()}
    product = {item_id: row["open_amount_base"] for item_id, row in compared.product.open_items((as_of, known)).items()}
    wanted = [item_id for item_id in oracle.keys() & product.keys() if world_of(item_id) not in compared.in_installments]
    assert {item_id: product[item_id] for item_id in wanted} == {item_id: oracle[item_id] for item_id in wanted}


def test_the_same_rows_are_held_and_flagged(compared: Compared) -> None:
    held, flagged = compared.product.exceptions()
    exceptions = compared.ledgers[-1].exceptions
    assert held == {each.object_id for each in exceptions if each.is_held}
    assert flagged - held == {each.object_id for each in exceptions if not each.is_held} - held


def test_loaded_in_order_and_derived_in_this_process_every_mart_is_the_published_one(compared: Compared, project: Project, tmp_path: Path) -> None:
    """The drops came in another order to what is published; and the replay, which other tests stand on, makes what dbt makes."""
    lake.load(compared.inbox, tmp_path)
    with Books() as books:
        books.bring_up_to(tmp_path)
        con = books.derive(project, DATES[-1], [node.name for node in project.nodes.values() if node.kind != "seed"])
        tables = {node.relation.replace('"', "").partition(".")[2] for node in project.nodes.values() if node.relation.startswith('"ar_build"')}
        assert len(tables) > 30
        for table in sorted(tables):
            rows = f"select * from {table} order by all"
            assert con.execute(rows).fetchall() == compared.product.con.execute(rows).fetchall(), table
