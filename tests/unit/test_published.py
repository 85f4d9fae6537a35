"""Readers get the version in force, or the last good one and the reason why."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from homes import publish_version

from orchestration import published
from orchestration.files import sha256_of
from orchestration.settings import Home

OLD, NEW = "20260701T070000Z_aaaaaaaa", "20260708T070000Z_bbbbbbbb"


@pytest.fixture(params=["hashed by its reader", "noted by its publisher"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home with an older version and the one in force, to a process that has not read them yet."""
    home = Home(tmp_path)
    for version in (OLD, NEW):
        file = publish_version(home, version)
        if request.param == "noted by its publisher":
            published.was_hashed(file, sha256_of(file))
    forget_what_was_read(monkeypatch)
    return home


def forget_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "_verified", set())


def test_the_version_in_force_is_the_one_that_the_pointer_names(home: Home) -> None:
    version = published.find(home)
    assert (version.name, version.warning) == (NEW, None)


def test_an_older_version_is_served_when_the_pointer_names_it(home: Home) -> None:
    home.pointer.write_bytes((home.published / f"ar_{OLD}.json").read_bytes())
    assert published.find(home).name == OLD


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip_a_byte, "checksum"),
        (lambda path: path.write_bytes(path.read_bytes()[:-4096]), "checksum"),
        (lambda path: path.write_bytes(b""), "checksum"),
        (lambda path: path.unlink(), "missing"),
    ],
    ids=["flipped", "truncated", "empty", "gone"],
)
def test_a_damaged_file_falls_back_to_the_last_good_version_and_says_so(home: Home, damage, said: str) -> None:
    damage(home.published / f"ar_{NEW}.duckdb")
    version = published.find(home)
    assert version.name == OLD
    assert said in str(version.warning) and NEW in str(version.warning)


def test_a_note_is_trusted_for_the_checksum_and_the_file_that_it_was_made_of_only(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note of a checksum that the file does not have is believed for this very file, but for no copy of it and no other content."""
    file, wrong = home.published / f"ar_{NEW}.duckdb", "0" * 64
    pointer = json.loads(home.pointer.read_text(encoding="utf-8"))
    home.pointer.write_text(json.dumps(pointer | {"sha256": wrong}), encoding="utf-8")
    published.was_hashed(file, wrong)
    forget_what_was_read(monkeypatch)
    assert published.find(home).warning is None
    copied = Home(tmp_path / "copied")
    shutil.copytree(home.published, copied.published, copy_function=shutil.copy2)
    assert "checksum" in str(published.find(copied).warning)
    before = file.stat()
    flip_a_byte(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "checksum" in str(published.find(home).warning)


def test_a_note_that_cannot_be_read_is_none(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home.published / f"ar_{NEW}.duckdb"
    for content in (b"", b"{", b"\xff\xfe", b"[1]"):
        file.with_suffix(published.NOTE).write_bytes(content)
        forget_what_was_read(monkeypatch)
        assert published.find(home) == published.Version(file, json.loads(home.pointer.read_text(encoding="utf-8")))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"file": "ar_x.duckdb"}', b"\xff\xfe"])
def test_a_damaged_pointer_falls_back_to_the_newest_version(home: Home, content: bytes) -> None:
    home.pointer.write_bytes(content)
    version = published.find(home)
    assert version.name == NEW
    assert "current.json" in str(version.warning)


def test_a_missing_pointer_falls_back_to_the_newest_version(home: Home) -> None:
    home.pointer.unlink()
    assert published.find(home).name == NEW


def test_a_pointer_cannot_lead_out_of_the_folder(home: Home, tmp_path: Path) -> None:
    pointer = json.loads(home.pointer.read_text(encoding="utf-8"))
    pointer["file"] = f"../published/ar_{NEW}.duckdb"
    home.pointer.write_text(json.dumps(pointer), encoding="utf-8")
    assert "outside" in str(published.find(home).warning)


def test_when_nothing_good_is_left_that_is_said_with_the_way_out(home: Home) -> None:
    for file in home.published.glob("*.duckdb"):
        flip_a_byte(file)
    with pytest.raises(published.NothingPublished, match=r"undamaged.*arw build"):
        published.find(home)


def test_an_empty_home_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(published.NothingPublished, match="arw run PATH"):
        published.find(Home(tmp_path))


def test_opening_is_read_only(home: Home) -> None:
    con, version = published.open(home)
    with con:
        assert con.execute("select count(*) from marts.fct_numbers").fetchone() == (2000,)
        with pytest.raises(Exception, match="read-only"):
            con.execute("delete from marts.fct_numbers")
    assert version.contacts_file.name == f"ar_{NEW}_contacts.duckdb"
