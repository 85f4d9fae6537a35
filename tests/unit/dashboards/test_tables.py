"""Tables: numbers to the right, hostile values as typed, one currency in front of its amounts."""

from __future__ import annotations

from decimal import Decimal
from html.parser import HTMLParser

from dashboards import tables
from dashboards.tables import Column

NAMES = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "[x](javascript:y)", "$x$ & :smile:"]
COLUMNS = [
    Column("name", "Customer", link=lambda row: tables.link("customer", {"customer": row["name"]}), is_title=True),
    Column("currency", "Currency"),
    Column("amount", "Owed", "money", "currency"),
]
ROWS = [{"name": name, "currency": "EUR", "amount": Decimal("-1234.500")} for name in NAMES]


class _Reader(HTMLParser):
    """Collects what a browser would make of a table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attributes if name == "href"]
        assert not any(name.startswith("on") for name, _ in attributes)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_hostile_names_are_texts_and_nothing_else() -> None:
    read = _Reader(tables.table(COLUMNS, ROWS, "Debtors <b>"))
    assert read.tags == {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "a", "bdi"}
    assert [text for text in read.texts if text in NAMES] == NAMES
    assert all(link.startswith("customer?customer=") for link in read.links) and len(read.links) == len(NAMES)


def test_amounts_are_exact_and_to_the_right() -> None:
    written = tables.table(COLUMNS, ROWS[:1], "Debtors")
    assert '<td data-label="Owed" class="num"><bdi>\N{MINUS SIGN}1,234.50</bdi></td>' in written


def test_on_the_screen_a_currency_stands_in_front_of_its_amounts() -> None:
    columns = tables.for_screen(COLUMNS)
    assert [column.name for column in columns] == ["name", "amount"]
    assert columns[1].text(ROWS[0]) == "EUR\N{NO-BREAK SPACE}\N{MINUS SIGN}1,234.50"
    assert columns[1].text({"currency": "EUR", "amount": None}).endswith("n/a")
    assert columns[1].text({"currency": None, "amount": None}) == ""


def test_a_bar_never_leaves_its_cell() -> None:
    column = Column("share", "Share", "percent", bar="share")
    assert "width:100.0%" in tables.table([column], [{"share": Decimal(3)}], "Shares")
    assert "width:0.0%" in tables.table([column], [{"share": Decimal(-3)}], "Shares")
