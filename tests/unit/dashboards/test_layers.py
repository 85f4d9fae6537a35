"""What the layers of the dashboards may touch."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import dashboards

FOLDER = Path(dashboards.__file__).parent
VIEWS = sorted((FOLDER / "views").glob("*.py"))
MODULES = sorted(FOLDER.rglob("*.py"))


def texts(module: Path) -> list[str]:
    """Return the string constants of a module."""
    nodes = ast.walk(ast.parse(module.read_text(encoding="utf-8")))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_there_is_no_folder_that_streamlit_would_discover_by_itself() -> None:
    assert not (FOLDER / "pages").exists()


@pytest.mark.parametrize("module", [FOLDER / "queries.py", FOLDER / "drilldown.py"], ids=lambda path: path.name)
def test_queries_read_published_schemas_only(module: Path) -> None:
    read = re.findall(r"\b(?:from|join)\s+([a-z_]+)\.[a-z_]+", " ".join(texts(module)))
    assert {"marts"} <= set(read) <= {"marts", "meta"}


@pytest.mark.parametrize("view", VIEWS, ids=lambda path: path.name)
def test_a_view_has_no_sql(view: Path) -> None:
    assert not [text for text in texts(view) if re.search(r"\bselect\b.+\bfrom\b", text, re.IGNORECASE | re.DOTALL)]


def test_amounts_become_floats_in_one_place() -> None:
    found = [path.name for path in MODULES if re.search(r"\bfloat\(", path.read_text(encoding="utf-8"))]
    assert found == ["charts.py"]


def test_one_module_looks_at_a_clock() -> None:
    clock = re.compile(r"\b(?:now|today)\(|current_date|current_timestamp")
    assert [path.name for path in MODULES if clock.search(path.read_text(encoding="utf-8"))] == ["components.py", "freshness.py"]


def test_data_never_goes_through_markdown() -> None:
    markdown = re.compile(r"st\.(?:markdown|write|title|header|subheader|caption|info|warning|error|success)\(|unsafe_allow")
    assert not [path.name for path in MODULES if markdown.search(path.read_text(encoding="utf-8"))]


def test_personal_data_is_never_opened() -> None:
    assert not [path.name for path in MODULES if "contacts_file" in path.read_text(encoding="utf-8")]
