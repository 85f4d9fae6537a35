"""What dbt's own files say: the parsed project (manifest.json), and what a build did with each node of it (run_results.json)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import ArwError

BUILT, PASSED = "success", "pass"


@dataclass(frozen=True)
class Node:
    """What a build did with one node of the project."""

    unique_id: str
    status: str
    seconds: float
    failures: int
    message: str
    relation: str

    @property
    def was_built(self) -> bool:
        """Tell whether a seed or a model stands there, made by this build."""
        return self.status == BUILT

    @property
    def passed(self) -> bool:
        """Tell whether a test found nothing."""
        return self.status == PASSED


def read_manifest(file: Path) -> dict[str, Any]:
    """Return the parsed project, with a model to show each test at."""
    try:
        manifest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArwError(f"{file} is missing: the definitions are read from it. `arw orchestrate` parses the project before it starts Dagster.") from None
    return with_homes(manifest)


def with_homes(manifest: dict[str, Any]) -> dict[str, Any]:
    """Give each test that reads several models one of them to be shown at: a mart before anything else, else the last by name."""
    nodes = manifest["nodes"]
    for node in nodes.values():
        models = [name for name in node["depends_on"]["nodes"] if name.startswith("model.")] if node["resource_type"] == "test" else []
        if models and not node.get("attached_node"):
            home = max(models, key=lambda name: (nodes[name]["fqn"][1] == "marts", name))
            node["config"]["meta"] = {**(node["config"].get("meta") or {}), "dagster": {"ref": {"name": nodes[home]["name"]}}}
    return manifest


def read_results(file: Path) -> list[Node]:
    """Return what the build that just ended did; nothing, where dbt did not get as far as recording it."""
    try:
        return nodes_of(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []


def nodes_of(run_results: Mapping[str, Any]) -> list[Node]:
    """Return what a build did, from dbt's record of it."""
    return [
        Node(
            unique_id=result["unique_id"],
            status=result["status"],
            seconds=result["execution_time"],
            failures=result["failures"] or 0,
            message=result["message"] or "",
            relation=result["relation_name"] or "",
        )
        for result in run_results["results"]
    ]


def refuse_other_models(known: Iterable[str], file: Path) -> None:
    """Stop where the project that was built (its manifest.json is ``file``) has no more the models that are ``known`` by their ids.

    Dagster would take those that are gone for skipped.
    """
    gone = sorted(set(known) - json.loads(file.read_text(encoding="utf-8"))["nodes"].keys())
    if gone:
        raise ArwError(
            f"The project has no {', '.join(gone)} any more: it was changed after `arw orchestrate` started. "
            "Nothing was published; the version in force is unchanged. Start `arw orchestrate` again."
        )
