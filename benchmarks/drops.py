"""Drops that come after the demo: a day of new and changed rows, and a full drop in which nothing changed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb

from orchestration.extracts.contract import feeds
from orchestration.settings import Home

KNOWN = "known_to = timestamp '9999-12-31'"


def daily(home: Home, folder: Path, share: float, books_through: dt.date) -> int:
    """Write an incremental drop that speaks of ``share`` of the documents: half new, half changed, a tenth of either posted long ago, with receipts.

    Return the number of documents in it.
    """
    (folder / "ledger").mkdir(parents=True)
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        (known,) = con.execute(f"select count(*) from raw_ledger.documents where {KNOWN}").fetchone() or (0,)
        count = max(int(known * share / 2), 1)
        mark, day = books_through.strftime("%Y%m%d"), f"date '{books_through}'"
        con.execute(
            f"""
            create temp table invoices as
            select *, row_number() over (order by hash(document_id || '{mark}')) as place
            from raw_ledger.documents where {KNOWN} and document_type = 'invoice' and status = 'posted' and load_mode != 'open_items'
            """
        )
        # Every tenth is dated back by two months; the others are of the day.
        new_date = f"case when place % 10 = 0 then {day} - 61 else {day} end"
        con.execute(
            f"""
            create temp table documents as
            select * replace ('N{mark}' || document_id as document_id, 'N{mark}' || document_number as document_number,
                cast({new_date} as date) as document_date, cast({new_date} as date) as posting_date, cast({new_date} + 30 as date) as due_date)
            from invoices where place <= {count}
            union all
            select * replace (coalesce(reference, '') || ' {mark}' as reference, due_date + 7 as due_date,
                case when place % 10 = 0 then posting_date - 61 else posting_date end as posting_date)
            from invoices where place > {count} and place <= 2 * {count}
            """
        )
        con.execute(
            f"""
            create temp table receipts as
            select 'NR{mark}' || document_id as receipt_id, company_id, customer_id, {day} as receipt_date, {day} as posting_date, 'transfer' as method,
                currency, exchange_rate, gross_amount as amount, gross_amount_base as amount_base, 'cleared' as status, receivable_account, reference
            from documents where place <= {count} and place % 2 = 0
            """
        )
        con.execute(
            f"""
            create temp table applications as
            select 'NA{mark}' || document_id as application_id, 'receipt' as source_type, 'NR{mark}' || document_id as source_id, document_id,
                {day} as applied_on, gross_amount as amount
            from documents where place <= {count} and place % 2 = 0
            """
        )
        columns = ", ".join(feeds()["documents"].column_names)
        con.execute(f"copy (select {columns} from documents) to '{folder}/ledger/documents.csv' (header)")
        con.execute(f"copy receipts to '{folder}/ledger/receipts.csv' (header)")
        con.execute(f"copy applications to '{folder}/ledger/applications.csv' (header)")
    _manifest(folder, "incremental", books_through)
    return 2 * count


def unchanged(home: Home, folder: Path, books_through: dt.date) -> None:
    """Write a full drop of everything that is known, but for the balance lists, which are of one day each."""
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        for feed in (feed for feed in feeds().values() if feed.name != "customer_balances"):
            (rows,) = con.execute(f"select count(*) from raw_{feed.system}.{feed.name} where {KNOWN}").fetchone() or (0,)
            if rows:
                (folder / feed.system).mkdir(parents=True, exist_ok=True)
                columns = ", ".join(f"strftime({c.name}, '%Y-%m-%dT%H:%M:%SZ') as {c.name}" if c.type == "timestamp" else c.name for c in feed.columns)
                con.execute(f"copy (select {columns} from raw_{feed.system}.{feed.name} where {KNOWN}) to '{folder}/{feed.system}/{feed.name}.csv' (header)")
    _manifest(folder, "full", books_through)


def _manifest(folder: Path, mode: str, books_through: dt.date) -> None:
    taken = books_through + dt.timedelta(days=1)
    (folder / "manifest.yaml").write_text(f"extracted_at: {taken}T06:00:00Z\nbooks_through: {books_through}\nmode: {mode}\n", encoding="utf-8")
