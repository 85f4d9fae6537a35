"""dbt's output, read: progress in a few lines, failures with name, meaning and rows."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path

from orchestration import dbt


def event(index: int, total: int, status: str = "success", name: str = "m", level: str = "info", msg: str = "") -> str:
    return json.dumps({"info": {"level": level, "msg": msg}, "data": {"index": index, "total": total, "status": status, "node_info": {"node_name": name}}})


def test_progress_is_ten_lines_however_many_nodes_there_are() -> None:
    last_words: deque[str] = deque()
    lines = list(dbt._progress_lines(iter([event(i, 200) for i in range(1, 201)]), last_words))
    assert len(lines) == 10
    assert lines[-1] == "dbt 200/200"
    assert not last_words


def test_every_failure_is_told_and_what_dbt_says_is_kept() -> None:
    last_words: deque[str] = deque()
    output = ["Traceback\n", event(3, 100, "error", "int_items"), event(4, 100, "fail", "unique_x"), event(0, 0, level="error", msg=" Compilation Error \n")]
    assert list(dbt._progress_lines(iter(output), last_words)) == ["dbt 3/100 error: int_items", "dbt 4/100 fail: unique_x"]
    assert list(last_words) == ["Traceback", "Compilation Error"]


def test_results_name_the_failures_with_their_meaning(tmp_path: Path) -> None:
    results = [
        {"unique_id": "model.p.a", "status": "success"},
        {"unique_id": "model.p.b", "status": "error", "message": "Binder Error: no column x\n\n  > called by macro y"},
        {"unique_id": "test.p.c", "status": "pass"},
        {"unique_id": "test.p.d", "status": "fail", "failures": 3, "message": "Got 3 results", "compiled_code": "select 1"},
        {"unique_id": "model.p.e", "status": "skipped"},
    ]
    nodes = {
        "model.p.b": {"name": "b", "original_file_path": "models/b.sql", "description": ""},
        "test.p.d": {"name": "d", "original_file_path": "models/d.yml", "description": " Detects a double. "},
    }
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results}), encoding="utf-8")
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    found = dbt._results(tmp_path / "run_results.json", tmp_path / "manifest.json")
    assert (found.models, found.tests) == (1, 1)
    assert found.errors == (dbt.Failure("b", "Binder Error: no column x", "", 0, "models/b.sql", ""),)
    assert found.failed_tests == (dbt.Failure("d", "Got 3 results", "Detects a double.", 3, "models/d.yml", "select 1"),)
