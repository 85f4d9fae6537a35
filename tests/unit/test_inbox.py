"""Which drops of an inbox are loaded, and when."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from orchestration import inbox
from orchestration.errors import BadUsage
from orchestration.inbox import Decision, Entry, Look, Place
from orchestration.lake import DropRecord
from orchestration.settings import Home

NOON = datetime(2026, 6, 27, 12)


def entry(name: str, size: int = 10, modified: int = 1, changed_at: datetime = NOON) -> Entry:
    return Entry(name, size, modified, changed_at)


def seen(name: str = "monday", *entries: Entry, announced: frozenset[str] = frozenset()) -> Look:
    return Look(name, entries or (entry("ledger/documents.csv"),), announced)


def record(path: Path, loaded_at: datetime, **sizes: int) -> DropRecord:
    return DropRecord(
        drop_id="d1",
        extracted_at=loaded_at,
        books_through=date(2026, 6, 26),
        loaded_at=loaded_at,
        profile="canonical",
        source_id="",
        path=str(path),
        scope_companies=None,
        scope_posting_from=None,
        has_own_time=False,
        feeds={},
        files=[{"file": f"ledger/{name}.csv", "bytes": size} for name, size in sizes.items()],
    )


def write(path: Path, text: str = "id\n1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "inbox", None, 0)


def again(decision: Decision, *looks: Look, known: frozenset[str] = frozenset()) -> Decision:
    """Look once more, with the memory as the sensor's cursor carries it: through JSON."""
    return inbox.decide(looks, json.loads(json.dumps(decision.memory)), known)


def test_a_drop_is_loaded_once_it_stayed_as_it_was_and_never_again() -> None:
    first = inbox.decide([seen()], {}, frozenset())
    assert first.ready == () and "new or has changed" in first.waiting["monday"]
    second = again(first, seen())
    assert second.ready == ("monday",) and second.waiting == {}
    third = again(second, seen())
    assert third.ready == () and third.waiting == {}


@pytest.mark.parametrize(
    "grown",
    [
        pytest.param((entry("ledger/documents.csv", size=11),), id="another size"),
        pytest.param((entry("ledger/documents.csv", modified=2),), id="the same size, written again"),
        pytest.param((entry("ledger/documents.csv"), entry("ledger/receipts.csv")), id="one more file"),
        pytest.param((entry("ledger/receipts.csv"),), id="another name"),
    ],
)
def test_a_drop_that_still_changes_is_waited_for(grown: tuple[Entry, ...]) -> None:
    first = inbox.decide([seen()], {}, frozenset())
    second = again(first, seen("monday", *grown))
    assert second.ready == ()
    assert again(second, seen("monday", *grown)).ready == ("monday",)


def test_a_drop_that_changed_after_it_was_asked_for_is_asked_for_again_under_another_key() -> None:
    asked = again(inbox.decide([seen()], {}, frozenset()), seen())
    mended = seen("monday", entry("ledger/documents.csv", size=99))
    asked_again = again(again(asked, mended), mended)
    assert asked_again.ready == ("monday",)
    assert asked_again.run_key != asked.run_key


def test_drops_that_are_complete_together_are_one_run() -> None:
    looks = [seen("monday"), seen("tuesday"), seen("wednesday", entry("ledger/documents.csv.part"))]
    decision = again(inbox.decide(looks, {}, frozenset()), *looks)
    assert decision.ready == ("monday", "tuesday")
    assert set(decision.waiting) == {"wednesday"}
    assert decision.run_key == again(inbox.decide(looks, {}, frozenset()), *looks).run_key


@pytest.mark.parametrize("name", ["ledger/documents.csv.part", "ledger/documents.csv.tmp", "ledger/documents.csv.GZ.PARTIAL", "crm/.x/a.filepart"])
def test_a_drop_with_a_file_under_way_is_incomplete_however_long_it_stays(name: str) -> None:
    looks = seen("monday", entry("ledger/documents.csv"), entry(name))
    decision = inbox.decide([looks], {}, frozenset())
    for _ in range(3):
        decision = again(decision, looks)
        assert decision.ready == ()
        assert decision.waiting["monday"] == f"{name} is still being written"


def test_a_folder_under_way_and_an_empty_one_are_incomplete() -> None:
    assert inbox.unfinished(seen("monday.part")) == "monday.part is still being written"
    assert inbox.unfinished(Look("monday", ())) == "it is empty"


def test_a_drop_waits_for_the_feeds_that_its_manifest_announces() -> None:
    announced = frozenset({"documents", "receipts"})
    assert inbox.unfinished(seen(announced=announced)) == "its manifest announces receipts, which did not come yet"
    complete = seen("monday", entry("ledger/documents_1.csv"), entry("ledger/receipts.parquet"), announced=announced)
    assert inbox.unfinished(complete) is None


