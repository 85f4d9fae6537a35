"""Draws the demo, block by block, and writes it as an inbox of drops."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from orchestration.demo import balances, crm, days, deliberate, parties, rates, store, words, writer
from orchestration.demo.block import Block
from orchestration.demo.chance import Chance, Ints
from orchestration.demo.documents import apportion, make_documents
from orchestration.demo.ledger import post
from orchestration.demo.postings import Counters
from orchestration.demo.settlements import LATER, plan

SIZES = {"small": 20_000, "medium": 200_000, "large": 1_000_000}
SMALLEST = 100
DEFAULT_SEED = 7

_BLOCK = 200_000  # documents drawn at a time: what bounds the memory
_PRIMARY_PER_MILLE = 953  # of all documents; the rest are the credit memos and refunds that follow from them
_DOCUMENTS_PER_CUSTOMER = 40


@dataclass(frozen=True)
class DemoSummary:
    """What was written: where, how much, and what in it is wrong on purpose."""

    out: Path
    seed: int
    drops: list[str]
    row_counts: dict[str, int]
    deliberate: list[str] = field(default_factory=list)

    @property
    def documents(self) -> int:
        """How many document rows there are over all drops."""
        return self.row_counts["documents"]


def size_of(size: str | int) -> int:
    """Return the number of documents that a size stands for."""
    count = SIZES.get(str(size))
    if count is None:
        try:
            count = int(size)
        except ValueError:
            raise ValueError(f"size is one of {', '.join(SIZES)} or a number, not {size!r}") from None
    if count < SMALLEST:
        raise ValueError(f"a demo has at least {SMALLEST} documents, not {count}")
    return count


def generate(out: Path, size: str | int = "small", seed: int = DEFAULT_SEED, progress: Callable[[str], None] = lambda message: None) -> DemoSummary:
    """Write a demo inbox into `out`, which must be missing or empty; the same size and seed give the same bytes."""
    count = size_of(size)
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} is not an empty folder; nothing was written. Name an empty or a new one.")
    out.parent.mkdir(parents=True, exist_ok=True)
    # Written beside, then moved: a generator that is killed leaves nothing that looks like an inbox.
    scratch = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        inbox = scratch / "inbox"
        with store.connect(scratch) as connection:
            notes = _draw(connection, Chance(seed), count, progress)
            progress("balancing the general ledger")
            balances.post(connection)
            drops, row_counts = writer.write(connection, inbox, progress)
        if out.exists():
            for drop in drops:
                (inbox / drop).rename(out / drop)
        else:
            inbox.rename(out)
    finally:
        shutil.rmtree(scratch)
    return DemoSummary(out=out, seed=seed, drops=drops, row_counts=row_counts, deliberate=notes)


def _draw(connection: duckdb.DuckDBPyConnection, chance: Chance, count: int, progress: Callable[[str], None]) -> list[str]:
    """Draw everything into the scratch database; returns what in it is wrong on purpose."""
    rate_table = rates.Rates(chance)
    customers = parties.make_customers(chance, max(count // _DOCUMENTS_PER_CUSTOMER, 20))
    relations = parties.make_relations(chance, customers)
    staff = crm.hire(chance, customers)
    _store_parties(connection, chance, rate_table, customers, relations)
    _store_crm(connection, chance, customers, relations, staff)
    counts = apportion(relations, count * _PRIMARY_PER_MILLE // 1000)
    counters, work_counters, first = Counters(), crm.WorkCounters(), 1
    for rows in _blocks(counts):
        block = relations.take(rows)
        docs = make_documents(chance, rate_table, block, counts[rows], first)
        plans = plan(chance, docs, block)
        for name, columns in post(Block(chance, rate_table, block, docs, plans), counters).items():
            if "relation" in columns:
                columns["relation"] = rows[columns["relation"]]
            store.append(connection, name, columns)
        for name, columns in crm.make_work(chance, staff, block, docs, plans, work_counters).items():
            store.append(connection, name, columns)
        first += len(docs)
        progress(f"drew {first - 1:,} documents")
    faulty, notes = deliberate.post(relations, count)
    for name, columns in faulty.items():
        store.append(connection, name, columns)
    store.append(connection, "accounts", deliberate.account_columns())
    _number_documents(connection)
    return notes


def _number_documents(connection: duckdb.DuckDBPyConnection) -> None:
    """Give each company's documents the numbers of its own series: the same number may stand in two companies."""
    connection.execute("""
        create table document_numbers as
        with known as (
            select prefix, number, any_value(company_id) as company_id, any_value(kind) as kind, any_value(day) as day
            from documents inner join relations using (relation) group by all
        )
        select
            prefix, number,
            series_of(kind) || year(day_of(day)) || '-' || lpad((row_number() over (
                partition by company_id, kind, year(day_of(day)) order by day, prefix, number))::varchar, 6, '0') as document_number
        from known
    """)


