"""The feeds that the warehouse takes, as declared in contract.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml

from orchestration.settings import project_dir

SQL_TYPES = {
    "id": "VARCHAR",
    "code": "VARCHAR",
    "text": "VARCHAR",
    "currency": "VARCHAR",
    "money": "DECIMAL(18,3)",
    "signed_money": "DECIMAL(18,3)",
    "decimal": "DECIMAL(18,9)",
    "rate": "DECIMAL(18,9)",
    "integer": "INTEGER",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
NUMERIC_TYPES = frozenset({"money", "signed_money", "decimal", "rate", "integer"})


@dataclass(frozen=True)
class Column:
    """One column of a feed: its name, its declared type, whether it must be filled."""

    name: str
    type: str
    required: bool = False
    values: tuple[str, ...] = ()
    synonyms: Mapping[str, str] = field(default_factory=dict)
    range: tuple[int, int] | None = None

    @property
    def sql_type(self) -> str:
        """The DuckDB type in which the column is kept."""
        return SQL_TYPES[self.type]

    @property
    def is_money(self) -> bool:
        """Whether the column holds an amount of a currency."""
        return self.type in ("money", "signed_money")


@dataclass(frozen=True)
class Feed:
    """One table of the contract."""

    system: str
    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    parent: str | None = None
    dated_by: str | None = None
    amount: str | None = None
    derived_key: tuple[str, ...] = ()
    belongs_to: Mapping[str, str] = field(default_factory=dict)
    optional_company: bool = False

    @property
    def full_name(self) -> str:
        """The feed's name with its system, as in ``ledger.documents``."""
        return f"{self.system}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of all columns, in the contract's order."""
        return tuple(column.name for column in self.columns)

    @property
    def required_columns(self) -> frozenset[str]:
        """The columns without which a file is refused."""
        required = {column.name for column in self.columns if column.required}
        return frozenset(required - ({"company_id"} if self.optional_company else set()))

    def column(self, name: str) -> Column:
        """Return the column called ``name``."""
        return next(column for column in self.columns if column.name == name)


@cache
def feeds() -> Mapping[str, Feed]:
    """Return every feed of the contract by its name (names are unique across the systems)."""
    text = resources.files(__package__).joinpath("contract.yaml").read_text(encoding="utf-8")
    declared = yaml.safe_load(text)
    return {name: _feed(system, name, declaration) for system, tables in declared.items() for name, declaration in tables.items()}


def systems() -> tuple[str, ...]:
    """Return the names of the source systems, which are a drop's folders."""
    return tuple(dict.fromkeys(feed.system for feed in feeds().values()))


@cache
def minor_units() -> Mapping[str, int]:
    """Return the number of decimals of each currency, by its ISO 4217 code."""
    lines = (project_dir() / "seeds" / "currencies.csv").read_text(encoding="utf-8").splitlines()
    return {code: int(decimals) for code, decimals, _ in (line.split(",", 2) for line in lines[1:])}


def _feed(system: str, name: str, declaration: Mapping[str, Any]) -> Feed:
    values = declaration.get("values", {})
    synonyms = declaration.get("synonyms", {})
    ranges = declaration.get("ranges", {})
    columns = tuple(
        Column(
            name=column,
            type=kind.removesuffix("!"),
            required=kind.endswith("!"),
            values=tuple(values.get(column, ())),
            synonyms=synonyms.get(column, {}),
            range=tuple(ranges[column]) if column in ranges else None,
        )
        for column, kind in declaration["columns"].items()
    )
    return Feed(
        system=system,
        name=name,
        key=tuple(declaration["key"]),
        columns=columns,
        parent=declaration.get("parent"),
        dated_by=declaration.get("dated_by"),
        amount=declaration.get("amount"),
        derived_key=tuple(declaration.get("derived_key", ())),
        belongs_to=declaration.get("belongs_to", {}),
        optional_company=declaration.get("optional_company", False),
    )
