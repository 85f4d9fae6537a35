"""The product against the golden ledgers: many small cases in a few inboxes, one run each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import pytest
from golden.cases import Case
from golden.inboxes import EXTREMES, INBOXES, Inbox
from golden.product import Product, differences
from running import publish

HELD_ON_PURPOSE = "amounts_outside_are_small"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Inbox], Product]]:
    """Each inbox is loaded, built and published once for all its cases; where that fails, once too."""
    done: dict[str, Product | AssertionError] = {}

    def once(inbox: Inbox) -> Product:
        if inbox.name not in done:
            folder = tmp_path_factory.mktemp(inbox.name)
            try:
                con = publish(folder / "home", inbox.write(folder / "inbox"), override=HELD_ON_PURPOSE)
                done[inbox.name] = Product(con, [drop.extracted_at.replace("T", " ").removesuffix("Z") for drop in inbox.drops])
            except AssertionError as error:
                done[inbox.name] = error
        found = done[inbox.name]
        if isinstance(found, AssertionError):
            raise found
        return found

    yield once
    for product in done.values():
        if isinstance(product, Product):
            product.con.close()


def _every_case() -> list[object]:
    return [
        pytest.param(inbox, case, id=f"{inbox.name}-{case.name}", marks=pytest.mark.xdist_group(f"golden-{inbox.name}"))
        for inbox in INBOXES
        for case in inbox.cases
    ]


@pytest.mark.parametrize(("inbox", "case"), _every_case())
def test_the_product_agrees_with_the_hand(published: Callable[[Inbox], Product], inbox: Inbox, case: Case) -> None:
    assert not differences(published(inbox), case), case.why


@pytest.mark.xdist_group("golden-extremes")
@pytest.mark.parametrize("basis", ["'invoice_date'", "NULL"])
def test_an_unknown_basis_of_aging_is_refused(published: Callable[[Inbox], Product], basis: str) -> None:
    with pytest.raises(duckdb.Error, match="basis is due_date, document_date or posting_date"):
        published(EXTREMES).con.execute(f"select sum(open_amount) from marts.aging_as_of(DATE '2026-06-30', basis := {basis})").fetchall()
