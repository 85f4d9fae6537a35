"""What the code imports is locked: an environment that somebody's hands made complete cannot hide a missing line."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from orchestration.settings import project_dir

ROOT = project_dir()


def locked(*names: str) -> set[str]:
    """Return the packages of the lock files."""
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in names)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"^([A-Za-z0-9_.-]+)==", text, re.MULTILINE)}


def imported(folder: str) -> Iterator[tuple[Path, str]]:
    """Yield each file below the folder with each module of others that it imports."""
    own = {path.stem for path in ROOT.rglob("*.py") if ".venv" not in path.parts} | {path.name for path in (ROOT, *ROOT.glob("*/"), *ROOT.glob("tests/*/"))}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for module in {name.split(".")[0] for name in names}:
                if module not in sys.stdlib_module_names and module not in own:
                    yield path.relative_to(ROOT), module


@pytest.mark.parametrize(
    ("folder", "locks"),
    [
        ("orchestration", ["requirements.lock"]),
        ("dashboards", ["requirements.lock"]),
        ("models", ["requirements.lock"]),
        ("tests", ["requirements-dev.lock"]),
    ],
)
def test_every_module_that_is_imported_is_locked(folder: str, locks: list[str]) -> None:
    packages, lock = packages_distributions(), locked(*locks)
    missing = {
        f"{path} imports {module}"
        for path, module in imported(folder)
        if not {re.sub(r"[-_.]+", "-", package).lower() for package in packages.get(module, [])} & lock
    }
    assert missing == set()


def test_the_locks_name_hashes_and_no_addresses() -> None:
    for path in sorted(ROOT.glob("requirements*.lock")):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text and "index" not in re.sub(r"^[a-z0-9-]+==", "", text, flags=re.MULTILINE), path.name
        for requirement in re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]:
            assert "--hash=sha256:" in requirement, requirement


@pytest.mark.xdist_group("told")
def test_what_belongs_together_runs_together(request: pytest.FixtureRequest) -> None:
    # pytest-xdist writes the group into the node id; with a pytest that it does not know, it drops it without a word.
    assert request.node.nodeid.endswith("@told") or "PYTEST_XDIST_WORKER" not in os.environ
