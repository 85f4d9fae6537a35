"""The SQL console reads the published file, and nothing else on the machine."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from homes import publish_version

from orchestration import console
from orchestration.errors import BAD_USAGE, DONE, FAILED
from orchestration.settings import Home

LIMITS = console.Limits(rows=10, seconds=30, memory_mb=256)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a home with one small version."""
    home = Home(tmp_path_factory.mktemp("console"))
    publish_version(home, "20260701T070000Z_aaaaaaaa")
    return home


def ask(home: Home, query: str, capfd: pytest.CaptureFixture[str], how: str = "csv", limits: console.Limits = LIMITS) -> tuple[int, str, str]:
    code = console.execute(home, query, how, limits)
    said = capfd.readouterr()
    return code, said.out, said.err


def test_decimals_are_printed_exactly(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    query = "select sum(open_amount) as total, 0::decimal(18, 9) as zero, -1.10::decimal(9, 2) as less from fct_numbers"
    _, out, _ = ask(home, query, capfd)
    assert list(csv.reader(io.StringIO(out))) == [["total", "zero", "less"], ["2201100.000", "0.000000000", "-1.10"]]
    _, out, _ = ask(home, query, capfd, "json")
    assert json.loads(out, parse_float=Decimal) == [{"total": Decimal("2201100.000"), "zero": Decimal("0.000000000"), "less": Decimal("-1.10")}]


@pytest.mark.parametrize("how", ["table", "csv", "json"])
def test_a_reader_that_has_seen_enough_ends_it_without_a_word(home: Home, how: str) -> None:
    command = [Path(sys.executable).with_name("arw"), "--home", home.root, "sql", "--format", how, "select n, repeat('x', 1000) as text from fct_numbers"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read().replace("only the first 1000 rows are shown; --rows N shows more\n", "") == ""
        assert process.wait() == DONE


def test_results_are_capped_and_say_so(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(home, "select n from fct_numbers order by n", capfd)
    assert (code, len(out.splitlines())) == (DONE, 11)
    assert "only the first 10 rows" in err


def test_a_result_of_exactly_the_cap_is_whole(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    _, out, err = ask(home, "select n from fct_numbers where n <= 10", capfd)
    assert (len(out.splitlines()), err) == (11, "")


@pytest.mark.parametrize("query", ["describe fct_numbers", "show tables", "summarize marts.fct_numbers", "from marts.fct_numbers", "explain select 1"])
def test_ways_to_look_around_are_open(home: Home, query: str, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ask(home, query, capfd)
    assert code == DONE and out


@pytest.mark.parametrize(
    "query",
    [
        "attach '/tmp/other.duckdb'",
        "copy (select 1) to '/tmp/out.csv'",
        "copy marts.fct_numbers from '/etc/passwd'",
        "export database '/tmp/out'",
        "install httpfs",
        "load httpfs",
        "set memory_limit = '10GB'",
        "set variable x = 1",
        "reset memory_limit",
        "pragma memory_limit = '10GB'",
        "pragma database_list",
        "call enable_logging()",
        "create table x as select 1",
        "create temp table x as select 1",
        "create macro f() as 1",
        "delete from marts.fct_numbers",
        "insert into marts.fct_numbers values (1, 1)",
        "use memory",
        "prepare p as select 1",
        "begin",
        "checkpoint",
        "vacuum",
        "select 1; select 2",
        "",
        "-- only a comment",
    ],
)
def test_what_is_no_single_query_is_refused(home: Home, query: str, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(home, query, capfd)
    assert (code, out) == (BAD_USAGE, "")
    assert "only SELECT" in err


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/hostname')",
        "select * from read_blob('/etc/hostname')",
        "select * from '/etc/passwd'",
        "select * from glob('/*')",
        "select * from read_parquet('https://example.com/x.parquet')",
        "select * from read_duckdb('/tmp/other.duckdb')",
        "select * from duckdb_secrets()",
        "select getenv('HOME')",
        "select * from limits",
        "select * from asked",
        "from query('attach ''/tmp/other.duckdb''')",
        "select * from nowhere",
    ],
)
def test_files_network_and_the_programs_own_variables_are_out_of_reach(home: Home, query: str, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(home, query, capfd)
    assert (code, out) == (FAILED, "")
    assert err.startswith("error: ")


def test_a_query_that_never_ends_is_ended(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    limits = console.Limits(rows=10, seconds=3, memory_mb=256)
    code, out, err = ask(home, "select count(*) from range(10000000000) a, range(100000) b", capfd, limits=limits)
    assert (code, out) == (FAILED, "")
    assert "ended after 3 seconds" in err


@pytest.mark.parametrize(
    "query",
    [
        "select repeat('x', 2000000000)",
        "select list(i) from range(2000000000) as t(i)",
        "select length(string_agg(repeat('x', 1000), '')) from range(90000000)",
    ],
)
def test_a_query_that_wants_all_memory_gets_none_of_ours(home: Home, query: str, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = ask(home, query, capfd)
    assert (code, out) == (FAILED, "")
    assert "emory" in err or "killed" in err


def test_what_a_spreadsheet_would_run_is_text_in_csv(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ask(home, "select '=1+1' as name", capfd)
    assert out.splitlines()[1] == "'=1+1"


def test_a_damaged_version_is_served_from_the_last_good_one_with_a_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path)
    publish_version(home, "20260701T070000Z_aaaaaaaa")
    publish_version(home, "20260708T070000Z_bbbbbbbb").write_bytes(b"garbage")
    code, out, err = ask(home, "select fingerprint from build_info", capfd)
    assert (code, out.splitlines()[1]) == (DONE, "20260701T070000Z_aaaaaaaa")
    assert err.startswith("warning: ")