def test_a_drop_in_the_lake_is_left_alone(tmp_path: Path) -> None:
    known = frozenset({"monday"})
    first = inbox.decide([seen()], {}, known)
    assert first.ready == () and first.waiting == {}
    assert again(first, seen(), known=known).ready == ()


@pytest.mark.parametrize(
    ("changed_at", "size", "expected"),
    [
        (NOON - timedelta(seconds=1), 10, True),
        (NOON, 10, False),  # in the very moment: in doubt, load again
        (NOON + timedelta(seconds=1), 10, False),
        (NOON - timedelta(seconds=1), 11, False),
    ],
)
def test_the_lake_has_a_drop_only_if_its_files_stand_there_unchanged_since(changed_at: datetime, size: int, expected: bool) -> None:
    path = Path("/in/monday")
    looks = seen("monday", entry("ledger/documents.csv", size=size, changed_at=changed_at))
    assert inbox.is_loaded(looks, path, [record(path, NOON, documents=10)]) is expected
    assert not inbox.is_loaded(looks, Path("/in/tuesday"), [record(path, NOON, documents=10)])
    assert not inbox.is_loaded(looks, path, [record(path, NOON, documents=10, receipts=5)])
    assert not inbox.is_loaded(Look("monday", ()), path, [record(path, NOON)])


def test_an_inbox_is_looked_at_as_it_is(place: Place) -> None:
    assert inbox.look(place) == []
    documents = write(place.folder / "monday" / "ledger" / "documents.csv")
    write(place.folder / "monday" / ".DS_Store")
    write(place.folder / ".hidden" / "ledger" / "documents.csv")
    write(place.folder / "a file beside the drops.txt")
    [only] = inbox.look(place)
    assert (only.name, [found.name for found in only.entries]) == ("monday", ["ledger/documents.csv"])
    before = only.signature
    os.utime(documents, ns=(1, 1))
    [touched] = inbox.look(place)
    assert touched.signature != before
    # Setting a file's own time back leaves a trace that cannot be set back.
    assert touched.entries[0].changed_at > datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=5)


def test_a_folder_that_the_source_writes_into_every_night_is_one_drop(place: Place) -> None:
    write(place.folder / "ledger" / "documents.csv")
    [only] = inbox.look(place)
    assert only.name == inbox.ITSELF
    assert place.drop(only.name) == place.folder


def test_only_stated_rows_and_totals_announce_a_feed(place: Place) -> None:
    write(place.folder / "monday" / "ledger" / "documents.csv")
    manifest = place.folder / "monday" / "manifest.yaml"
    write(manifest, "feeds: {documents: {rows: 1}, receipts: {total: {amount: '1.00'}}, adjustments: {mode: full}, applications: {rows: 0}}")
    assert inbox.look(place)[0].announced == {"documents", "receipts"}
    # Where a profile names the files, their names say nothing about feeds; what is no manifest is for landing to refuse.
    for text in ("profile: erp\nfeeds: {documents: {rows: 1}}", "feeds: [documents]", "- a\n- b", "{", ""):
        write(manifest, text)
        assert inbox.look(place)[0].announced == frozenset()


def test_who_comes_once_looks_twice(place: Place) -> None:
    growing = write(place.folder / "growing" / "ledger" / "documents.csv")
    write(place.folder / "complete" / "ledger" / "documents.csv")
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        growing.write_text("id\n1\n2\n", encoding="utf-8")

    decision = inbox.settle(Place(place.folder, None, 30), [], wait)
    assert decision.ready == ("complete",)
    assert set(decision.waiting) == {"growing"}
    assert waited == [30]


def test_who_comes_once_does_not_wait_for_nothing(place: Place) -> None:
    write(place.folder / "monday" / "ledger" / "documents.csv")
    landed = record(place.folder / "monday", datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=5), documents=5)
    assert inbox.settle(place, [landed], lambda seconds: pytest.fail("waited")).ready == ()


def test_the_inbox_is_below_the_home_unless_it_is_named(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert inbox.place_of({}, home) == Place(tmp_path / "inbox", None, 30)
    named = {"AR_INBOX": "/srv/in", "AR_PROFILE": "erp", "AR_INBOX_QUIET_SECONDS": "2.5"}
    assert inbox.place_of(named, home) == Place(Path("/srv/in"), "erp", 2.5)


@pytest.mark.parametrize("seconds", ["soon", "-1", "3600", "nan", "inf"])
def test_a_quiet_time_that_cannot_be_meant_is_refused(seconds: str, tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="AR_INBOX_QUIET_SECONDS"):
        inbox.place_of({"AR_INBOX_QUIET_SECONDS": seconds}, Home(tmp_path))
