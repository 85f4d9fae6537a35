"""The main job from a shell: what it prints and leaves, and what it does when it is disturbed or handed something bad."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from running import ROOT, arw

from orchestration import meta
from orchestration import publish as publisher
from orchestration.demo import balances
from orchestration.files import sha256_of
from orchestration.published import POINTER_KEYS
from orchestration.settings import Home

pytestmark = pytest.mark.xdist_group("shell")


def pointer_of(home: Home) -> dict[str, object]:
    content: dict[str, object] = json.loads(home.pointer.read_text(encoding="utf-8"))
    return content


def start(home: Home, inbox: Path) -> subprocess.Popen[str]:
    """Start `arw run` where a build is due, and return it once dbt is at work."""
    home.build_file.unlink(missing_ok=True)
    command = [str(Path(sys.executable).parent / "arw"), "run", str(inbox), "--home", str(home.root)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("dbt "):
            return process
    raise AssertionError("arw ended before dbt was at work")


def dbt_processes(home: Home) -> list[int]:
    """Return the dbt processes at work in a home."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if str(home.dbt_target) in command:
            found.append(int(folder.name))
    return found


def test_the_run_ends_with_the_figures_the_file_and_what_to_type_next(first_run: tuple[Home, str]) -> None:
    home, printed = first_run
    assert "Net receivable" in printed and "DSO" in printed and "ALL EUR" in printed
    assert str(home.published / str(pointer_of(home)["file"])) in printed
    assert "status" in printed.split("next", 1)[1]


def test_the_pointer_says_what_is_in_the_file(first_run: tuple[Home, str]) -> None:
    home, _ = first_run
    pointer = pointer_of(home)
    file = home.published / str(pointer["file"])
    assert tuple(pointer) == POINTER_KEYS
    assert sha256_of(file) == pointer["sha256"]
    assert file.stat().st_mode & 0o222 == 0
    with duckdb.connect(str(file), read_only=True) as con:
        tables = con.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        counted = {table: con.execute(f"select count(*) from marts.{table}").fetchone()[0] for (table,) in tables}
        assert counted == pointer["row_counts"]
        assert {schema for (schema,) in con.execute("select distinct schema_name from duckdb_tables()").fetchall()} == {"marts", "meta"}
        assert con.execute("select bool_and(passed) from meta.check_results").fetchone() == (True,)


def test_nothing_is_left_of_the_work_but_what_is_published(first_run: tuple[Home, str]) -> None:
    home, _ = first_run
    names = {path.name.split("_", 1)[0] if path.name.startswith("ar_") else path.name for path in home.published.iterdir()}
    assert names == {"ar", "current.json"}
    assert not list(home.published.rglob("*.wal")) and not list(home.published.rglob("*.tmp"))


def test_no_contact_is_in_the_file_that_everyone_reads(first_run: tuple[Home, str]) -> None:
    home, _ = first_run
    version = pointer_of(home)["version"]
    with duckdb.connect(str(home.published / f"ar_{version}_contacts.duckdb"), read_only=True) as con:
        contacts = con.execute("select name, email, phone from personal.contacts where email is not null").fetchall()
        notes = con.execute("select note from personal.activities where length(note) > 10").fetchall()
    assert contacts and notes
    personal = {value for row in contacts for value in row if value} | {note for (note,) in notes}
    with duckdb.connect(str(home.published / f"ar_{version}.duckdb"), read_only=True) as con:
        columns = con.execute("select schema_name, table_name, column_name from duckdb_columns() where data_type = 'VARCHAR' and not internal").fetchall()
        for schema, table, column in columns:
            found = {value for (value,) in con.execute(f'select distinct "{column}" from {schema}.{table}').fetchall()}
            assert not personal & found, f"{schema}.{table}.{column} holds personal data"


def test_status_tells_a_person_and_a_machine_the_same(first_run: tuple[Home, str]) -> None:
    home, _ = first_run
    told = json.loads(arw(home.root, "status", "--json").stdout)
    assert (told["as_of"], told["version"]) == (pointer_of(home)["as_of"], pointer_of(home)["version"])
    assert told["warning"] is None and told["last_refusal"] is None
    printed = arw(home.root, "status").stdout
    assert f"books as of {told['as_of']}" in printed
    assert f"{len(told['checks'])} of {len(told['checks'])} passed" in printed
    assert all((entry["company_id"] or entry["currency"]) in printed for entry in told["receivable"])


