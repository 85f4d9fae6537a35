"""Files as they come: one huge file, a million rejects, a customer with a million items, thousands of drops. `python -m benchmarks.files` prints JSON.

Each case is landed by `arw load` in a home of its own, and measured as a whole process: what bounded memory and the absence of quadratic steps mean.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from benchmarks import measure

HEADER = "document_id,customer_id,document_number,document_type,document_date,posting_date,due_date,currency,gross_amount,status,reference"


@dataclass(frozen=True)
class Case:
    """What one case cost: bytes and rows delivered, rows rejected, seconds of CPU and wall, memory of the largest process."""

    name: str
    bytes: int
    rows: int
    rejected: int
    cpu: float
    wall: float
    memory_mb: int


def main() -> None:
    """Make and measure the cases."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.files", description=__doc__)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--huge-rows", type=int, default=70_000_000, help="rows of the one huge file; 70 million are 10 GB")
    parser.add_argument("--rejects", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=1_000_000, help="open items of one customer")
    parser.add_argument("--drops", type=int, default=5_000)
    options = parser.parse_args()
    cases = [
        measured(f"one file of {options.huge_rows:,} rows", options.scratch, lambda inbox: huge(inbox, options.huge_rows)),
        measured(f"a file with {options.rejects:,} faulty rows", options.scratch, lambda inbox: faulty(inbox, options.rejects)),
        measured(f"one customer with {options.items:,} items", options.scratch, lambda inbox: huge(inbox, options.items, customers=1)),
        measured(f"{options.drops // 2:,} drops", options.scratch, lambda inbox: many(inbox, options.drops // 2)),
        measured(f"{options.drops:,} drops", options.scratch, lambda inbox: many(inbox, options.drops)),
    ]
    print(json.dumps([asdict(case) for case in cases], indent=1))


def measured(name: str, scratch: Path, make: Callable[[Path], None]) -> Case:
    """Make a case's inbox, load it into a home of its own, and bring the raw tables up to it."""
    print(f"  {name}", file=sys.stderr, flush=True)
    inbox, home = scratch / "inbox", scratch / "home"
    for folder in (inbox, home):
        shutil.rmtree(folder, ignore_errors=True)
    make(inbox)
    size = measure.bytes_below(inbox)
    cost, said = measure.of([str(Path(sys.executable).with_name("arw")), "--home", str(home), "--json", "load", str(inbox)])
    loaded = json.loads(said)
    shutil.rmtree(inbox)
    raw, _ = measure.of([sys.executable, "-c", f"from orchestration import lake; lake.refresh_raw({str(home)!r})"])
    shutil.rmtree(home)
    rows = loaded["rows_loaded"] + loaded["rows_rejected"]
    return Case(name, size, rows, loaded["rows_rejected"], cost.cpu + raw.cpu, cost.wall + raw.wall, max(cost.memory_mb, raw.memory_mb))


def huge(inbox: Path, rows: int, customers: int = 50_000) -> None:
    """Write one drop with one file of ``rows`` invoices."""
    _write(
        inbox / "drop",
        f"""
        select 'INV-' || lpad(cast(range as varchar), 12, '0') as document_id, 'C' || lpad(cast(hash(range) % {customers} as varchar), 8, '0') as customer_id,
            'R-2024-' || cast(range as varchar) as document_number, 'invoice' as document_type,
            date '2022-01-01' + cast(range % 1000 as integer) as document_date, date '2022-01-01' + cast(range % 1000 as integer) as posting_date,
            date '2022-02-01' + cast(range % 1000 as integer) as due_date, 'EUR' as currency, cast(range % 100000 / 100 as decimal(18, 2)) as gross_amount,
            'posted' as status, 'order ' || cast(hash(range) as varchar) || ' as agreed by telephone' as reference
        from range({rows})
        """,
        dt.date(2024, 12, 31),
    )


def faulty(inbox: Path, rows: int) -> None:
    """Write one drop with a file in which ``rows`` rows are wrong, each in one of several ways, and as many are right."""
    _write(
        inbox / "drop",
        f"""
        select 'INV-' || cast(range as varchar) as document_id, 'C' || cast(range % 500 as varchar) as customer_id,
            'N' || cast(range as varchar) as document_number,
            case when range % 10 = 1 then 'bill' else 'invoice' end as document_type, '2024-01-15' as document_date,
            case when range % 10 = 3 then '2024-02-30' when range % 10 = 5 then '' else '2024-01-15' end as posting_date, '2024-02-15' as due_date,
            case when range % 10 = 7 then 'Euro' else 'EUR' end as currency, case when range % 10 = 9 then '1.234,50' else '12.50' end as gross_amount,
            'posted' as status, 'x' as reference
        from range({2 * rows})
        """,
        dt.date(2024, 12, 31),
    )


def many(inbox: Path, drops: int) -> None:
    """Write ``drops`` incremental drops, a day each, of five invoices and a receipt."""
    for number in range(drops):
        day = dt.date(2010, 1, 1) + dt.timedelta(days=number)
        folder = inbox / f"drop-{number:05d}"
        (folder / "ledger").mkdir(parents=True)
        invoices = [f"D{number}-{k},C1,N{number}-{k},invoice,{day},{day},{day + dt.timedelta(days=30)},EUR,{100 + k}.50,posted,\n" for k in range(5)]
        (folder / "ledger" / "documents.csv").write_text(f"{HEADER}\n{''.join(invoices)}", encoding="utf-8")
        receipt = f"receipt_id,customer_id,receipt_date,posting_date,currency,amount\nR{number},C1,{day},{day},EUR,10.00\n"
        (folder / "ledger" / "receipts.csv").write_text(receipt, encoding="utf-8")
        _manifest(folder, "incremental", day)


def _write(folder: Path, query: str, books_through: dt.date) -> None:
    (folder / "ledger").mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute(f"copy ({query}) to '{folder}/ledger/documents.csv' (header)")
    _manifest(folder, "full", books_through)


def _manifest(folder: Path, mode: str, books_through: dt.date) -> None:
    taken = books_through + dt.timedelta(days=1)
    (folder / "manifest.yaml").write_text(f"extracted_at: {taken}T06:00:00Z\nbooks_through: {books_through}\nmode: {mode}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
