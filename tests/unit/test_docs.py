"""What is documented exists, and what exists is documented."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from orchestration import cli, docs, policy, reference
from orchestration.errors import ArwError
from orchestration.settings import project_dir

ROOT = project_dir()
README = (ROOT / "README.md").read_text(encoding="utf-8")
FOLDERS = {"staging": ("stg_",), "intermediate": ("int_",), "marts": ("dim_", "fct_", "rpt_")}


@cache
def commands() -> dict[str, str]:
    """Return every command of `arw` with its help."""
    (subparsers,) = (action for action in cli.parser()._actions if action.choices)
    return {name: parser.format_help() for name, parser in subparsers.choices.items()}


def models() -> list[Path]:
    """Return the file of every model."""
    return sorted(path for path in (ROOT / "models").rglob("*") if path.suffix in (".sql", ".py"))


@cache
def described() -> dict[str, dict[str, str]]:
    """Return each model's description ('') and those of its columns, as the YAML files beside them say."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((ROOT / "models").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            columns = {column["name"]: column.get("description", "") for column in model.get("columns", [])}
            found.setdefault(model["name"], {}).update({"": model.get("description", "")} | columns)
    return found


def test_the_readme_lists_every_command_and_no_other() -> None:
    listed = set(re.findall(r"^\| `arw (\w+)", README, re.MULTILINE))
    assert listed == set(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_says_what_it_does(name: str) -> None:
    help_text = commands()[name]
    assert "--home" in help_text and "--json" in help_text
    assert len(help_text.split("\n\n")[1]) > 20


def test_every_make_task_of_the_readme_exists_and_every_task_is_described() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = set(re.findall(r"^([a-z-]+):.*## .+", makefile, re.MULTILINE))
    phony = set(re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE))
    assert phony == listed
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE)) <= listed


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_in_the_docs_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_decisions_are_numbered_and_say_what_was_rejected() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.name[:4]} "), path.name
        assert "**Decision.**" in text and "**Rejected.**" in text, path.name


def test_models_stand_in_the_folder_that_their_name_says() -> None:
    misplaced = [path.relative_to(ROOT) for path in models() if not path.stem.startswith(FOLDERS[path.relative_to(ROOT / "models").parts[0]])]
    assert misplaced == []


REFERENCE = re.compile(r"ref\(\s*'(\w+)'\s*\)|source\(\s*'(\w+)'")


@pytest.mark.parametrize("path", models(), ids=lambda path: path.stem)
def test_models_take_only_from_the_layers_before_theirs(path: Path) -> None:
    layer = path.relative_to(ROOT / "models").parts[0]
    text = path.read_text(encoding="utf-8")
    refs = {ref for ref, _ in REFERENCE.findall(text) if ref}
    sources = {source for _, source in REFERENCE.findall(text) if source}
    if layer == "staging":
        assert not {ref for ref in refs if ref.startswith(("int_", "dim_", "fct_", "rpt_"))}
    else:
        assert not sources, f"{path.stem} reads a raw table; staging does that"
    if layer == "intermediate":
        # The ledger and its items are written down once, where readers find them (decision 0016).
        assert not {ref for ref in refs if ref.startswith(("dim_", "fct_", "rpt_"))} - {"fct_ar_events", "dim_item_versions"}


@pytest.mark.parametrize("path", models(), ids=lambda path: path.stem)
def test_every_model_and_every_column_said_of_it_is_described(path: Path) -> None:
    said = described().get(path.stem, {})
    assert said.get(""), f"{path.stem} is not described"
    assert [name for name, text in said.items() if not text] == []
    if path.relative_to(ROOT / "models").parts[0] == "marts":
        assert len(said) > 1, f"{path.stem} has no columns described"


def test_nothing_in_the_project_speaks_of_the_machine_it_was_written_on() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    words = re.compile("|".join((re.escape("/work") + "/", re.escape("." + "library"), "py" + r"pi\.org", "python" + r"hosted")))
    found = [name for name in listed if words.search((ROOT / name).read_bytes().decode("utf-8", errors="replace"))]
    assert found == []


RATIO_OR_DAYS = ("decimal(18,6)", "decimal(12,2)")
# Columns of these types that are no metric: a value of some metric beside another row's, and points of a score, which add up to it.
NO_METRIC = re.compile(r"prior_\w+|target_value|\w+_score|score")


def mart_columns() -> list[tuple[str, str, str]]:
    """Return model, column and type of every column of the marts."""
    return [
        (model["name"], column["name"], str(column.get("data_type", "")).replace(" ", "").lower())
        for path in sorted((ROOT / "models" / "marts").rglob("*.yml"))
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
        for column in model.get("columns", [])
    ]


def test_every_metric_that_the_marts_publish_is_defined() -> None:
    published = {column for _, column, kind in mart_columns() if kind in RATIO_OR_DAYS and not NO_METRIC.fullmatch(column)}
    kpis = set(re.findall(r"^    \('(\w+)',", (ROOT / "models/marts/reporting/rpt_executive_kpis.sql").read_text(encoding="utf-8"), re.MULTILINE))
    assert len(kpis) > 20 and len(published) > 20
    defined = {str(row["metric_id"]) for row in policy.read(None).tables["metric_definitions"]}
    assert (published | kpis) - defined == set()
    assert defined - published - kpis - {column for _, column, _ in mart_columns()} == set()


def test_the_page_of_metrics_says_what_the_seed_says() -> None:
    decided = policy.read(None)
    page = reference.metrics_page(decided.tables["metric_definitions"], decided.settings)
    assert (ROOT / reference.METRICS).read_text(encoding="utf-8") == page, "run `make reference`"
    assert not re.search(r"\{\w+\}", page)
    for row in decided.tables["metric_definitions"]:
        assert f"\n## {row['label']}\n\n`{row['metric_id']}`" in page


def test_the_page_of_models_loads_nothing_and_names_no_folder() -> None:
    page = docs.closed('<html><head lang="en"><script src="//t.example/sp.js"></script></head>{"root_path": "/srv/me", "path": "a"}</html>')
    assert page.startswith('<html><head lang="en"><meta http-equiv="Content-Security-Policy" content="default-src \'unsafe-inline\'')
    assert '"root_path": null, "path": "a"' in page and "/srv/me" not in page
    with pytest.raises(ArwError, match="nothing was written"):
        docs.closed("<html></html>")
