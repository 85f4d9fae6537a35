"""Publishing: names that sort, versions that are kept, what a killed run left, and overrides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from homes import publish_version

from orchestration import audit, publish, published
from orchestration.errors import BadUsage
from orchestration.settings import KEPT_VERSIONS, Home


def version_of(day: int) -> str:
    return f"202607{day:02}T070000Z_aaaaaaaa"


def test_a_version_sorts_after_the_one_before_also_when_the_clock_was_set_back(tmp_path: Path) -> None:
    ahead = (datetime.now(UTC) + timedelta(hours=2)).strftime(publish.STAMP)
    publish_version(Home(tmp_path), f"{ahead}_ffffffff")
    before = published.find(Home(tmp_path))
    named = publish._next_version("0" * 64, before)
    assert named > before.name
    assert publish._next_version("0" * 64, None) < named


def test_two_versions_of_one_second_have_two_names(tmp_path: Path) -> None:
    now = datetime.now(UTC).strftime(publish.STAMP)
    publish_version(Home(tmp_path), f"{now}_00000000")
    assert publish._next_version("0" * 64, published.find(Home(tmp_path))) != f"{now}_00000000"


def test_the_last_versions_are_kept_with_all_that_belongs_to_them(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for day in range(1, 9):
        file = publish_version(home, version_of(day))
        file.with_name(f"{file.stem}_contacts.duckdb").write_bytes(b"")
    publish._prune(home, version_of(8))
    kept = [version_of(day) for day in range(9 - KEPT_VERSIONS, 9)]
    assert list(publish._versions(home)) == kept
    assert len(list(home.published.iterdir())) == 3 * KEPT_VERSIONS + 1


def test_the_version_in_force_is_kept_however_old_it_is(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for day in range(1, 9):
        publish_version(home, version_of(day))
    publish._prune(home, version_of(1))
    assert version_of(1) in list(publish._versions(home))


def test_a_version_that_was_never_pointed_to_is_removed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    publish_version(home, version_of(1))
    publish_version(home, version_of(2), in_force=False)
    publish._remove_unserved(home)
    assert list(publish._versions(home)) == [version_of(1)]


def test_without_a_pointer_nothing_is_removed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    publish_version(home, version_of(1))
    publish_version(home, version_of(2))
    home.pointer.write_text("garbage", encoding="utf-8")
    publish._remove_unserved(home)
    assert list(publish._versions(home)) == [version_of(1), version_of(2)]


@pytest.mark.parametrize("check", [check.check_id for check in audit.CHECKS if not check.may_be_overridden])
def test_arithmetic_cannot_be_overridden(check: str) -> None:
    with pytest.raises(BadUsage, match="arithmetic"):
        publish._check_overrides({check: ("me", "because")})


def test_a_check_that_does_not_exist_cannot_be_overridden() -> None:
    with pytest.raises(BadUsage, match="no check 'x'"):
        publish._check_overrides({"x": ("me", "because")})


def test_every_check_says_what_it_means_and_plausibility_alone_is_for_people_to_judge() -> None:
    assert len({check.check_id for check in audit.CHECKS}) == len(audit.CHECKS)
    assert all(len(check.means) > 30 for check in audit.CHECKS)
    assert {check.rule for check in audit.CHECKS if not check.may_be_overridden} == {"1", "2", "3", "5"}
    assert {check.rule for check in audit.CHECKS if check.may_be_overridden} == {"6", "faults 18", "faults 35"}
