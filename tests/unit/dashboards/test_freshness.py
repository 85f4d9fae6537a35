"""The badges say in words how fresh and how sound a version is."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from dashboards import freshness
from orchestration.published import Version
from orchestration.settings import Home

AS_OF = date(2026, 2, 27)
REFUSAL = {"at": "2026-02-28T06:00:00+00:00", "message": "1 of 23 checks failed", "reasons": []}


@pytest.mark.parametrize(("age", "word"), [(-1, "Fresh"), (0, "Fresh"), (3, "Fresh"), (4, "Ageing"), (7, "Ageing"), (8, "Stale"), (400, "Stale")])
def test_books_are_fresh_then_ageing_then_stale(age: int, word: str) -> None:
    badge = freshness.freshness(AS_OF, AS_OF + timedelta(days=age))
    assert badge.word == word
    assert "27" in badge.detail and "Feb" in badge.detail


def version(warning: str | None = None, overridden: tuple[str, ...] = ()) -> Version:
    """Return a version of which only the pointer matters."""
    return Version(Path("ar_1.duckdb"), {"version": "1", "checks": {"passed": 23, "overridden": list(overridden)}}, warning)


def test_the_worst_that_is_known_of_a_version_is_what_its_badge_says() -> None:
    assert freshness.soundness(version(), None).word == "Audit passed"
    overridden = freshness.soundness(version(overridden=("volumes_are_as_before",)), None)
    assert overridden.word == "Audit overridden" and "volumes_are_as_before" in overridden.detail
    refused = freshness.soundness(version(overridden=("volumes_are_as_before",)), REFUSAL)
    assert refused.word == "Last publish refused" and "1 of 23 checks failed" in refused.detail
    damaged = freshness.soundness(version(warning="current.json is missing"), REFUSAL)
    assert (damaged.word, damaged.detail, damaged.level) == ("Damaged version", "current.json is missing", "bad")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"at": 1}'])
def test_a_refusal_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path)
    home.last_refusal.parent.mkdir()
    home.last_refusal.write_text(text, encoding="utf-8")
    assert freshness.last_refusal(home) is None


def test_a_refusal_is_read_as_it_was_written(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert freshness.last_refusal(home) is None
    home.last_refusal.parent.mkdir()
    home.last_refusal.write_text(json.dumps(REFUSAL), encoding="utf-8")
    assert freshness.last_refusal(home) == REFUSAL
