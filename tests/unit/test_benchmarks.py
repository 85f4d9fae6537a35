"""The benchmark's own arithmetic: who pays for a stage, what a ratio is, and that the floor reads what the demo writes."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import duckdb
import pytest

from benchmarks import __main__ as program
from benchmarks import files, floor, measure, report
from orchestration.demo import generate

SAYS_STAGES = """
import sys, time
print("first thing", file=sys.stderr, flush=True)
sum(range(20_000_000))
print("second thing", file=sys.stderr, flush=True)
print("done")
"""


def cost(cpu: float, **stages: float) -> dict[str, object]:
    return {"cpu": cpu, "wall": cpu, "memory_mb": 1, "stages": {stage: {"cpu": spent, "wall": spent} for stage, spent in stages.items()}, "rows_loaded": 10}


def measured(run: float, landing: float) -> dict[str, object]:
    def one(run: float, landing: float) -> dict[str, object]:
        whole = cost(run, landing=landing, models=run - landing, publish=0)
        later = {drop: cost(run / 2) for drop in report.DROPS}
        answers = {"as_of": {"aging_as_of": [1.0, 3.0, 2.0]}, "dashboards": {"kpis": [1.0]}}
        floors = {"floor": cost(2), "floor_of_landing": cost(1), "bytes_of_inbox": 1, "bytes": {"lake": 1}}
        return {**floors, "run": whole, "questions": answers, "nothing to do": cost(1), "status": cost(1), "sql": cost(1), **later}

    return {"machine": {"cores": 2}, "fixed": one(10, 1), "sizes": {"1000": one(run, landing)}}


def test_a_stage_is_charged_from_its_line_to_the_next() -> None:
    spent, said = measure.of([sys.executable, "-c", SAYS_STAGES], {"first thing": "busy", "second thing": "idle"})
    assert said == "done\n"
    assert list(spent.stages) == ["start", "busy", "idle"]
    assert spent.stages["busy"].cpu > spent.stages["idle"].cpu
    assert sum(stage.cpu for stage in spent.stages.values()) == pytest.approx(spent.cpu)


def test_a_command_that_fails_ends_the_benchmark() -> None:
    with pytest.raises(SystemExit, match="ended with 3"):
        measure.of([sys.executable, "-c", "raise SystemExit(3)"])


def test_ratios_are_of_what_grows() -> None:
    found = report.ratios(measured(run=20, landing=3))
    assert found["1000: run ÷ floor"] == 5
    assert found["1000: landing ÷ bare landing"] == 2
    assert found["1000: daily 1.0% ÷ run"] == 0.5


def test_a_comparison_says_what_got_worse() -> None:
    lines = report.comparison(measured(run=40, landing=3), measured(run=20, landing=3)).splitlines()
    assert next(line for line in lines if "run ÷ floor" in line).endswith("| 5.00 | 15.00 | 3.00 | worse |")
    assert next(line for line in lines if "bare landing" in line).endswith("| 2.00 | 2.00 | 1.00 |  |")


def test_the_page_says_of_each_size_which_goals_were_reached() -> None:
    found = measured(run=20, landing=3)
    later = {name: cost for name, cost in found["sizes"]["1000"].items() if name not in report.DROPS}
    later["run"] = cost(31, landing=2, models=29, publish=0)
    found["sizes"]["2000"] = later | {"memory_limit": "4GB"}
    lines = report.table(found).splitlines()

    def figures(goal: str) -> list[str]:
        [line] = [line for line in lines if line.startswith(f"| {goal}")]
        return [cell.strip() for cell in line.split("|")[2:-1]]

    # Growing 10 and 21 against a floor of 2; 2 and 1 against a bare read of 1; a drop 5 of 10; twice the size 2.1 times.
    assert figures("growing part of `arw run`") == ["5.0 missed", "10.5 missed"]
    assert figures("landing:") == ["2.0 reached", "1.0 reached"]
    assert figures("daily 1.0% ≤") == ["50% missed", ""]
    assert figures("at most 2.1 times") == ["", "2.10 reached"]
    assert figures("any as-of") == ["0.00 reached", "0.00 reached"]
    assert any("4GB" in line and line.startswith("| 2,000 |") for line in lines)
    assert lines.count("Of this size no later drops are measured.") == 1


def test_files_as_they_come_are_added_to_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.json").write_text(json.dumps(measured(run=20, landing=3)), encoding="utf-8")
    case = files.measured("3 drops", tmp_path, lambda inbox: files.many(inbox, 3))
    assert (case.rows, case.rejected) == (18, 0)
    wrong = files.measured("10 faulty rows", tmp_path, lambda inbox: files.faulty(inbox, 10))
    assert (wrong.rows, wrong.rejected) == (20, 10)
    (tmp_path / "printed.json").write_text(json.dumps([asdict(case), asdict(wrong)]), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["benchmarks", "files", str(tmp_path / "printed.json"), "--out", str(tmp_path / "page")])
    program.main()
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "## 1,000 documents" in page
    assert page.count(f"Measured with processor {program._machine()['processor']}") == 1
    assert "| 10 faulty rows | 0 | 20 | 10 |" in page


def test_the_floor_reads_what_the_demo_writes(tmp_path: Path) -> None:
    written = generate(tmp_path / "inbox", 100)
    assert set(floor.figures(written.out)) == {"read", *floor.STEPS}
    assert floor.landing(written.out)["rows"] == sum(written.row_counts.values())
    with duckdb.connect() as con:
        floor.read_latest(con, written.out, "documents")
        [[rows, keys]] = con.execute("select count(*), count(distinct document_id) from documents").fetchall()
    assert 0 < keys == rows <= written.documents
