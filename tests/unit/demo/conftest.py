"""Demo inboxes, each drawn once."""

from __future__ import annotations

from pathlib import Path

import pytest
from inboxes import Inbox, read

from orchestration.demo import DemoSummary, generate


@pytest.fixture(scope="session")
def summary(tmp_path_factory: pytest.TempPathFactory) -> DemoSummary:
    """A demo of 2,000 documents: small enough to be replayed in plain Python."""
    return generate(tmp_path_factory.mktemp("demo") / "inbox", 2_000)


@pytest.fixture(scope="session")
def inbox(summary: DemoSummary) -> Inbox:
    """Its drops, read."""
    return read(summary.out)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small demo, in which everything happens that the demo promises."""
    return generate(tmp_path_factory.mktemp("small") / "inbox", "small").out
