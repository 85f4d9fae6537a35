"""Writing drops and reading what became of them, for the tests of landing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from orchestration import lake

DOCUMENT = {
    "document_id": "D1",
    "company_id": "C1",
    "customer_id": "K1",
    "document_type": "invoice",
    "document_date": "2026-01-01",
    "posting_date": "2026-01-01",
    "due_date": "2026-01-31",
    "currency": "EUR",
    "gross_amount": "100.00",
}


def document(document_id: str = "D1", **changed: str) -> dict[str, str]:
    """Return a document's row, right but for what is changed."""
    return {**DOCUMENT, "document_id": document_id, **changed}


def csv(rows: Iterable[Mapping[str, str]]) -> str:
    """Return rows as a canonical CSV file."""
    listed = list(rows)
    header = list(dict.fromkeys(name for row in listed for name in row))
    lines = [header, *([row.get(name, "") for name in header] for row in listed)]
    return "".join(",".join(map(_cell, line)) + "\n" for line in lines)


def _cell(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if set(value) & set(',"\n\r') else value


def write_drop(folder: Path, manifest: str = "", /, **feeds: str | bytes | list[dict[str, str]]) -> Path:
    """Write a drop of ledger feeds, each given as rows or as the content of its CSV file."""
    for feed, content in feeds.items():
        text = csv(content) if isinstance(content, list) else content
        put(folder / "ledger" / f"{feed}.csv", text)
    if manifest:
        put(folder / "manifest.yaml", manifest)
    return folder


def put(path: Path, content: str | bytes) -> Path:
    """Write a file as it is given, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def query(home: Path, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query on the raw tables, brought up to the lake."""
    lake.refresh_raw(home)
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def land(home: Path, path: Path, **options: Any) -> lake.LoadResult:
    """Load without a refusal."""
    result = lake.load(path, home, **options)
    assert not result.refused, result.refused
    return result


def refusal(home: Path, path: Path, **options: Any) -> Exception:
    """Load one drop that is refused, check that nothing of it landed, and return why."""
    before = [record.drop_id for record in lake.drops(home)]
    result = lake.load(path, home, **options)
    assert not result.landed
    assert [record.drop_id for record in lake.drops(home)] == before
    [error] = result.refused
    assert "Nothing of this drop was loaded, the warehouse was left unchanged" in str(error)
    return error


def audit_balances(home: Path) -> None:
    """Rows in = loaded + rejected + duplicate, for every file."""
    off = query(home, "from meta.load_audit where rows_in <> rows_loaded + rows_rejected + rows_duplicate")
    assert off == []
