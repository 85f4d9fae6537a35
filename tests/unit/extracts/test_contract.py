"""The declared feeds: consistent in themselves, and as the raw tables show them."""

from __future__ import annotations

import re

import pytest
from landing import query

from orchestration.extracts.contract import SQL_TYPES, feeds, minor_units, systems
from orchestration.extracts.history import in_building_order

OWN = ["known_from", "known_to", "drop_id", "books_through", "load_mode", "source_file", "source_line", "is_flagged"]


@pytest.mark.parametrize("feed", feeds().values(), ids=lambda feed: feed.full_name)
def test_a_feed_speaks_only_of_its_own_columns(feed):
    names = set(feed.column_names)
    assert len(names) == len(feed.columns)
    assert set(feed.key) <= names
    assert {feed.parent, feed.dated_by, feed.amount} - {None} <= names
    assert set(feed.derived_key) | set(feed.belongs_to.values()) <= names
    assert all(column.required for column in feed.columns if column.name in feed.key and not feed.derived_key)
    assert {column.type for column in feed.columns} <= set(SQL_TYPES)
    assert all(column.type in ("id", "code") for column in feed.columns if column.values or column.name.endswith("_id"))
    assert all(value in column.values for column in feed.columns for value in column.synonyms.values())


def test_feeds_come_after_those_that_they_belong_to():
    order = [feed.name for feed in in_building_order()]
    assert sorted(order) == sorted(feeds())
    assert all(order.index(owner) < order.index(feed.name) for feed in feeds().values() for owner in feed.belongs_to)


def test_every_feed_has_its_raw_table_also_before_anything_was_delivered(tmp_path):
    for feed in feeds().values():
        described = query(tmp_path, f"describe raw_{feed.system}.{feed.name}")
        assert [row[0] for row in described] == [*feed.column_names, *OWN]
        assert [row[1] for row in described[: len(feed.columns)]] == [column.sql_type for column in feed.columns]
    assert [query(tmp_path, f"select count(*) from meta.{table}") for table in ("drops", "load_audit", "rejects")] == [[(0,)]] * 3
    assert systems() == ("ledger", "crm")


def test_currencies_have_their_decimals():
    units = minor_units()
    assert (units["EUR"], units["JPY"], units["KWD"], units["CLP"], units["TND"]) == (2, 0, 3, 0, 3)
    assert all(re.fullmatch("[A-Z]{3}", code) and decimals in (0, 2, 3) for code, decimals in units.items())
    assert len(units) > 150
