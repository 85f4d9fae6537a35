"""The product against the golden ledgers: many small cases in a few inboxes, one run each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from golden.cases import Case
from golden.inboxes import INBOXES, Inbox
from golden.product import Product, differences
from running import publish

HELD_ON_PURPOSE = "amounts_outside_are_small"


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Product]]:
    """Published inboxes, each run when the first of its cases asks for it."""
    opened: dict[str, Product] = {}
    yield opened
    for product in opened.values():
        product.con.close()


def _product(products: dict[str, Product], inbox: Inbox, folder: Path) -> Product:
    if inbox.name not in products:
        drops = inbox.write(folder / "inbox")
        known = [drop.extracted_at.replace("T", " ").removesuffix("Z") for drop in inbox.drops]
        products[inbox.name] = Product(publish(folder / "home", drops, override=HELD_ON_PURPOSE), known)
    return products[inbox.name]


@pytest.mark.parametrize(
    ("inbox", "case"),
    [
        pytest.param(inbox, case, id=f"{inbox.name}-{case.name}", marks=pytest.mark.xdist_group(f"golden-{inbox.name}"))
        for inbox in INBOXES
        for case in inbox.cases
    ],
)
def test_the_product_agrees_with_the_hand(products: dict[str, Product], tmp_path_factory: pytest.TempPathFactory, inbox: Inbox, case: Case) -> None:
    product = products.get(inbox.name) or _product(products, inbox, tmp_path_factory.mktemp(inbox.name))
    assert not differences(product, case), case.why
