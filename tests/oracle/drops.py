"""Drops as plain rows, and what a set of drops says at a knowledge time."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

Row = dict[str, Any]
Key = tuple[Any, ...]

MINOR_UNITS = {
    **dict.fromkeys(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}


def minor_units(currency: str) -> int:
    """Return how many decimals an amount in ``currency`` may have."""
    return MINOR_UNITS.get(currency, 2)


@dataclass(frozen=True)
class Feed:
    """The columns of a feed by type; ``!`` marks a required one."""

    key: tuple[str, ...]
    columns: dict[str, str]
    values: dict[str, frozenset[str]] = field(default_factory=dict)
    parent: str | None = None


def _feed(key: str, columns: str, parent: str | None = None, **values: str) -> Feed:
    pairs = dict(pair.split(":") for pair in columns.split())
    return Feed(tuple(key.split()), pairs, {name: frozenset(listed.split()) for name, listed in values.items()}, parent)


DEBIT_TYPES = frozenset(["invoice", "debit_memo", "finance_charge", "opening_balance", "refund", "journal_debit"])
CREDIT_TYPES = frozenset(["credit_memo", "opening_credit", "journal_credit"])

FEEDS = {
    "companies": _feed("company_id", "company_id:text! name:text! base_currency:currency! fiscal_year_start_month:integer time_zone:text"),
    "customers": _feed(
        "customer_id",
        "customer_id:text! parent_customer_id:text name:text! country:text region:text customer_group:text currency:currency"
        " payment_terms_id:text credit_limit:money on_hold:boolean opened_on:date is_intercompany:boolean application_rule:text",
        application_rule="explicit oldest_first",
    ),
    "payment_terms": _feed(
        "payment_terms_id",
        "payment_terms_id:text! description:text net_days:integer! discount_days:integer discount_percent:decimal end_of_month:boolean fixed_day:integer",
    ),
    "documents": _feed(
        "document_id",
        "document_id:text! company_id:text customer_id:text! document_number:text document_type:text! document_date:date!"
        " posting_date:date! due_date:date payment_terms_id:text currency:currency! exchange_rate:decimal gross_amount:money!"
        " tax_amount:money gross_amount_base:money open_amount:money original_document_id:text status:text voided_on:date"
        " receivable_account:text salesperson_id:text product_line:text reference:text settled_on:date",
        document_type=" ".join(DEBIT_TYPES | CREDIT_TYPES),
        status="posted draft void",
    ),
    "installments": _feed("document_id sequence", "document_id:text! sequence:integer! due_date:date! amount:money!", parent="document_id"),
    "receipts": _feed(
        "receipt_id",
        "receipt_id:text! company_id:text customer_id:text receipt_date:date! posting_date:date! method:text currency:currency!"
        " exchange_rate:decimal amount:money! amount_base:money status:text reversed_on:date reversal_reason:text"
        " receivable_account:text reference:text",
        status="cleared at_risk reversed",
    ),
    "applications": _feed(
        "application_id",
        "application_id:text source_type:text! source_id:text! document_id:text! installment_sequence:integer applied_on:date"
        " amount:money! amount_in_source_currency:money discount_amount:money reversed_on:date",
        source_type="receipt document adjustment credit_memo",
    ),
    "adjustments": _feed(
        "adjustment_id",
        "adjustment_id:text! document_id:text receipt_id:text company_id:text customer_id:text adjustment_type:text!"
        " posting_date:date! currency:currency amount:signed! amount_base:signed receivable_account:text reason:text approved_by:text",
        adjustment_type="write_off small_balance discount withholding_tax bank_fee factored chargeback recovery refund transfer revaluation other",
    ),
    "gl_balances": _feed(
        "company_id receivable_account period_end balance_kind currency",
        "company_id:text receivable_account:text! period_end:date! balance_kind:text! currency:currency! closing_balance:signed!",
        balance_kind="document_currency base_total",
    ),
    "accounts": _feed("account_id", "account_id:text! customer_id:text!"),
    "exchange_rates": _feed("from_currency to_currency rate_date", "from_currency:currency! to_currency:currency! rate_date:date! rate:decimal!"),
}


@dataclass(frozen=True)
class Drop:
    """One drop: when it was taken, and its feeds' rows as text, in file order."""

    name: str
    extracted_at: datetime
    books_through: date
    mode: str
    feeds: dict[str, list[dict[str, str]]]
    feed_modes: dict[str, str] = field(default_factory=dict)
    scope_companies: frozenset[str] | None = None
    scope_posting_from: date | None = None

    def mode_of(self, feed: str) -> str:
        """Return the mode of one feed; only documents know what is open, so the other feeds of such a drop are full."""
        mode = self.feed_modes.get(feed, self.mode)
        return "full" if mode == "open_items" and feed != "documents" else mode


