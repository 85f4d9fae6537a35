"""Small homes for tests: a published version with a few rows, made as the publisher makes one, without the pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from orchestration.files import sha256_of
from orchestration.settings import Home


def publish_version(home: Home, version: str, *, in_force: bool = True) -> Path:
    """Write a version with one table and its record; point to it if it is the one in force."""
    home.published.mkdir(parents=True, exist_ok=True)
    file = home.published / f"ar_{version}.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute("create schema marts; create schema meta")
        con.execute("create table marts.fct_numbers as select i as n, cast(i * 1.100 as decimal(18, 3)) as open_amount from range(1, 2001) as t(i)")
        con.execute(f"create table meta.build_info as select '{version}' as fingerprint")
    pointer = {
        "file": file.name,
        "version": version,
        "as_of": "2026-06-30",
        "known_at": "2026-07-01T06:00:00Z",
        "published_at": "2026-07-01T07:00:00Z",
        "sha256": sha256_of(file),
        "row_counts": {"fct_numbers": 2000},
        "checks": {"passed": 1, "overridden": []},
    }
    file.with_suffix(".json").write_text(json.dumps(pointer), encoding="utf-8")
    if in_force:
        home.pointer.write_text(json.dumps(pointer), encoding="utf-8")
    return file
