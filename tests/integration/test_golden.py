"""The product against the golden ledgers: many small cases in a few inboxes, one run each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from golden.cases import Case
from golden.inboxes import INBOXES, Inbox
from golden.product import Product, differences
from running import publish

HELD_ON_PURPOSE = "amounts_outside_are_small"


@pytest.fixture(scope="module")
def product(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One inbox, loaded, built and published once for all its cases."""
    inbox: Inbox = request.param
    folder = tmp_path_factory.mktemp(inbox.name)
    con = publish(folder / "home", inbox.write(folder / "inbox"), override=HELD_ON_PURPOSE)
    yield Product(con, [drop.extracted_at.replace("T", " ").removesuffix("Z") for drop in inbox.drops])
    con.close()


def _every_case() -> list[object]:
    return [
        pytest.param(inbox, case, id=f"{inbox.name}-{case.name}", marks=pytest.mark.xdist_group(f"golden-{inbox.name}"))
        for inbox in INBOXES
        for case in inbox.cases
    ]


@pytest.mark.parametrize(("product", "case"), _every_case(), indirect=["product"])
def test_the_product_agrees_with_the_hand(product: Product, case: Case) -> None:
    assert not differences(product, case), case.why
