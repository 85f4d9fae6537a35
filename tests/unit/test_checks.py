"""Control totals as answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from orchestration import audit, checks
from orchestration.checks import FeedRows
from orchestration.errors import PublishRefused
from orchestration.lake import DropRecord

MOMENT = datetime(2026, 6, 27, 6)


def drop(name: str, *files: dict[str, Any]) -> DropRecord:
    return DropRecord(name, MOMENT, date(2026, 6, 26), MOMENT, "canonical", "", f"/in/{name}", None, None, True, {}, files)


def file(feed: str, rows_in: int, loaded: int, rejected: int = 0, duplicate: int = 0) -> dict[str, Any]:
    return {"feed": feed, "file": f"ledger/{feed}.csv", "rows_in": rows_in, "rows_loaded": loaded, "rows_rejected": rejected, "rows_duplicate": duplicate}


def test_rows_add_up_over_files_and_drops() -> None:
    drops = [drop("monday", file("documents", 10, 7, 2, 1), file("documents", 5, 5), file("receipts", 3, 3)), drop("tuesday", file("documents", 1, 1))]
    assert checks.rows_of("documents", drops) == FeedRows(read=16, loaded=13, rejected=2, duplicate=1)
    assert checks.rows_of("companies", drops) == FeedRows()
    assert checks.accounted("documents", drops).passed


def test_a_row_that_is_nowhere_is_found_and_named() -> None:
    drops = [drop("monday", file("documents", 10, 7, 2, 1)), drop("tuesday", file("documents", 10, 7, 2), file("receipts", 2, 3))]
    answer = checks.accounted("documents", drops)
    assert (answer.name, answer.found, answer.passed) == ("rows_are_accounted_for", 1, False)
    assert answer.detail == "ledger/documents.csv of /in/tuesday: 10 rows read, 7 loaded, 2 rejected, 0 duplicate"
    assert not checks.accounted("receipts", drops).passed


def test_a_refused_drop_is_told_with_its_reason() -> None:
    assert checks.accepted({"refused": []}).passed
    answer = checks.accepted({"refused": ["monday: no header", "tuesday: empty"]})
    assert (answer.found, answer.detail) == (2, "monday: no header\ntuesday: empty")


def test_an_audit_answers_each_of_its_checks() -> None:
    assert [answer.name for answer in checks.audited([])] == [check.check_id for check in audit.CHECKS]
    assert all(answer.passed for answer in checks.audited([]))
    reason = {"check": audit.CHECKS[0].check_id, "rows": 3, "means": "m", "examples": ["a", "b"]}
    answers = {answer.name: answer for answer in checks.audited([reason, {"check": "frozen_snapshots_are_unchanged", "rows": 1, "means": "m", "examples": []}])}
    assert {name for name, answer in answers.items() if not answer.passed} == {audit.CHECKS[0].check_id}
    assert (answers[audit.CHECKS[0].check_id].found, answers[audit.CHECKS[0].check_id].detail) == (3, "a\nb")


def test_a_refusal_says_what_failed_what_it_means_and_what_to_do() -> None:
    refused = PublishRefused("1 of 9 checks failed", [{"check": "c", "rows": 2, "means": "an event was dropped", "examples": ["x"], "next": "mend the model"}])
    assert checks.refusal(refused).splitlines() == [
        "Not published: 1 of 9 checks failed. The version in force is unchanged.",
        "c (2 rows): an event was dropped",
        "x",
        "mend the model",
    ]
