"""The command line: how it is called, what it exits with, and that it starts fast."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from homes import publish_version
from landing import write_drop

from orchestration import cli
from orchestration.errors import BAD_USAGE, DONE, FAILED
from orchestration.settings import Home, home_at, project_dir

HEAVY = ("dbt", "dagster", "streamlit", "pandas", "pyarrow", "plotly")


def test_the_home_is_what_is_said_before_what_is_set_before_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AR_HOME", raising=False)
    assert home_at(None).root == tmp_path / "var"
    monkeypatch.setenv("AR_HOME", "elsewhere")
    assert home_at(None).root == tmp_path / "elsewhere"
    assert home_at("/said").root == Path("/said")


def test_the_project_is_found_from_any_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert (project_dir() / "dbt_project.yml").is_file()


@pytest.mark.parametrize("words", [["--home", "H", "--json", "status"], ["status", "--home", "H", "--json"], ["--home", "H", "status", "--json"]])
def test_options_of_every_command_stand_before_or_after_it(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([str(tmp_path) if word == "H" else word for word in words]) == FAILED
    answer = json.loads(capsys.readouterr().out)
    assert answer["exit_code"] == FAILED
    assert str(tmp_path) in answer["error"]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["load"],
        ["build", "--as-of", "30.06.2026"],
        ["build", "--as-of", "2026-02-30"],
        ["publish", "--override", "x"],
        ["publish", "--override", "x", "--by", "me"],
        ["rejects", "--format", "xml"],
        ["demo"],
    ],
)
def test_a_wrong_call_is_bad_usage(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--home", str(tmp_path)])
    assert ended.value.code == BAD_USAGE
    assert "usage" in capsys.readouterr().err


def test_a_demo_size_that_is_none_is_bad_usage(tmp_path: Path) -> None:
    assert cli.main(["demo", "--size", "huge", "--out", str(tmp_path / "inbox")]) == BAD_USAGE


@pytest.mark.parametrize("words", [["build"], ["publish"], ["status"], ["rejects"], ["sql", "select 1"]])
def test_an_empty_home_fails_with_the_next_step(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*words, "--home", str(tmp_path)]) == FAILED
    said = capsys.readouterr()
    assert "arw " in said.err
    assert said.out == ""


def test_loading_nothing_names_the_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["load", str(tmp_path / "nowhere"), "--home", str(tmp_path)]) == FAILED
    assert "nowhere" in capsys.readouterr().err


def test_a_reader_that_leaves_stops_no_work(tmp_path: Path) -> None:
    write_drop(tmp_path / "inbox" / "1", customers="customer_id,name\nK1,One\n")
    write_drop(tmp_path / "inbox" / "2", customers="customer_id,name\nK2,Two\n")
    call = ["-c", "import sys; from orchestration import cli; sys.exit(cli.main())", "load", str(tmp_path / "inbox"), "--home", str(tmp_path / "home")]
    with subprocess.Popen([sys.executable, *call], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as command:
        assert command.stdout is not None
        command.stdout.close()
    assert command.returncode == DONE
    assert len(list((tmp_path / "home" / "lake" / "ledger" / "customers").glob("*.parquet"))) == 2


def test_reading_commands_import_nothing_heavy(tmp_path: Path) -> None:
    publish_version(Home(tmp_path), "20260701T070000Z_aaaaaaaa")
    script = "\n".join(
        [
            "import sys",
            "from orchestration import cli",
            f"code = cli.main(['sql', 'select sum(n) from fct_numbers', '--home', {str(tmp_path)!r}])",
            "from orchestration import status",
            f"print(sorted(set(sys.modules) & set({HEAVY!r})))",
            "sys.exit(code)",
        ]
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == DONE, ended.stderr
    assert ended.stdout.splitlines()[-1] == "[]"