def test_the_demos_one_difference_from_the_general_ledger_is_explained(first_run: tuple[Home, str]) -> None:
    pointer = json.loads(first_run[0].pointer.read_text(encoding="utf-8"))
    with duckdb.connect(str(first_run[0].published / pointer["file"]), read_only=True) as con:
        found = con.execute(
            """
            select company_id, cast(period_end as varchar), balance_kind, currency, difference_amount, manual_journal_amount, unexplained_amount
            from marts.rpt_gl_reconciliation where not is_reconciled order by all
            """
        ).fetchall()
    journal = Decimal(balances.JOURNAL_MINOR_UNITS) / 100
    expected = (balances.JOURNAL_COMPANY, str(balances.JOURNAL_MONTH))
    assert found == [(*expected, kind, "USD", journal, journal, 0) for kind in ("base_total", "document_currency")]


def test_the_console_reads_any_past_date(first_run: tuple[Home, str]) -> None:
    home, _ = first_run
    query = "select (select sum(open_amount) from marts.open_items_as_of((select max(as_of_date) from fct_open_items))) - sum(open_amount) from fct_open_items"
    assert arw(home.root, "sql", query, "--format", "csv").stdout.splitlines()[1] == "0.000"


def test_where_nothing_changed_nothing_is_built(first_run: tuple[Home, str], inbox: Path, tmp_path: Path) -> None:
    home = Home(Path(shutil.copytree(first_run[0].root, tmp_path / "home")))
    before = pointer_of(home)
    done = arw(home.root, "run", inbox, "--json")
    assert "holds everything that was loaded; nothing was built" in done.stderr
    assert json.loads(done.stdout)["published"]["is_new"] is False
    assert json.loads(done.stdout)["built"]["build"] == meta.read_build_info(home).fingerprint
    assert pointer_of(home) == before
    # What was offered again is on record all the same.
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        assert con.execute("select count(distinct drop_id) from meta.load_audit where status = 'duplicate'").fetchone() == (len(list(inbox.iterdir())),)


