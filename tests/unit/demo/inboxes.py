"""Reads a demo inbox as a person would: manifests and rows of text, no types, nothing of the generator."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

Row = dict[str, str]
State = dict[str, dict[tuple[str, ...], Row]]

# What a value refers to: feed, column, and the feeds and columns where it must be found.
REFERENCES = [
    ("customers", "parent_customer_id", "customers.customer_id"),
    ("customers", "payment_terms_id", "payment_terms.payment_terms_id"),
    ("documents", "company_id", "companies.company_id"),
    ("documents", "customer_id", "customers.customer_id"),
    ("documents", "payment_terms_id", "payment_terms.payment_terms_id"),
    ("documents", "original_document_id", "documents.document_id"),
    ("installments", "document_id", "documents.document_id"),
    ("receipts", "company_id", "companies.company_id"),
    ("receipts", "customer_id", "customers.customer_id"),
    ("applications", "source_id", "receipts.receipt_id documents.document_id adjustments.adjustment_id"),
    ("applications", "document_id", "documents.document_id adjustments.adjustment_id"),
    ("adjustments", "document_id", "documents.document_id"),
    ("adjustments", "receipt_id", "receipts.receipt_id"),
    ("adjustments", "customer_id", "customers.customer_id"),
    ("adjustments", "approved_by", "users.user_id"),
    ("open_orders", "customer_id", "customers.customer_id"),
    ("accounts", "customer_id", "customers.customer_id"),
    ("accounts", "collector_id", "users.user_id"),
    ("accounts", "account_owner_id", "users.user_id"),
    ("contacts", "account_id", "accounts.account_id"),
    ("users", "manager_id", "users.user_id"),
    ("activities", "account_id", "accounts.account_id"),
    ("activities", "document_id", "documents.document_id"),
    ("activities", "user_id", "users.user_id"),
    ("promises", "account_id", "accounts.account_id"),
    ("promises", "document_id", "documents.document_id"),
    ("promises", "user_id", "users.user_id"),
    ("promises", "superseded_by", "promises.promise_id"),
    ("disputes", "document_id", "documents.document_id"),
    ("disputes", "owner_id", "users.user_id"),
    ("dunning_events", "account_id", "accounts.account_id"),
    ("dunning_events", "document_id", "documents.document_id"),
    ("payment_plans", "account_id", "accounts.account_id"),
    ("credit_reviews", "customer_id", "customers.customer_id"),
    ("credit_reviews", "reviewer_id", "users.user_id"),
    ("agency_placements", "document_id", "documents.document_id"),
]
KEYS = {
    "installments": ("document_id", "sequence"),
    "payment_plans": ("plan_id", "sequence"),
    "gl_balances": ("company_id", "receivable_account", "period_end", "balance_kind", "currency"),
    "customer_balances": ("company_id", "customer_id", "currency", "as_of_date"),
    "exchange_rates": ("from_currency", "to_currency", "rate_date"),
}


@dataclass(frozen=True)
class Drop:
    """A drop's manifest and rows."""

    name: str
    manifest: dict[str, Any]
    feeds: dict[str, list[Row]]


@dataclass(frozen=True)
class Inbox:
    """An inbox's drops, in the order of their names, which is the order in which they were extracted."""

    path: Path
    drops: list[Drop]

    @cached_property
    def states(self) -> list[State]:
        """Return each feed's rows by key, as known after the first drop, after the second, and so on."""
        known: State = defaultdict(dict)
        states = []
        for drop in self.drops:
            known = defaultdict(dict, {feed: dict(rows) for feed, rows in known.items()})
            for feed, rows in drop.feeds.items():
                if drop.manifest["feeds"][feed].get("mode", drop.manifest["mode"]) == "full":
                    known[feed] = {}
                for row in rows:
                    key = tuple(row[column] for column in KEYS.get(feed, (next(iter(row)),)))
                    if row.get("is_deleted") == "true":
                        known[feed].pop(key)
                    else:
                        known[feed][key] = row
            states.append(known)
        return states


def read(path: Path) -> Inbox:
    """Read an inbox."""
    return Inbox(path, [_read_drop(folder) for folder in sorted(path.iterdir())])


def _read_drop(folder: Path) -> Drop:
    feeds = {}
    for file in sorted(folder.glob("*/*.csv*")):
        opener = gzip.open if file.suffix == ".gz" else open
        with opener(file, "rt", encoding="utf-8", newline="") as text:
            feeds[file.name.split(".")[0]] = list(csv.DictReader(text))
    return Drop(folder.name, yaml.safe_load((folder / "manifest.yaml").read_text(encoding="utf-8")), feeds)
