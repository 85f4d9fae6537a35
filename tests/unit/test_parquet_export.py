"""Parquet beside the published file: the same rows and types, whole or not at all, and gone with its version."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from homes import publish_version

from orchestration import export, publish
from orchestration.published import NothingPublished
from orchestration.settings import KEPT_VERSIONS, Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "o'home")


def silent(_: str) -> None:
    pass


def test_every_table_is_exported_with_its_rows_and_types(home: Home) -> None:
    published = publish_version(home, "20260701T070000Z_aa")
    folder, is_new = export.write(home, silent)
    assert is_new and folder == published.with_name("ar_20260701T070000Z_aa_parquet")
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")} == {"marts/fct_numbers.parquet", "meta/build_info.parquet"}
    with duckdb.connect(str(published), read_only=True) as con:
        file = {"file": str(folder / "marts" / "fct_numbers.parquet")}
        assert con.execute("select count(*) from (from marts.fct_numbers except all from read_parquet($file))", file).fetchone() == (0,)
        types = "select column_name, column_type from (describe {})"
        assert con.execute(types.format("from read_parquet($file)"), file).fetchall() == con.execute(types.format("from marts.fct_numbers")).fetchall()


def test_a_version_is_exported_once(home: Home) -> None:
    publish_version(home, "20260701T070000Z_aa")
    folder, _ = export.write(home, silent)
    (folder / "marts" / "fct_numbers.parquet").write_bytes(b"mine")
    assert export.write(home, silent) == (folder, False)
    assert (folder / "marts" / "fct_numbers.parquet").read_bytes() == b"mine"


def test_what_a_killed_export_left_is_written_again(home: Home) -> None:
    publish_version(home, "20260701T070000Z_aa")
    left = home.published / ".tmp" / "ar_20260701T070000Z_aa_parquet" / "marts"
    left.mkdir(parents=True)
    (left / "fct_gone.parquet").write_bytes(b"half")
    folder, is_new = export.write(home, silent)
    assert is_new and not (folder / "marts" / "fct_gone.parquet").exists()


def test_an_export_goes_with_its_version(home: Home) -> None:
    versions = [f"2026070{day}T070000Z_aa" for day in range(1, KEPT_VERSIONS + 2)]
    for version in versions:
        publish_version(home, version)
        export.write(home, silent)
    publish._prune(home, versions[-1])
    assert [export.folder(home, version).exists() for version in versions] == [False] + [True] * KEPT_VERSIONS


def test_without_a_version_nothing_is_exported(home: Home) -> None:
    with pytest.raises(NothingPublished):
        export.write(home, silent)
