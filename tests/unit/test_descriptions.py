"""Comments in the published file: what models and tables say of themselves, where a reader sees it."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from orchestration import descriptions


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema marts; create schema meta")
        connection.execute("create table marts.fct_open_items (item_id varchar, open_amount decimal(18, 3))")
        connection.execute("create table marts.fct_aging_snapshots as select date '2026-01-02' as snapshot_date, '' as version, * from marts.fct_open_items")
        connection.execute('create table meta.overrides (check_id varchar, because varchar, "rows" bigint)')
        connection.execute("create macro marts.open_items_as_of(as_of_date, known_at := null) as table (from marts.fct_open_items)")
        connection.execute("create macro marts.aging_as_of(as_of_date) as table (from marts.fct_open_items)")
        yield connection


def said(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    return dict(con.execute("select column_name, comment from duckdb_columns() where table_name = ?", [table]).fetchall())


def test_a_models_words_are_its_tables() -> None:
    columns = {"item_id": {"description": "Open\n  item."}, "silent": {"description": ""}}
    node = {"resource_type": "model", "schema": "meta", "alias": "metric_definitions", "description": "It's what\nmetrics mean.", "columns": columns}
    manifest = {"nodes": {"model.p.dim_metrics": node, "test.p.t": node | {"resource_type": "test"}}}
    assert descriptions.of_models(manifest) == {"meta.metric_definitions": "It's what metrics mean.", "meta.metric_definitions.item_id": "Open item."}


def test_what_no_model_makes_is_described_too(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("comment on column marts.fct_open_items.open_amount is 'What''s \"open\".'")
    descriptions.write_others(con)
    assert said(con, "fct_aging_snapshots")["open_amount"] == 'What\'s "open".'
    assert said(con, "fct_aging_snapshots")["snapshot_date"] == "Week end that was frozen."
    assert said(con, "overrides") == {"check_id": "Check.", "because": "Why.", "rows": "Rows that the check had found."}
    (macros,) = con.execute("select count(*) from duckdb_functions() where schema_name = 'marts' and comment is not null").fetchone() or (0,)
    assert macros == 2


def test_a_comment_that_is_there_stays(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("comment on column meta.overrides.because is 'ours'")
    descriptions.write_others(con)
    assert said(con, "overrides")["because"] == "ours"