def test_a_build_is_due_unless_it_is_certain_that_it_would_publish_the_same(first_run: tuple[Home, str], tmp_path: Path) -> None:
    home = Home(Path(shutil.copytree(first_run[0].root, tmp_path / "home")))
    in_force = publisher.up_to_date(home, None)
    assert in_force is not None and in_force.pointer == pointer_of(home)
    assert publisher.up_to_date(home, date(2026, 6, 30)) is None
    pointer, build = home.pointer.read_bytes(), home.build_file.read_bytes()
    home.build_file.write_bytes(build[: len(build) // 2])
    assert publisher.up_to_date(home, None) is None
    home.build_file.write_bytes(build)
    said = pointer_of(home)
    home.pointer.write_text(json.dumps({**said, "checks": {"passed": 22, "overridden": ["volumes_are_as_before"]}}), encoding="utf-8")
    assert publisher.up_to_date(home, None) is None
    home.pointer.write_bytes(pointer)
    newest = sorted((home.lake / "drops").glob("*.json"))[-1]
    newest.rename(tmp_path / newest.name)
    assert publisher.up_to_date(home, None) is None


def test_a_bad_drop_stops_the_run_and_the_old_version_stays(first_run: tuple[Home, str], tmp_path: Path) -> None:
    demo_home = Home(Path(shutil.copytree(first_run[0].root, tmp_path / "home")))
    good, bad = tmp_path / "inbox" / "1_good", tmp_path / "inbox" / "2_bad"
    for drop, header in ((good, "payment_terms_id,net_days"), (bad, "payment_terms_id")):
        (drop / "ledger").mkdir(parents=True)
        (drop / "manifest.yaml").write_text("extracted_at: 2026-10-31T06:00:00Z\nmode: incremental\n", encoding="utf-8")
        (drop / "ledger" / "payment_terms.csv").write_text(f"{header}\nN99{',99' if ',' in header else ''}\n", encoding="utf-8")
    before = pointer_of(demo_home)
    done = arw(demo_home.root, "run", tmp_path / "inbox", expect=(1,))
    assert "2_bad" in done.stderr and "payment_terms.csv" in done.stderr and "net_days" in done.stderr
    assert "the version in force is unchanged" in done.stderr
    assert pointer_of(demo_home) == before
    # What was good is in the lake all the same; a build that does not hold it is not published.
    assert "`arw build` first" in arw(demo_home.root, "publish", expect=(1,)).stderr
    assert pointer_of(demo_home) == before


def test_sigterm_ends_the_run_and_lets_go_of_the_warehouse(demo_home: Home, inbox: Path) -> None:
    before = pointer_of(demo_home)
    process = start(demo_home, inbox)
    assert dbt_processes(demo_home)
    busy = arw(demo_home.root, "build", expect=(1,))
    assert "held by `arw run`" in busy.stderr and str(process.pid) in busy.stderr
    asked_at = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, time.monotonic() - asked_at < 30) == (1, True)
    assert "stopped" in said
    assert dbt_processes(demo_home) == []
    assert "no complete build" in arw(demo_home.root, "publish", expect=(1,)).stderr
    assert pointer_of(demo_home) == before


def test_after_a_kill_and_with_a_ruined_warehouse_a_rerun_gives_the_same_content_and_nothing_new(demo_home: Home, inbox: Path) -> None:
    before = pointer_of(demo_home)
    process = start(demo_home, inbox)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    for _ in range(100):
        if not dbt_processes(demo_home):
            break
        os.sched_yield()
    demo_home.warehouse.write_bytes(b"garbage" * 4096)
    done = arw(demo_home.root, "run", inbox, "--json")
    told = json.loads(done.stdout)
    assert told["loaded"]["landed"] == 0 and told["loaded"]["rows_loaded"] == 0
    assert told["published"]["is_new"] is False
    assert pointer_of(demo_home) == before
    assert "rebuilding it from the lake" in done.stderr


def test_a_company_that_vanished_from_a_full_drop_stops_the_publish_until_somebody_answers_for_it(demo_home: Home, inbox: Path, tmp_path: Path) -> None:
    drop = tmp_path / "full"
    history = next(path for path in sorted(inbox.iterdir()) if "history" in path.name)
    shutil.copytree(history, drop)
    for path in (drop / "ledger").iterdir():
        if not path.name.startswith("documents"):
            path.unlink()
    shutil.rmtree(drop / "crm", ignore_errors=True)
    (drop / "manifest.yaml").write_text("extracted_at: 2026-11-01T06:00:00Z\nbooks_through: 2026-10-31\n", encoding="utf-8")
    for file in (drop / "ledger").iterdir():
        with duckdb.connect() as con:
            con.execute("create table rows as select * from read_csv(?, all_varchar = true)", [str(file)])
            con.execute("delete from rows where company_id = 'C300'")
            con.execute(f"copy rows to '{drop}/ledger/documents.csv' (header)")
        if file.name != "documents.csv":
            file.unlink()
    before = pointer_of(demo_home)
    refused = arw(demo_home.root, "run", drop, "--json", expect=(3,))
    reasons = {reason["check"]: reason for reason in json.loads(refused.stdout)["reasons"]}
    assert "C300" in str(reasons["no_company_vanished"]["examples"])
    assert pointer_of(demo_home) == before
    words = ["--by", "J. Doe", "--because", "C300 was sold"]
    overrides = [word for check in reasons for word in ("--override", check)]
    arw(demo_home.root, "publish", *overrides, *words)
    assert pointer_of(demo_home)["version"] != before["version"]
    told = json.loads(arw(demo_home.root, "status", "--json").stdout)
    assert {"no_company_vanished"} <= {entry["check_id"] for entry in told["overrides"] if entry["because"] == "C300 was sold"}
    assert "no_company_vanished" in str(pointer_of(demo_home)["checks"])
    # The drop tells of nobody in person: the version has the contacts of the one before.
    assert contacts_of(demo_home, pointer_of(demo_home)).samefile(contacts_of(demo_home, before))


def contacts_of(home: Home, pointer: dict[str, Any]) -> Path:
    return home.published / f"ar_{pointer['version']}_contacts.duckdb"


def test_what_a_drop_tells_of_people_is_in_the_contacts_of_the_next_version(first_run: tuple[Home, str], tmp_path: Path) -> None:
    home = Home(Path(shutil.copytree(first_run[0].root, tmp_path / "home")))
    before = pointer_of(home)
    drop = tmp_path / "crm"
    (drop / "crm").mkdir(parents=True)
    (drop / "manifest.yaml").write_text("extracted_at: 2026-11-01T06:00:00Z\nbooks_through: 2026-10-24\nmode: incremental\n", encoding="utf-8")
    (drop / "crm" / "users.csv").write_text("user_id,name,email\nU-NEW,Ada New,ada@new.example\n", encoding="utf-8")
    arw(home.root, "run", drop)
    query = "select count(*) from personal.users where user_id = 'U-NEW'"
    for pointer, count in ((before, 0), (pointer_of(home), 1)):
        with duckdb.connect(str(contacts_of(home, pointer)), read_only=True) as con:
            assert con.execute(query).fetchone() == (count,)


def run_with_project(project: Path, home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `arw` of another checkout."""
    script = "import sys; from orchestration.cli import main; sys.exit(main())"
    return subprocess.run([sys.executable, "-c", script, "--home", str(home.root), *words], cwd=project, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project that the test may break."""
    copy = tmp_path / "project"
    for name in ("orchestration", "models", "seeds", "dbt_project", "tests/dbt"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / name, copy / name)
    return copy


def test_a_failed_data_test_publishes_nothing_and_says_what_it_found(first_run: tuple[Home, str], project: Path, tmp_path: Path) -> None:
    home = Home(Path(shutil.copytree(first_run[0].root, tmp_path / "home")))
    (project / "tests" / "dbt" / "assert_no_company_is_called_c200.sql").write_text(
        "select company_id, base_currency from {{ ref('dim_companies') }} where company_id = 'C200'", encoding="utf-8"
    )
    (project / "tests" / "dbt" / "_described.yml").write_text(
        "data_tests:\n  - name: assert_no_company_is_called_c200\n    description: Detects a company that must not be.\n", encoding="utf-8"
    )
    # One day twice, and one that has no week.
    days = project / "models" / "marts" / "core" / "dim_dates.sql"
    copies = "select * from days union all (select * from days order by date_day limit 1)"
    days.write_text(
        f"with days as ({days.read_text(encoding='utf-8')}), copied as ({copies}) "
        "select * replace (case when date_day = (select max(date_day) from days) then null else week_end end as week_end) from copied",
        encoding="utf-8",
    )
    before = pointer_of(home)
    done = run_with_project(project, home, "build", "--json")
    assert done.returncode == 3, done.stderr
    assert "rows_are_keyed_dim_dates" in done.stderr and "(2 rows)" in done.stderr
    assert "row_count=2, lacking=0" in done.stderr and "row_count=1, lacking=1" in done.stderr
    assert "assert_no_company_is_called_c200 (1 rows): Detects a company that must not be." in done.stderr
    assert "company_id=C200, base_currency=USD" in done.stderr
    assert "assert_no_company_is_called_c200" in {reason["check"] for reason in json.loads(done.stdout)["reasons"]}
    assert pointer_of(home) == before
    assert run_with_project(project, home, "publish").returncode == 1
    reasons = json.loads(arw(home.root, "status", "--json").stdout)["last_refusal"]["reasons"]
    assert sorted(reason["rows"] for reason in reasons) == [1, 2]


def test_a_model_that_cannot_be_built_is_named_with_its_message(first_run: tuple[Home, str], project: Path, tmp_path: Path) -> None:
    home = Home(Path(shutil.copytree(first_run[0].root, tmp_path / "home")))
    model = project / "models" / "staging" / "ledger" / "stg_ledger__payment_terms.sql"
    model.write_text(model.read_text(encoding="utf-8").replace("net_days", "net_dais"), encoding="utf-8")
    before = pointer_of(home)
    done = run_with_project(project, home, "build")
    assert done.returncode == 1
    assert "stg_ledger__payment_terms.sql" in done.stderr and "net_dais" in done.stderr
    # The log that the message names holds what dbt said.
    assert str(home.logs / "dbt.log") in done.stderr and "net_dais" in (home.logs / "dbt.log").read_text(encoding="utf-8")
    assert "Nothing was published" in done.stderr
    assert pointer_of(home) == before


def test_a_home_moves_with_its_owner_to_another_checkout(tmp_path: Path) -> None:
    home, inbox, other = tmp_path / "home", tmp_path / "inbox", tmp_path / "checkout"
    arw(home, "demo", "--size", "100", "--out", inbox)
    arw(home, "load", inbox)
    for folder in ("models", "dbt_project", "seeds", "tests", "orchestration"):
        shutil.copytree(ROOT / folder, other / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("dbt_project.yml", "profiles.yml", "pyproject.toml"):
        shutil.copyfile(ROOT / file, other / file)
    command = [str(Path(sys.executable).parent / "arw"), "--home", str(home), "build"]
    subprocess.run(command, cwd=other, env={**os.environ, "PYTHONPATH": str(other)}, check=True, capture_output=True)
    shutil.rmtree(other)
    arw(home, "build", "--full-refresh")
