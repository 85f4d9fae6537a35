"""What analysts get with a version: descriptions in the file, worked queries, Parquet files, and one definition of each metric wherever it is shown."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from python_calamine import CalamineWorkbook
from running import ROOT, arw

from dashboards import components, queries, warehouse
from orchestration import export, pipeline
from orchestration import published as versions
from orchestration.settings import Home

pytestmark = pytest.mark.xdist_group("shell")

QUERIES = re.findall(
    r"^## (\d+)\. ([^\n]+)\n+```sql\n(.*?)```\n+(.+?)(?=\n## |\Z)", (ROOT / "docs/how-to/queries.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)


@pytest.fixture(scope="module")
def con(first_run: tuple[Home, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a read-only connection to what the demo published."""
    with warehouse.connect(versions.find(first_run[0]).file) as connection:
        yield connection


def test_every_published_table_column_and_function_is_described(con: duckdb.DuckDBPyConnection) -> None:
    ours = "schema_name in ('marts', 'meta') and nullif(trim(comment), '') is null"
    assert con.execute(f"select schema_name, table_name from duckdb_tables() where {ours}").fetchall() == []
    assert con.execute(f"select schema_name, table_name, column_name from duckdb_columns() where {ours}").fetchall() == []
    assert con.execute(f"select schema_name, function_name from duckdb_functions() where {ours}").fetchall() == []
    (said,) = con.execute("select comment from duckdb_columns() where table_name = 'fct_open_items' and column_name = 'open_amount'").fetchone() or ("",)
    assert said == con.execute("select comment from duckdb_columns() where table_name = 'fct_aging_snapshots' and column_name = 'open_amount'").fetchall()[0][0]


def test_there_are_fifteen_worked_queries() -> None:
    assert [int(number) for number, *_ in QUERIES] == list(range(1, 16))


@pytest.mark.parametrize(("sql", "meaning"), [query[2:] for query in QUERIES], ids=[query[1] for query in QUERIES])
def test_a_worked_query_answers_and_says_what_the_answer_means(con: duckdb.DuckDBPyConnection, sql: str, meaning: str) -> None:
    assert con.execute(sql).fetchall() != []
    assert len(meaning) > 80


def answer(con: duckdb.DuckDBPyConnection, number: int) -> list[dict[str, object]]:
    cursor = con.execute(QUERIES[number - 1][2])
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_the_worked_queries_agree_where_they_say_so(con: duckdb.DuckDBPyConnection) -> None:
    owed, aged = answer(con, 1), answer(con, 2)
    for currency in {row["currency"] for row in owed}:
        assert sum(row["net"] for row in owed if row["currency"] == currency) == sum(row["amount"] for row in aged if row["currency"] == currency)
    for row in answer(con, 8):
        moved = ("billed", "credited", "collected", "discounts", "written_off", "other")
        assert row["opening"] + sum(row[name] for name in moved) == row["closing"]
    for row in answer(con, 9):
        if row["dso_days"] is not None:
            assert abs(row["best_possible_dso_days"] + row["average_days_delinquent"] - row["dso_days"]) <= 1 / 100


def test_the_parquet_files_hold_the_published_tables(first_run: tuple[Home, str], con: duckdb.DuckDBPyConnection) -> None:
    home = first_run[0]
    folder = export.folder(home, versions.find(home).name)
    tables = con.execute("select schema_name, table_name from duckdb_tables() where schema_name in ('marts', 'meta')").fetchall()
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*")} == {"marts", "meta", *(f"{schema}/{table}.parquet" for schema, table in tables)}
    with duckdb.connect() as other:
        other.execute(f"attach '{versions.find(home).file}' as ar (read_only)")
        for schema, table in tables:
            file = str(folder / schema / f"{table}.parquet")
            assert (
                other.execute(f"describe from ar.{schema}.{table}").fetchall() == other.execute("describe from read_parquet($file)", {"file": file}).fetchall()
            )
            for left, right in (("ar.{0}.{1}", "read_parquet($file)"), ("read_parquet($file)", "ar.{0}.{1}")):
                sql = f"select count(*) from (from {left} except all from {right})".format(schema, table)
                assert other.execute(sql, {"file": file}).fetchone() == (0,), table


def test_a_home_that_wants_no_parquet_gets_none_until_it_asks(demo_home: Home) -> None:
    folder = export.folder(demo_home, versions.find(demo_home).name)
    shutil.rmtree(folder)
    demo_home.policy_file.write_text("export_parquet: false\n", encoding="utf-8")
    assert pipeline.export_if_wanted(demo_home, lambda _: None)["parquet"] is None
    assert not folder.exists()
    assert versions.find(demo_home).name in arw(demo_home.root, "export").stdout
    assert folder.is_dir()


def seeded() -> dict[str, dict[str, str]]:
    with (ROOT / "seeds" / "metric_definitions.csv").open(encoding="utf-8", newline="") as file:
        return {row["metric_id"]: row for row in csv.DictReader(file)}


def test_every_metric_has_one_definition_in_the_file_the_report_and_the_dashboards(first_run: tuple[Home, str], con: duckdb.DuckDBPyConnection) -> None:
    home = first_run[0]
    defined = dict(con.execute("select metric_id, definition from meta.metric_definitions").fetchall())
    assert set(defined) == set(seeded())
    for metric_id, row in seeded().items():
        written = re.escape(row["definition"])
        assert re.fullmatch(re.sub(r"\\\{\w+\\\}", r"\\w+", written), defined[metric_id]), metric_id
    book = CalamineWorkbook.from_path(str(max(home.reports.glob("*/*.xlsx"))))
    reported = {row[0]: row[2] for row in book.get_sheet_by_name("Definitions").to_python()}
    labels = {metric_id: row["label"] for metric_id, row in seeded().items()}
    assert {label: reported.get(label) for label in labels.values()} == {labels[metric_id]: text for metric_id, text in defined.items()}
    read = warehouse.reader(con)
    assert {row["label"]: row["definition"] for row in queries.definitions(read)} == {labels[metric_id]: text for metric_id, text in defined.items()}
    (row,) = read("select max(month_end) as month_end from marts.rpt_executive_kpis where company_id = 'ALL'", {})
    on: date = row["month_end"]
    shown = queries.kpis(read, "ALL", on)
    assert set(shown) == {row["metric_id"] for row in read("select distinct metric_id from marts.rpt_executive_kpis", {})}
    for metric_id, kpi in shown.items():
        tooltip = components._definition(kpi)
        assert re.sub(r"\W", "", defined[metric_id]) in re.sub(r"\W", "", tooltip)


def test_the_documentation_of_the_models_is_one_page_that_needs_nothing(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "models.html"
    arw(tmp_path / "home", "docs", "--out", page)
    text = page.read_text(encoding="utf-8")
    assert "Content-Security-Policy" in text[:400] and "default-src 'unsafe-inline'" in text[:400]
    assert str(ROOT) not in text and str(tmp_path) not in text
    assert '"send_anonymous_usage_stats": false' in text
    for name in ("fct_dso_monthly", "rpt_gl_reconciliation", "stg_ledger__documents"):
        assert f"model.receivables_warehouse.{name}" in text
    assert [path for path in page.parent.iterdir()] == [page]
