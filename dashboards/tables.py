"""Tables: what a column holds and how it is written, and the HTML of a table that is read on a desk and on a telephone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlencode

from dashboards import formatting
from dashboards.formatting import attribute, html
from dashboards.warehouse import Record

Link = Callable[[Record], str | None]

NUMERIC = frozenset({"money", "coded", "count", "days", "percent", "rate", "decimal"})
ONE_LINE = frozenset({"date", "moment", "month", "yes_no"})


@dataclass(frozen=True)
class Column:
    """One column: its name in the records, its heading, what it holds, and for money in which currency.

    kind: text, words (a code of the data), yes_no, date, moment, month, and the numbers money, coded (money behind its currency's code), count, days,
    percent, rate, decimal.
    currency: a currency's code, or the name of the record's column that has it (in lower case).
    """

    name: str
    label: str
    kind: str = "text"
    currency: str = ""
    link: Link | None = None
    bar: str = ""
    is_title: bool = False
    is_wide: bool = False
    is_short: bool = False

    @property
    def is_numeric(self) -> bool:
        """Tell whether values stand to the right."""
        return self.kind in NUMERIC

    def currency_of(self, record: Record) -> str:
        """Return the currency of the record's amount."""
        return str(record.get(self.currency) or "") if self.currency.islower() else self.currency

    def text(self, record: Record) -> str:
        """Return the value as a person reads it."""
        value = record.get(self.name)
        if value is None:
            # An amount that is in a currency but not known (a rate is missing) says so; where there is no currency there is no amount.
            return formatting.MISSING if self.kind in ("money", "coded") and self.currency_of(record) else ""
        match self.kind:
            case "money":
                return formatting.amount(value, self.currency_of(record))
            case "coded":
                return formatting.money(value, self.currency_of(record))
            case "count":
                return formatting.count(value)
            case "days":
                return formatting.count(value) if isinstance(value, int) else formatting.days(value).removesuffix(f"{formatting.SPACE}days")
            case "percent":
                return formatting.percent(value)
            case "rate":
                return f"{value.normalize():f}"
            case "decimal":
                return f"{value:,f}"
            case "date":
                return formatting.day(value)
            case "month":
                return formatting.month(value)
            case "moment":
                return formatting.moment(value)
            case "words":
                return formatting.words(value)
            case "yes_no":
                return "Yes" if value else ""
            case _:
                return str(value)


def for_screen(columns: Sequence[Column]) -> list[Column]:
    """Return columns for reading: a currency stands in front of its amounts, not in a column of its own as in a file."""
    beside = {column.currency for column in columns if column.kind == "money" and column.currency.islower()}
    kept = (column for column in columns if column.name not in beside)
    return [replace(column, kind="coded") if column.kind == "money" and column.currency in beside else column for column in kept]


def link(page: str, parameters: Mapping[str, str]) -> str:
    """Return the address of a page of the app."""
    return f"{page}?{urlencode(parameters)}" if parameters else page


def table(columns: Sequence[Column], records: Sequence[Record], caption: str, foot: Record | None = None, *, as_cards: bool = False) -> str:
    """Return a table as HTML. On a narrow screen it scrolls sideways, or each row becomes a card."""
    head = "".join(f'<th scope="col"{_class(column)}>{html(column.label)}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(_cell(column, record) for column in columns)}</tr>" for record in records)
    end = f"<tfoot><tr>{''.join(_cell(column, foot) for column in columns)}</tr></tfoot>" if foot else ""
    kind = "arw-cards" if as_cards else "arw-scroll"
    return (
        f'<div class="arw-table {kind}" tabindex="0" role="region" aria-label="{attribute(caption)}"><table><caption>{html(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{end}</table></div>"
    )


def _cell(column: Column, record: Record) -> str:
    text = column.text(record) if column.name in record else ""
    shown = html(text)
    address = column.link(record) if column.link and text else None
    if address:
        shown = f'<a href="{attribute(address)}">{shown}</a>'
    bar = record.get(column.bar)
    if isinstance(bar, Decimal):
        # A width in percent of the cell: for the eye only, the number beside it is exact.
        shown = f'<span class="arw-bar" aria-hidden="true"><i style="width:{min(max(bar * 100, Decimal()), Decimal(100)):.1f}%"></i></span>{shown}'
    empty = "" if text else ' data-empty="yes"'
    return f'<td data-label="{attribute(column.label)}"{_class(column)}{empty}>{shown}</td>'


def _class(column: Column) -> str:
    kinds = {"num": column.is_numeric, "title": column.is_title, "tight": column.is_short or column.kind in ONE_LINE, "wide": column.is_wide}
    names = [name for name, holds in kinds.items() if holds]
    return f' class="{" ".join(names)}"' if names else ""