@dataclass(frozen=True)
class Observation:
    """What one open-items drop said was open of a document."""

    settled_on: date
    gross_amount: Decimal
    open_amount: Decimal


@dataclass
class State:
    """Every feed's rows by key, as known at one moment; stale are those whose latest version was rejected."""

    rows: dict[str, dict[Key, Row]] = field(default_factory=lambda: {feed: {} for feed in FEEDS})
    observations: dict[str, list[Observation]] = field(default_factory=lambda: defaultdict(list))
    rejected: list[tuple[str, str, str]] = field(default_factory=list)
    stale: set[tuple[str, str]] = field(default_factory=set)

    def copy(self) -> State:
        """Return a state of its own (rows are never changed, so they are shared)."""
        return State(
            {feed: dict(rows) for feed, rows in self.rows.items()},
            defaultdict(list, {document_id: list(seen) for document_id, seen in self.observations.items()}),
            list(self.rejected),
            set(self.stale),
        )

    def feed(self, name: str) -> list[Row]:
        """Return a feed's rows, in key order."""
        return [row for _, row in sorted(self.rows[name].items(), key=lambda pair: str(pair[0]))]


class BadRow(ValueError):
    """A row that is wrong in itself."""


def system_of(feed: str) -> str:
    """Return the folder of a drop in which a feed lies."""
    return "crm" if feed == "accounts" else "ledger"


def read_inbox(path: Path) -> list[Drop]:
    """Read a drop, or every drop of an inbox."""
    folders = [path] if (path / "ledger").is_dir() else sorted(child for child in path.iterdir() if (child / "ledger").is_dir())
    return [_read_drop(folder) for folder in folders]


def _read_drop(folder: Path) -> Drop:
    manifest: dict[str, Any] = yaml.safe_load((folder / "manifest.yaml").read_text(encoding="utf-8")) or {}
    scope = manifest.get("scope") or {}
    return make_drop(
        folder.name,
        {feed: rows for feed in FEEDS if (rows := read_feed(folder / system_of(feed), feed)) is not None},
        extracted_at=manifest["extracted_at"],
        books_through=manifest.get("books_through"),
        mode=manifest.get("mode", "full"),
        feed_modes={feed: entry["mode"] for feed, entry in (manifest.get("feeds") or {}).items() if "mode" in entry},
        scope=scope,
    )


def make_drop(
    name: str,
    feeds: dict[str, list[dict[str, str]]],
    *,
    extracted_at: datetime | str,
    books_through: date | str | None = None,
    mode: str = "full",
    feed_modes: dict[str, str] | None = None,
    scope: dict[str, Any] | None = None,
) -> Drop:
    """Build a drop from rows of text, with the manifest's defaults."""
    taken = datetime.fromisoformat(extracted_at) if isinstance(extracted_at, str) else extracted_at
    taken = taken.replace(tzinfo=UTC) if taken.tzinfo is None else taken.astimezone(UTC)
    through = date.fromisoformat(books_through) if isinstance(books_through, str) else books_through
    scope = scope or {}
    companies, posting_from = scope.get("companies"), scope.get("posting_from")
    return Drop(
        name=name,
        extracted_at=taken,
        books_through=through or taken.date() - timedelta(days=1),
        mode=mode,
        feeds=feeds,
        feed_modes=feed_modes or {},
        scope_companies=None if companies is None else frozenset(map(str, companies)),
        scope_posting_from=date.fromisoformat(posting_from) if isinstance(posting_from, str) else posting_from,
    )


