"""The floor: one bare DuckDB process that reads the same files typed and computes the headline figures with SQL written by hand.

`python -m benchmarks.floor INBOX` prints JSON: seconds of CPU by step. What it leaves out is what the warehouse is for; docs/performance.md lists it.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from orchestration.extracts.contract import feeds

WEEKS = 104

STEPS = {
    # Later drops replace rows by key; nothing else of the two times is kept.
    "events": """
        create table events as
        select 'document:' || document_id as item_id, company_id, customer_id, currency, posting_date, due_date, 'document' as event_type,
            document_type as subtype,
            case when document_type in ('credit_memo', 'opening_credit', 'journal_credit') then -gross_amount else gross_amount end as amount
        from documents where coalesce(status, 'posted') != 'draft'
        union all
        select 'document:' || document_id, company_id, customer_id, currency, voided_on, due_date, 'void', document_type,
            case when document_type in ('credit_memo', 'opening_credit', 'journal_credit') then gross_amount else -gross_amount end
        from documents where status = 'void'
        union all
        select 'receipt:' || receipt_id, company_id, coalesce(customer_id, 'UNIDENTIFIED'), currency, posting_date, null, 'receipt', null, -amount from receipts
        union all
        select 'receipt:' || receipt_id, company_id, coalesce(customer_id, 'UNIDENTIFIED'), currency, reversed_on, null, 'bounce', null, amount
        from receipts where status = 'reversed'
        union all
        select 'document:' || documents.document_id, documents.company_id, documents.customer_id, documents.currency,
            greatest(coalesce(applied_on, documents.posting_date), documents.posting_date), due_date, 'application', null,
            -(applications.amount + coalesce(discount_amount, 0))
        from applications inner join documents on documents.document_id = applications.document_id where applications.reversed_on is null
        union all
        select 'receipt:' || receipt_id, receipts.company_id, coalesce(receipts.customer_id, 'UNIDENTIFIED'), receipts.currency,
            greatest(coalesce(applied_on, receipts.posting_date), receipts.posting_date), null, 'application', null,
            coalesce(amount_in_source_currency, applications.amount)
        from applications inner join receipts on receipts.receipt_id = applications.source_id
        where source_type = 'receipt' and applications.reversed_on is null
        union all
        select 'document:' || documents.document_id, documents.company_id, documents.customer_id, documents.currency,
            adjustments.posting_date, due_date, 'adjustment', adjustment_type, adjustments.amount
        from adjustments inner join documents on documents.document_id = adjustments.document_id
    """,
    "open_items": """
        create table open_items as
        select item_id, any_value(company_id) as company_id, any_value(customer_id) as customer_id, any_value(currency) as currency,
            any_value(due_date) as due_date, sum(amount) as open_amount
        from events where posting_date <= getvariable('as_of') group by item_id having sum(amount) != 0
    """,
    "weekly_aging": f"""
        create table weekly_aging as
        with daily as (
            select item_id, posting_date, any_value(company_id) as company_id, any_value(customer_id) as customer_id, any_value(currency) as currency,
                any_value(due_date) as due_date, sum(amount) as amount
            from events group by item_id, posting_date
        ),
        balances as (
            select *, sum(amount) over items as open_amount, lead(posting_date, 1, date '9999-12-31') over items as valid_to
            from daily window items as (partition by item_id order by posting_date)
        )
        select week_end, company_id, customer_id, currency,
            case when open_amount < 0 then 'unapplied' when week_end - due_date <= 0 then 'current' when week_end - due_date <= 30 then '1-30'
                when week_end - due_date <= 60 then '31-60' when week_end - due_date <= 90 then '61-90' when week_end - due_date <= 120 then '91-120'
                else 'over 120' end as bucket,
            count(*) as items, sum(open_amount) as open_amount
        from balances inner join (
            select cast(getvariable('as_of') - 7 * cast(weeks as integer) as date) as week_end from range({WEEKS}) as numbers (weeks)
        ) as weeks
            on weeks.week_end >= balances.posting_date and weeks.week_end < balances.valid_to
        where open_amount != 0
        group by all
    """,
    "monthly_balances": """
        create table monthly_balances as
        select company_id, customer_id, currency, month, sum(moved) over (partition by company_id, customer_id, currency order by month) as closing_amount
        from (select company_id, customer_id, currency, date_trunc('month', posting_date) as month, sum(amount) as moved from events group by all)
    """,
    "monthly_sales": """
        create table monthly_sales as
        select company_id, currency, date_trunc('month', posting_date) as month, sum(amount) as sales_amount
        from events where event_type in ('document', 'void') and subtype in ('invoice', 'debit_memo', 'credit_memo') group by all
    """,
}


def typed_read(inbox: Path, feed: str) -> str | None:
    """Return the SQL that reads every file of a feed with its declared types, nothing sniffed; None where no drop has one."""
    declared = feeds()[feed]
    types = {column.name: column.sql_type for column in declared.columns} | {"is_deleted": "BOOLEAN"}
    by_header: dict[str, list[str]] = {}
    for path in sorted(inbox.glob(f"*/{declared.system}/{feed}.csv*")):
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            by_header.setdefault(file.readline().strip(), []).append(str(path))
    reads = []
    for header, files in by_header.items():
        columns = ", ".join(f"'{name}': '{types[name]}'" for name in header.split(","))
        reads.append(f"select * from read_csv({files}, columns = {{{columns}}}, header = true, auto_detect = false, quote = '\"', filename = true)")
    return " union all by name ".join(reads) or None


def read_latest(con: duckdb.DuckDBPyConnection, inbox: Path, feed: str) -> None:
    """Create the table of a feed: each key as the last drop has it."""
    said = typed_read(inbox, feed)
    if said is None:
        columns = ", ".join(f"{column.name} {column.sql_type}" for column in feeds()[feed].columns)
        con.execute(f"create table {feed} ({columns})")
        return
    keys = ", ".join(feeds()[feed].key)
    con.execute(f"create temp table every_row as {said}")
    con.execute(f"create temp table later as select {keys}, max(filename) as filename from every_row group by all having count(*) > 1")
    same = " and ".join(f"later.{key} is not distinct from every_row.{key}" for key in feeds()[feed].key)
    con.execute(
        f"""
        create table {feed} as
        select every_row.* from every_row left join later on {same} where later.filename is null or later.filename = every_row.filename
        """
    )
    con.execute("drop table every_row; drop table later")


def landing(inbox: Path) -> dict[str, float]:
    """Read every file of every feed with its types and write it as Parquet: what landing cannot be faster than."""
    started = time.process_time()
    rows = 0
    with tempfile.TemporaryDirectory(dir=inbox.parent) as folder, duckdb.connect() as con:
        for feed in feeds():
            said = typed_read(inbox, feed)
            if said:
                (written,) = con.execute(f"copy ({said}) to '{folder}/{feed}.parquet' (format parquet, compression zstd)").fetchone() or (0,)
                rows += written
    return {"cpu_seconds": time.process_time() - started, "rows": rows}


def figures(inbox: Path) -> dict[str, float]:
    """Compute events, open items, weekly aging, monthly balances and sales; return the CPU seconds of each step."""
    spent: dict[str, float] = {}
    with duckdb.connect() as con:
        started = time.process_time()
        for feed in ("documents", "receipts", "applications", "adjustments", "customers", "installments", "exchange_rates"):
            read_latest(con, inbox, feed)
        spent["read"] = time.process_time() - started
        con.execute("set variable as_of = (select max(posting_date) from receipts)")
        for step, sql in STEPS.items():
            started = time.process_time()
            con.execute(sql)
            spent[step] = time.process_time() - started
    return spent


def main() -> None:
    """Measure the floor, or with `--landing` the floor of landing."""
    inbox = Path(sys.argv[-1])
    print(json.dumps(landing(inbox) if "--landing" in sys.argv else figures(inbox)))


if __name__ == "__main__":
    main()
