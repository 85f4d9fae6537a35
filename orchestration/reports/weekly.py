"""The weekly report's files, written from what was frozen and from nothing else: complete and adding up, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import xlsxwriter.exceptions

from orchestration import snapshots
from orchestration.errors import ArwError
from orchestration.files import sync
from orchestration.reports import figures, items, pages, proof, table, workbook
from orchestration.settings import Home
from orchestration.snapshots import Snapshot


class ReportFailed(ArwError):
    """A report's files could not be written."""


def files(home: Home, snapshot: Snapshot) -> list[Path]:
    """Return where the report files of a frozen week are."""
    folder = home.reports / snapshot.snapshot_date.isoformat()
    return [folder / f"{snapshot.name}.{kind}" for kind in ("xlsx", "csv", "pdf")]


def newest(home: Home) -> list[Path]:
    """Return the report files of the last week that was frozen; none before the first."""
    frozen = snapshots.read(home)
    return files(home, max(frozen, key=lambda snapshot: snapshot.snapshot_date)) if frozen else []


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
        with items.of_week(home, report) as frozen:
            workbook.write(drafts[0], report, frozen)
            table.write(drafts[1], frozen)
        pages.write(drafts[2], report)
        proof.of_workbook(drafts[0], report)
        proof.of_table(drafts[1], report)
        targets[0].parent.mkdir(parents=True, exist_ok=True)
        for draft, target in zip(drafts, targets, strict=True):
            sync(draft)
            draft.replace(target)
        sync(targets[0].parent)
    except (OSError, ValueError, duckdb.Error, xlsxwriter.exceptions.XlsxWriterException) as error:
        raise ReportFailed(
            f"The report of {snapshot.snapshot_date} could not be written: {error}. No file of it was left behind; the frozen snapshot and the "
            "published version are unchanged. `arw snapshot` writes what is missing."
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return targets
