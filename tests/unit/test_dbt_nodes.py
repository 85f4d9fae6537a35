"""What is read from dbt's own files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestration import dbt_nodes
from orchestration.dbt_nodes import Node
from orchestration.errors import ArwError


def model(name: str, folder: str) -> dict[str, Any]:
    return {"resource_type": "model", "name": name, "fqn": ["project", folder, name], "depends_on": {"nodes": []}, "config": {}}


def check(*reads: str, attached: str | None = None) -> dict[str, Any]:
    return {"resource_type": "test", "attached_node": attached, "depends_on": {"nodes": list(reads)}, "config": {"meta": {"owner": "us"}}}


def home_of(test: dict[str, Any]) -> Any:
    models = {
        "model.p.int_items": model("int_items", "intermediate"),
        "model.p.stg_z": model("stg_z", "staging"),
        "model.p.dim_customers": model("dim_customers", "marts"),
        "model.p.fct_open_items": model("fct_open_items", "marts"),
    }
    manifest = dbt_nodes.with_homes({"nodes": {**models, "test.p.t": test}})
    meta = manifest["nodes"]["test.p.t"]["config"]["meta"]
    assert meta["owner"] == "us"
    return meta.get("dagster", {}).get("ref", {}).get("name")


def test_a_test_of_several_models_is_shown_at_one_of_them_a_mart_first() -> None:
    assert home_of(check("source.p.landing.drops", "model.p.stg_z", "model.p.fct_open_items", "model.p.dim_customers")) == "fct_open_items"
    assert home_of(check("model.p.int_items", "model.p.stg_z")) == "stg_z"


def test_a_test_that_has_its_place_keeps_it_and_one_of_sources_only_has_none() -> None:
    assert home_of(check("model.p.int_items", "model.p.dim_customers", attached="model.p.int_items")) is None
    assert home_of(check("source.p.landing.drops")) is None


def test_a_build_is_read_from_its_record(tmp_path: Path) -> None:
    file = tmp_path / "run_results.json"
    assert dbt_nodes.read_results(file) == []
    result = {"unique_id": "model.p.a", "status": "success", "execution_time": 1.5, "failures": None, "message": "OK", "relation_name": '"w"."s"."a"'}
    failed = {"unique_id": "test.p.t", "status": "fail", "execution_time": 0.1, "failures": 3, "message": None, "relation_name": None}
    file.write_text(json.dumps({"results": [result, failed]}), encoding="utf-8")
    built, told = dbt_nodes.read_results(file)
    assert built == Node("model.p.a", "success", 1.5, 0, "OK", '"w"."s"."a"') and built.was_built
    assert told == Node("test.p.t", "fail", 0.1, 3, "", "") and not told.passed and not told.was_built


def test_models_that_are_gone_since_the_start_stop_the_run(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps({"nodes": {"model.p.a": {}, "model.p.new": {}}}), encoding="utf-8")
    dbt_nodes.refuse_other_models(["model.p.a"], file)
    with pytest.raises(ArwError, match=r"no model\.p\.b any more.*arw orchestrate. again"):
        dbt_nodes.refuse_other_models(["model.p.a", "model.p.b"], file)


def test_a_project_that_was_not_parsed_yet_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ArwError, match="arw orchestrate"):
        dbt_nodes.read_manifest(tmp_path / "manifest.json")