def _blocks(counts: Ints) -> list[Ints]:
    """Split relations into runs of about `_BLOCK` documents."""
    edges = np.cumsum(counts) // _BLOCK
    return [np.flatnonzero(edges == edge) for edge in np.unique(edges)]


def _store_parties(
    connection: duckdb.DuckDBPyConnection, chance: Chance, rate_table: rates.Rates, customers: parties.Customers, relations: parties.Relations
) -> None:
    def save(table: str, columns: dict[str, Any]) -> None:
        store.append(connection, table, columns)

    companies = parties.COMPANIES
    save(
        "companies",
        {
            "company_id": [c.company_id for c in companies],
            "name": [c.name for c in companies],
            "currency": parties.BASE,
            "fiscal_year_start_month": np.array([c.fiscal_year_start_month for c in companies]),
            "time_zone": [c.time_zone for c in companies],
            "account_1": [c.accounts[0] for c in companies],
        },
    )
    terms = parties.TERMS
    save(
        "payment_terms",
        {
            "payment_terms_id": [t.terms_id for t in terms],
            "description": [t.description for t in terms],
        }
        | {f: np.array([int(getattr(t, f)) for t in terms]) for f in ("net_days", "discount_days", "discount_percent", "end_of_month", "fixed_day")},
    )
    columns = rate_table.columns()
    save("exchange_rates", columns | {"drop": days.drop_of(columns["day"])})

    ids = _customer_ids(customers)
    countries = parties.country_codes(customers)
    common: dict[str, Any] = {
        "customer_id": ids,
        "number": customers.number,
        "name": parties.names(chance, customers),
        "country": countries,
        "region": [words.REGIONS[c] for c in countries],
        "customer_group": [
            "intercompany" if own else words.GROUPS[g]
            for own, g in zip(customers.is_intercompany.tolist(), chance.pick("group", customers.number, [55, 25, 12, 8]).tolist(), strict=True)
        ],
        "currency": customers.currency,
        "terms": customers.terms,
        "opened": customers.opened,
        "is_intercompany": customers.is_intercompany.astype(np.int64),
        "is_oldest_first": customers.is_oldest_first.astype(np.int64),
    }

    def some(rows: Ints) -> dict[str, Any]:
        return {k: [v[i] for i in rows.tolist()] if isinstance(v, list) else v[rows] for k, v in common.items()}

    first, changed = days.drop_of(customers.opened), days.drop_of(customers.changed)
    parent = np.where(customers.parent >= 0, customers.parent + 10_000, -1)
    rows = np.flatnonzero(first < changed)
    save(
        "customers",
        some(rows) | {"drop": first[rows], "parent": parent[rows], "credit_limit": customers.limit[rows], "on_hold": customers.on_hold[rows].astype(np.int64)},
    )
    # Later some get another limit, are put on hold or set free, or leave their group.
    rows = np.flatnonzero(customers.changed < LATER)
    limit = np.where(customers.limit > 0, customers.limit * 3 // 2, customers.limit)
    leaves = chance.often("leaves group", customers.number, 300)
    save(
        "customers",
        some(rows)
        | {
            "drop": changed[rows],
            "parent": np.where(leaves, -1, parent)[rows],
            "credit_limit": limit[rows],
            "on_hold": 1 - customers.on_hold[rows].astype(np.int64),
        },
    )
    save(
        "relations",
        {
            "relation": np.arange(len(relations)),
            "customer_id": [ids[c] for c in relations.customer.tolist()],
            "company_id": [companies[c].company_id for c in relations.company.tolist()],
            "account": [companies[c].accounts[a] for c, a in zip(relations.company.tolist(), relations.account.tolist(), strict=True)],
            "base": relations.base,
            "terms": relations.terms,
            "method": relations.method,
        },
    )


def _customer_ids(customers: parties.Customers) -> list[str]:
    return [f"{10_000 + n:08d}" for n in customers.number.tolist()]


def _store_crm(connection: duckdb.DuckDBPyConnection, chance: Chance, customers: parties.Customers, relations: parties.Relations, staff: crm.Staff) -> None:
    store.append(connection, "users", crm.user_columns(staff))
    store.append(connection, "accounts", crm.account_columns(chance, customers, staff, _customer_ids(customers)))
    store.append(connection, "contacts", crm.contact_columns(chance, customers))
    store.append(connection, "credit_reviews", crm.review_columns(chance, customers))
    store.append(connection, "orders", crm.order_columns(chance, relations))
    dates, companies, categories, titles, groups = (list(column) for column in zip(*crm.BUSINESS_EVENTS, strict=True))
    day = np.array([days.number_of(d) for d in dates], dtype=np.int64)
    store.append(
        connection,
        "business_events",
        {
            "number": np.arange(1, len(dates) + 1),
            "company_id": companies,
            "day": day,
            "category": categories,
            "title": titles,
            "customer_group": groups,
            "drop": days.drop_of(day),
        },
    )
