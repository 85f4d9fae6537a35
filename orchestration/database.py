"""How the pipeline opens DuckDB: with the memory that it may use, if the engineer set a limit.

AR_MEMORY_LIMIT is what DuckDB calls memory_limit, for instance 4GB; without it DuckDB takes at most 80 % of the machine's. dbt reads it in profiles.yml.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

LIMIT = "AR_MEMORY_LIMIT"
IN_MEMORY = ":memory:"


def connect(path: Path | str = IN_MEMORY, *, read_only: bool = False, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open a database file, or one in memory that spills into the folder ``spill``; a file spills beside itself."""
    config: dict[str, str | bool | int | float | list[str]] = {}
    if limit := os.environ.get(LIMIT):
        config["memory_limit"] = limit
    if spill:
        config["temp_directory"] = str(spill)
    return duckdb.connect(str(path), read_only=read_only, config=config)
