"""The unit tests of the models (the boundaries, each a sentence in the `_unit_tests.yml` beside its model), run by dbt in a home that has the tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from running import ROOT

from orchestration.settings import Home

pytestmark = pytest.mark.xdist_group("shell")


def declared() -> set[str]:
    """Return the names of all unit tests in the models' files."""
    return {test["name"] for path in (ROOT / "models").rglob("*.yml") for test in yaml.safe_load(path.read_text(encoding="utf-8")).get("unit_tests", [])}


def test_every_unit_test_of_the_models_passes(demo_home: Home, tmp_path: Path) -> None:
    command = [Path(sys.executable).with_name("dbt"), "test", "--select", "test_type:unit", "--project-dir", ROOT, "--profiles-dir", ROOT]
    places = ["--target-path", tmp_path / "target", "--log-path", tmp_path / "logs"]
    done = subprocess.run(
        [*command, *places, "--no-use-colors"], env=os.environ | {"AR_HOME": str(demo_home.root)}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    results = json.loads((tmp_path / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    passed = {result["unique_id"].rsplit(".", 1)[-1] for result in results if result["status"] == "pass"}
    assert passed == declared() and len(passed) > 40
