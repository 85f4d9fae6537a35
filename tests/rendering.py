"""The SQL of a model as DuckDB runs it, rendered without dbt: a property over thousands of small ledgers needs the statement, not a build."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import jinja2
import yaml

from orchestration.settings import project_dir

PROJECT = project_dir()
# How a build follows the last one, which nothing does here (the models look at every row), and how dbt makes a table of a statement.
LEFT_OUT = ("families", "family", "in_place", "sums")
CONFIG = re.compile(r"\{\{\s*config\(.*?\)\s*\}\}", re.DOTALL)


def rendered(model: str, **variables: Any) -> str:
    """Return the SQL of a model, its references as bare table names, with the project's own macros and vars (``variables`` win)."""
    (path,) = (PROJECT / "models").rglob(f"{model}.sql")
    return rendered_text(CONFIG.sub("", path.read_text(encoding="utf-8")), **variables)


def rendered_text(text: str, **variables: Any) -> str:
    """Return what a template of the project's macros says."""
    files = sorted(file for file in (PROJECT / "dbt_project" / "macros").glob("*.sql") if file.stem not in LEFT_OUT)
    macros = "".join(file.read_text(encoding="utf-8") for file in files)
    defaults = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, extensions=["jinja2.ext.do"])
    library = environment.from_string(macros)

    context: dict[str, Any] = {
        "ref": lambda name: name,
        "source": lambda schema, name: f"{schema}__{name}",
        "var": lambda name, default=None: variables.get(name, defaults.get(name, default)),
        "return": lambda value: value,
        "adapter": SimpleNamespace(dispatch=lambda name: getattr(known, f"default__{name}")),
        "dbt": SimpleNamespace(type_string=lambda: "varchar"),
        "target": SimpleNamespace(type="duckdb"),
        "execute": False,
        "follows": lambda: False,
        "touched": lambda relation, level: relation,
    }
    known = library.make_module(context)
    context |= {name: value for name, value in vars(known).items() if not name.startswith("_")}
    return environment.from_string(text).render(context)
