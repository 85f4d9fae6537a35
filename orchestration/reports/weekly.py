"""The weekly report's files, written from what was frozen and from nothing else: complete and adding up, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from orchestration import snapshots
from orchestration.errors import ArwError
from orchestration.files import sync
from orchestration.reports import figures, proof, table, workbook
from orchestration.reports.figures import Report
from orchestration.settings import Home
from orchestration.snapshots import Snapshot

BATCH = 10_000


class ReportFailed(ArwError):
    """A report's files could not be written."""


def files(home: Home, snapshot: Snapshot) -> list[Path]:
    """Return where the report files of a frozen week are."""
    folder = home.reports / snapshot.snapshot_date.isoformat()
    return [folder / f"{snapshot.name}.{kind}" for kind in ("xlsx", "csv")]


def write_missing(home: Home, progress: Callable[[str], None]) -> list[Path]:
    """Write the report files of every frozen week that lacks one; return the files written."""
    written = []
    for snapshot in snapshots.read(home):
        if not all(path.is_file() for path in files(home, snapshot)):
            written += write(home, snapshot)
            progress(f"wrote the report of {snapshot.snapshot_date}")
    return written


def write(home: Home, snapshot: Snapshot) -> list[Path]:
    """Write the report files of one frozen week, all of them or none; refuse files that do not add up to what was frozen."""
    targets = files(home, snapshot)
    scratch = home.reports / ".tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        scratch.mkdir(parents=True)
        report = figures.read(home, snapshot)
        drafts = [scratch / target.name for target in targets]
        workbook.write(drafts[0], report, _items(home, report))
        table.write(drafts[1], report, _items(home, report))
        proof.of_workbook(drafts[0], report)
        proof.of_table(drafts[1], report)
        targets[0].parent.mkdir(parents=True, exist_ok=True)
        for draft, target in zip(drafts, targets, strict=True):
            sync(draft)
            draft.replace(target)
        sync(targets[0].parent)
    except (OSError, ValueError, duckdb.Error) as error:
        raise ReportFailed(
            f"The report of {snapshot.snapshot_date} could not be written: {error}. No file of it was left behind; the frozen snapshot and the "
            "published version are unchanged. `arw snapshot` writes what is missing."
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return targets


def _items(home: Home, report: Report) -> Iterator[workbook.Item]:
    """Yield the frozen open items in the order of the summary's lines, each with its names."""
    lines = {(line.company_id, line.currency): line.number for line in report.lines}
    labels = {bucket.bucket_id: bucket.label for bucket in report.buckets}
    with duckdb.connect() as con:
        cursor = con.execute(
            "select * from read_parquet($items) order by company_id, currency, customer_id, due_date nulls last, item_id",
            {"items": str(snapshots.items_file(home, report.snapshot))},
        )
        names = [column[0] for column in cursor.description or []]
        while batch := cursor.fetchmany(BATCH):
            for row in batch:
                values = dict(zip(names, row, strict=True))
                customer = report.customers.get(values["customer_id"])
                values["customer_name"] = customer.name if customer else values["customer_id"]
                values["bucket_label"] = labels.get(values["bucket_id"], values["bucket_id"])
                values["collector"] = report.collectors.get(values["collector_id"], values["collector_id"])
                yield workbook.Item(lines[values["company_id"], values["currency"]], values)
