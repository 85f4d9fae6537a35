"""Input that is well-formed and cannot be right: half the rows gone, a column suddenly empty. A person has to look."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration import audit, meta
from orchestration.settings import Home

pytestmark = pytest.mark.xdist_group("shell")


@pytest.fixture
def home(first_run: tuple[Home, str], tmp_path: Path) -> Home:
    """Return a copy of the demo's home that the test may change."""
    return Home(Path(shutil.copytree(first_run[0].root, tmp_path / "home")))


def failing(home: Home, previous: Path | None) -> dict[str, str]:
    """Return the checks that fail, with their examples."""
    results, _ = audit.run(home, meta.read_build_info(home), previous)
    return {result.check.check_id: "; ".join(result.examples) for result in results if not result.passed}


def records(home: Home) -> list[Path]:
    """Return the records of the landed drops in the order of knowledge."""
    return sorted((home.lake / "drops").glob("*.json"), key=lambda path: json.loads(path.read_text(encoding="utf-8"))["extracted_at"])


def say_full(home: Home, rows_now: int, rows_before: int) -> None:
    """Make the last two drops that brought documents the only full ones, of so many rows."""
    told = [path for path in records(home) if "documents" in json.loads(path.read_text(encoding="utf-8"))["feeds"]]
    said = [("incremental", None)] * (len(told) - 2) + [("full", rows_before), ("full", rows_now)]
    for path, (mode, rows) in zip(told, said, strict=True):
        record = json.loads(path.read_text(encoding="utf-8"))
        record["feeds"]["documents"]["mode"] = mode
        if rows is not None:
            record["feeds"]["documents"]["rows_in"] = rows
        path.write_text(json.dumps(record), encoding="utf-8")


def as_published_after(home: Home, drops: int, folder: Path) -> Path:
    """Return a file that says it was published when only the first ``drops`` were known."""
    file = folder / "previous.duckdb"
    shutil.copyfile(home.build_file, file)
    with duckdb.connect(str(file)) as con:
        con.execute("create or replace table meta.contents (table_name varchar, row_count bigint, content_hash varchar)")
        con.execute(
            "update meta.build_info set fingerprint = 'earlier', known_at = (select extracted_at from meta.drops order by 1 offset ? limit 1)", [drops - 1]
        )
        con.execute("delete from meta.drops where extracted_at > (select known_at from meta.build_info)")
    return file


@pytest.mark.parametrize(("now", "before"), [(100, 201), (302, 201), (0, 50)])
def test_half_the_rows_gone_or_half_as_many_again_stops_the_publish(home: Home, now: int, before: int) -> None:
    say_full(home, now, before)
    assert f"rows_before {before}, rows_now {now}" in failing(home, None)["volumes_are_as_before"]


@pytest.mark.parametrize(("now", "before"), [(100, 200), (300, 200), (10, 49)])
def test_a_change_by_half_or_in_a_handful_of_rows_is_let_pass(home: Home, now: int, before: int) -> None:
    say_full(home, now, before)
    assert "volumes_are_as_before" not in failing(home, None)


def test_what_was_published_once_is_not_asked_about_again(home: Home, tmp_path: Path) -> None:
    say_full(home, 100, 201)
    assert "volumes_are_as_before" not in failing(home, as_published_after(home, len(records(home)), tmp_path))


@pytest.mark.parametrize("is_emptied", [True, False])
def test_a_column_that_is_suddenly_empty_stops_the_publish(home: Home, tmp_path: Path, is_emptied: bool) -> None:
    previous = as_published_after(home, 1, tmp_path)
    if is_emptied:
        with duckdb.connect(str(home.warehouse)) as con:
            con.execute("update raw_ledger.documents set document_number = null where known_from > (select min(extracted_at) from meta.drops)")
    found = failing(home, previous).get("values_are_filled_as_before", "")
    assert ("documents, column_name document_number" in found) == is_emptied