def read_feed(folder: Path, feed: str) -> list[dict[str, str]] | None:
    """Read a feed's files in a drop's folder as text; None where it was not delivered."""
    files = sorted({*folder.glob(f"{feed}.csv*"), *folder.glob(f"{feed}_*.csv*")})
    files = [file for file in files if file.name.endswith((".csv", ".csv.gz"))]
    if not files:
        return None
    return [row for file in files for row in _read_csv(file)]


def _read_csv(file: Path) -> Iterator[dict[str, str]]:
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8-sig", newline="") as stream:
        yield from csv.DictReader(stream)


def knowledge_times(drops: Iterable[Drop]) -> list[datetime]:
    """Return the moments at which something new was learned, earliest first."""
    return sorted({drop.extracted_at for drop in drops})


def states(drops: Iterable[Drop]) -> Iterator[tuple[datetime, State]]:
    """Yield the state at each knowledge time, whatever order the drops came in."""
    state = State()
    ordered = sorted(drops, key=lambda drop: (drop.extracted_at, drop.name))
    for drop, following in zip(ordered, [*ordered[1:], None], strict=True):
        _apply_drop(state, drop)
        if following is None or following.extracted_at > drop.extracted_at:
            yield drop.extracted_at, state.copy()


def state_at(drops: Iterable[Drop], known_at: datetime | None = None) -> State:
    """Return what the drops taken up to ``known_at`` (inclusive; None = all) say."""
    found = State()
    for taken_at, state in states(drops):
        if known_at is None or taken_at <= known_at:
            found = state
    return found


def _apply_drop(state: State, drop: Drop) -> None:
    # Documents first and applications last: whether an absent row lies in the scope depends on the documents known until now.
    before = {feed: dict(rows) for feed, rows in state.rows.items()}
    for feed in FEEDS:
        if feed in drop.feeds:
            _apply_feed(state, drop, feed, before)


def _apply_feed(state: State, drop: Drop, feed: str, before: dict[str, dict[Key, Row]]) -> None:
    mode, spec, known = drop.mode_of(feed), FEEDS[feed], state.rows[feed]
    good, present, deleted, unreadable = _parse_feed(state, feed, drop.feeds[feed])
    parents = {row[spec.parent] for row in good.values()} | {key[0] for key in present} if spec.parent else set()

    def vanishes(key: Key, row: Row) -> bool:
        if key in present or unreadable:
            return False
        if spec.parent and key[0] in parents:
            return True
        return mode != "incremental" and _in_scope(drop, feed, row, before)

    for key, row in list(known.items()):
        if key in deleted:
            del known[key]
            state.observations.pop(key[0], None)
        elif vanishes(key, row):
            if mode == "open_items":
                if state.observations[key[0]][-1].open_amount:
                    state.observations[key[0]].append(Observation(drop.books_through, row["gross_amount"], Decimal(0)))
            else:
                del known[key]
    for key in present:
        if key in good or key in deleted:
            state.stale.discard((feed, key[0]))
        elif key in known:
            state.stale.add((feed, key[0]))
    for key, row in good.items():
        known[key] = row
        if mode == "open_items" and row["open_amount"] is not None:
            settled_on = row["settled_on"] or drop.books_through
            state.observations[key[0]].append(Observation(settled_on, row["gross_amount"], row["open_amount"]))


