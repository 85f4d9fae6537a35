"""Where things are: the home of one warehouse, and the project that builds it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import ArwError

KEPT_VERSIONS = 5


@dataclass(frozen=True)
class Home:
    """The folder of one warehouse; every path in it has its name here."""

    root: Path

    @property
    def warehouse(self) -> Path:
        """The pipeline's own database; disposable, rebuilt from the lake."""
        return self.root / "warehouse.duckdb"

    @property
    def policy_file(self) -> Path:
        """The settings that differ from the project's defaults; written by people only."""
        return self.root / "policy.yaml"

    @property
    def policy_tables(self) -> Path:
        """Tables that replace the project's, a CSV each; written by people only."""
        return self.root / "policy"

    @property
    def policies(self) -> Path:
        """Every policy that was built with, named by its hash; append-only."""
        return self.root / "policies"

    @property
    def staged_policy(self) -> Path:
        """The home's tables of policy, as they were checked, for dbt to take."""
        return self.root / "build" / "policy"

    @property
    def lake(self) -> Path:
        """What was loaded, immutable."""
        return self.root / "lake"

    @property
    def build_file(self) -> Path:
        """The database that dbt builds the marts in; a copy of it is published."""
        return self.root / "build" / "ar_build.duckdb"

    @property
    def aside(self) -> Home:
        """A home for what is built beside the current build, from some of the drops; disposable, and gone when it has served."""
        return Home(self.root / "build" / "aside")

    @property
    def published(self) -> Path:
        """What readers see."""
        return self.root / "published"

    @property
    def preparation(self) -> Path:
        """Where a version is prepared before it is moved to its place; no reader looks there."""
        return self.published / ".tmp"

    @property
    def pointer(self) -> Path:
        """The file that names the version in force."""
        return self.published / "current.json"

    @property
    def last_refusal(self) -> Path:
        """Why the newest audit refused to publish; gone once one has published."""
        return self.root / "build" / "last_refusal.json"

    @property
    def overrides(self) -> Path:
        """Who let which check pass, and why; one JSON document per line, append-only."""
        return self.root / "overrides.jsonl"

    @property
    def snapshots(self) -> Path:
        """The frozen weekly agings with their chain of records; append-only."""
        return self.root / "snapshots"

    @property
    def reports(self) -> Path:
        """The weekly report's files, a folder per week end; rewritten from the snapshots when lost."""
        return self.root / "reports"

    @property
    def docs(self) -> Path:
        """The documentation of all models, one page."""
        return self.root / "docs.html"

    @property
    def dbt_target(self) -> Path:
        """dbt's compiled project and run results."""
        return self.root / "dbt_target"

    @property
    def logs(self) -> Path:
        """dbt's log."""
        return self.root / "logs"

    @property
    def lock(self) -> Path:
        """Held by the one pipeline that may work in this home."""
        return self.root / "pipeline.lock"


def home_at(path: str | os.PathLike[str] | None) -> Home:
    """Return the home at ``path``, else at ``$AR_HOME``, else at ./var; always absolute."""
    return Home(Path(path or os.environ.get("AR_HOME") or "var").expanduser().absolute())


def project_dir() -> Path:
    """Return the checkout that holds the dbt project (``arw`` is installed in place from it)."""
    root = Path(__file__).resolve().parent.parent
    if not (root / "dbt_project.yml").is_file():
        raise ArwError(
            f"No dbt_project.yml in {root}: arw works from a checkout of the project. Nothing was changed. Install it in place there, with `make setup`."
        )
    return root
