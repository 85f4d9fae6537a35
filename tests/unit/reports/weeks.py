"""Frozen weeks for tests, made by hand: a few items in, the snapshot's files and its report out, without the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from orchestration import snapshots
from orchestration.files import sha256_of
from orchestration.reports import context
from orchestration.settings import Home
from orchestration.snapshots import Snapshot, Total

WEEK_END = date(2026, 10, 23)
TO = "\N{EN DASH}"
BUCKETS = [
    ("current", "Current", 1, None, 0),
    ("1_30", f"1{TO}30 days", 2, 1, 30),
    ("31_60", f"31{TO}60 days", 3, 31, 60),
    ("61_90", f"61{TO}90 days", 4, 61, 90),
    ("91_120", f"91{TO}120 days", 5, 91, 120),
    ("over_120", "Over 120 days", 6, 121, None),
    ("unapplied", "Unapplied", 7, None, None),
]
HOSTILE = [
    "#set page(fill: red)",
    "*bold* _it_ `raw` $x^2$ @ref <label>",
    '=HYPERLINK("http://example.test","x")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1)) ![](http://example.test/y)",
    "// no comment /* none */ \\u{41} #panic()",
    "http://example.test/a?b=c",
    'He said "so", & left; O\N{RIGHT SINGLE QUOTATION MARK}Reilly',
]


@dataclass(frozen=True)
class Open:
    """One open item."""

    customer_id: str
    amount: str
    days_past_due: int = 0
    company_id: str = "C1"
    currency: str = "EUR"
    amount_base: str | None = None
    document_number: str | None = None


def bucket_of(item: Open) -> str:
    """Return the item's bucket."""
    if Decimal(item.amount) < 0:
        return "unapplied"
    return next(b for b, _, _, low, high in BUCKETS if (low is None or item.days_past_due >= low) and (high is None or item.days_past_due <= high))


def freeze(
    home: Home,
    items: list[Open],
    names: dict[str, str] | None = None,
    *,
    companies: dict[str, str] | None = None,
    intercompany: tuple[str, ...] = (),
    movements: list[dict[str, Any]] | None = None,
    group: list[dict[str, Any]] | None = None,
) -> Snapshot:
    """Write the files of one frozen week as `snapshots.freeze` does, with a roll-forward that starts from nothing unless told otherwise."""
    home.snapshots.mkdir(parents=True, exist_ok=True)
    companies = companies or {"C1": "EUR"}
    stem = f"aging_{WEEK_END}"
    parquet, said, record = (home.snapshots / f"{stem}{end}" for end in (".parquet", ".context.json", ".json"))
    with duckdb.connect() as con:
        con.execute(
            """
            create table items (
                snapshot_date date, version varchar, as_of_date date, item_id varchar, item_type varchar, company_id varchar, customer_id varchar,
                receivable_account varchar, document_id varchar, document_number varchar, installment_sequence integer, document_date date,
                posting_date date, due_date date, currency varchar, original_amount decimal(18, 3), open_amount decimal(18, 3), base_currency varchar,
                original_amount_base decimal(18, 3), open_amount_base decimal(18, 3), days_past_due integer, bucket_id varchar, is_disputed boolean,
                disputed_amount decimal(18, 3), promised_on date, collector_id varchar, is_at_risk boolean, original_document_id varchar,
                salesperson_id varchar, product_line varchar, reference varchar
            )
            """
        )
        rows = []
        for number, item in enumerate(items):
            due = WEEK_END - timedelta(days=item.days_past_due)
            base = item.amount_base or item.amount
            rows.append(
                [
                    *(WEEK_END, "20261024T060000Z_abcd1234", WEEK_END, f"document:D{number}", "invoice", item.company_id, item.customer_id),
                    *("main", f"D{number}", item.document_number or f"D{number}", None, due, due, due, item.currency, item.amount, item.amount),
                    *(companies[item.company_id], base, base, item.days_past_due, bucket_of(item), False, "0", None, "U1", False, None, None, None, None),
                ]
            )
        if rows:
            con.executemany(f"insert into items values ({', '.join('?' * len(rows[0]))})", rows)
        con.execute(f"copy (from items order by item_id) to '{parquet}' (format parquet)")
        content, count = snapshots.content_hash(con, parquet)
        totals = con.execute(
            """
            select company_id, currency, base_currency, count(*), cast(sum(open_amount) as varchar), cast(sum(open_amount_base) as varchar)
            from items group by all order by 1, 2
            """
        ).fetchall()
    names = {customer: customer for customer in sorted({item.customer_id for item in items})} | (names or {})
    said.write_text(context.dump(_context(items, names, companies, intercompany, movements, group)), encoding="utf-8")
    snapshot = Snapshot(
        sequence=1,
        snapshot_date=WEEK_END,
        previous_sha256=None,
        items_sha256=sha256_of(parquet),
        content_sha256=content,
        context_sha256=sha256_of(said),
        row_count=count,
        totals=tuple(Total(*row) for row in totals),
        drops=("d1",),
        drops_hash="d" * 64,
        policy_hash="p" * 64,
        models_hash="m" * 64,
        engine="duckdb",
        version="20261024T060000Z_abcd1234",
        as_of=WEEK_END,
        known_at="2026-10-24T06:00:00Z",
        taken_at="2026-10-24T07:00:00Z",
    ).sealed()
    snapshots.write_record(record, snapshot)
    return snapshot


def _context(
    items: list[Open],
    names: dict[str, str],
    companies: dict[str, str],
    intercompany: tuple[str, ...],
    movements: list[dict[str, Any]] | None,
    group: list[dict[str, Any]] | None,
) -> dict[str, Any]:
    totals: dict[tuple[str, str], Decimal] = {}
    for item in items:
        key = item.company_id, item.currency
        totals[key] = totals.get(key, Decimal()) + Decimal(item.amount_base or item.amount)
    billed = [
        {"company_id": company, "currency": currency, "base_currency": companies[company], "movement": "billed", "amount": "0", "amount_base": str(amount)}
        for (company, currency), amount in totals.items()
        if amount
    ]
    return {
        "week_end": WEEK_END,
        "known_at": "2026-10-24T06:00:00Z",
        "companies": [{"company_id": company, "name": f"{company} Holding", "base_currency": currency} for company, currency in companies.items()],
        "customers": [{"customer_id": c, "name": name, "is_intercompany": c in intercompany} for c, name in names.items()],
        "collectors": [{"collector_id": "U1", "name": "Ada"}],
        "buckets": [{"bucket_id": b, "label": label, "bucket_order": n, "days_from": low, "days_to": high} for b, label, n, low, high in BUCKETS],
        "definitions": [
            {"metric_id": "net_receivable", "label": "Net receivable", "unit": "money", "definition": "All open items.", "not_comparable_with": None}
        ],
        "week_ago": None,
        "year_ago": None,
        "past_due_week_ago": [],
        "past_due_year_ago": [],
        "movements": movements if movements is not None else billed,
        "trend": [],
        "group": group or [],
    }