def _parse_feed(state: State, feed: str, texts: list[dict[str, str]]) -> tuple[dict[Key, Row], set[Key], set[Key], bool]:
    """Return the good rows by key, every key that is present, the deleted keys, and whether a key could not be read."""
    spec = FEEDS[feed]
    seen: dict[Key, list[tuple[Row | None, bool]]] = defaultdict(list)
    unreadable = False
    occurrences: dict[Key, int] = defaultdict(int)
    for text in texts:
        key_text = {**text}
        if feed == "applications" and not (text.get("application_id") or "").strip():
            parts = tuple((text.get(name) or "").strip() for name in ("source_type", "source_id", "document_id", "installment_sequence", "applied_on"))
            occurrences[parts] += 1
            key_text["application_id"] = ">".join([*parts, str(occurrences[parts])])
        try:
            key = tuple(_parse(key_text.get(name), spec.columns[name].rstrip("!"), required=name != "company_id") for name in spec.key)
        except BadRow as error:
            unreadable = True
            state.rejected.append((feed, "", str(error)))
            continue
        try:
            row: Row | None = parse_row(feed, key_text)
        except BadRow as error:
            state.rejected.append((feed, str(key), str(error)))
            row = None
        seen[key].append((row, (text.get("is_deleted") or "").strip().lower() == "true"))
    good: dict[Key, Row] = {}
    deleted: set[Key] = set()
    for key, versions in seen.items():
        distinct = [version for number, version in enumerate(versions) if version not in versions[:number]]
        if len(distinct) > 1:
            state.rejected.append((feed, str(key), "the same key twice with different content"))
        elif distinct[0][1]:
            deleted.add(key)
        elif distinct[0][0] is not None:
            good[key] = distinct[0][0]
    return good, set(seen), deleted, unreadable


def parse_row(feed: str, text: dict[str, str]) -> Row:
    """Return the typed row, every column of the contract present; BadRow says why not."""
    spec = FEEDS[feed]
    row = {name: _parse(text.get(name), kind.rstrip("!"), required=kind.endswith("!")) for name, kind in spec.columns.items()}
    for name, allowed in spec.values.items():
        if row[name] is not None and row[name] not in allowed:
            raise BadRow(f"{name} {row[name]} is not one of {', '.join(sorted(allowed))}")
    if feed in ("documents", "receipts", "adjustments") and row["currency"]:
        for name in ("gross_amount", "tax_amount", "open_amount", "amount"):
            amount = row.get(name)
            if amount is not None and amount != round(amount, minor_units(row["currency"])):
                raise BadRow(f"{name} {amount} has more decimals than {row['currency']}")
    return row


def _parse(text: str | None, kind: str, *, required: bool) -> Any:
    text = (text or "").strip()
    if not text:
        if required:
            raise BadRow(f"a required {kind} is empty")
        return None
    try:
        if kind in ("money", "signed"):
            amount = Decimal(text)
            if not amount.is_finite() or amount != round(amount, 3) or "e" in text.lower() or (kind == "money" and amount < 0):
                raise BadRow(f"{text} is not an amount")
            return amount
        if kind == "decimal":
            return Decimal(text)
        if kind == "date":
            return date.fromisoformat(text)
        if kind == "integer":
            return int(text)
        if kind == "boolean":
            return {"true": True, "false": False}[text.lower()]
    except (InvalidOperation, ValueError, KeyError) as error:
        raise BadRow(f"{text} is not of type {kind}") from error
    return text


def _in_scope(drop: Drop, feed: str, row: Row, before: dict[str, dict[Key, Row]]) -> bool:
    """Say whether a full drop would have held this row: by its own company and posting date, else by those of what it belongs to."""
    if drop.scope_companies is None and drop.scope_posting_from is None:
        return True
    owner = _owner(feed, row, before)
    if owner is None:
        return False
    company, posted = owner
    companies_fit = drop.scope_companies is None or company in drop.scope_companies
    return companies_fit and (drop.scope_posting_from is None or (posted is not None and posted >= drop.scope_posting_from))


def _owner(feed: str, row: Row, before: dict[str, dict[Key, Row]]) -> tuple[str | None, date | None] | None:
    """Return the company and posting date that decide about a row; None where it has neither."""
    if feed in ("documents", "receipts") or (feed == "adjustments" and row["company_id"]):
        return row["company_id"], row["posting_date"]
    if feed == "companies":
        return row["company_id"], None
    if feed == "gl_balances":
        return row["company_id"], row["period_end"]
    parents = {
        "installments": [("documents", row.get("document_id"))],
        "adjustments": [("documents", row.get("document_id")), ("receipts", row.get("receipt_id"))],
        "applications": [("documents", row.get("document_id")), ("adjustments", row.get("document_id"))],
    }
    for parent_feed, parent_id in parents.get(feed, []):
        parent = before[parent_feed].get((parent_id,))
        if parent is not None:
            posted = row.get("posting_date") or row.get("applied_on") or parent["posting_date"]
            return parent["company_id"], posted
    return None
