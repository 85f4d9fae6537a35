"""The list of wrong changes that `make mutate` tries: a change that no longer fits the text would be tried on nothing."""

from __future__ import annotations

import pytest
from mutation.mutants import MUTANTS, Mutant
from running import ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_a_mutant_still_changes_its_file(mutant: Mutant) -> None:
    assert mutant.apply(ROOT) != (ROOT / mutant.file).read_text(encoding="utf-8")


def test_each_mutant_is_described_once() -> None:
    assert len({mutant.what for mutant in MUTANTS}) == len(MUTANTS) > 60
