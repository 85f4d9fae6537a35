"""Further published versions for tests of readers: copies of a real one, changed by SQL, made known as the publisher does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from orchestration import published
from orchestration.files import sha256_of, write_json
from orchestration.settings import Home

# Names as they would have to be shown: as typed. None may become markup, a link, an image, a formula or a picture of a letter.
HOSTILE_NAMES = (
    "<img src=x onerror=\"document.title='owned'\">",
    "[click](javascript:alert(1)) ![i](http://127.0.0.1:9/i.png)",
    "$\\frac{a}{b}$ costs $5 **now** :material/delete: :red[x]",
    '=HYPERLINK("http://127.0.0.1:9","pay")',
)


def republish(home: Home, version: str, statements: tuple[str, ...] = (), **pointer: Any) -> Path:
    """Put a changed copy of the version in force into force; the pointer's entries can be changed too."""
    current = published.find(home)
    file = home.published / f"ar_{version}.duckdb"
    shutil.copyfile(current.file, file)
    with duckdb.connect(str(file)) as con:
        for statement in statements:
            con.execute(statement)
        con.execute("checkpoint")
    record = dict(current.pointer) | {"file": file.name, "version": version, "sha256": sha256_of(file)} | pointer
    write_json(file.with_suffix(".json"), record)
    write_json(home.pointer, record)
    return file


def published_only(home: Home, folder: Path) -> Home:
    """Return a home of its own with nothing but what another one publishes."""
    copy = Home(folder)
    shutil.copytree(home.published, copy.published)
    return copy


def hostile_names(home: Home) -> Mapping[str, str]:
    """Return statements that give hostile names to the most urgent customers, and to the largest debtor."""
    with duckdb.connect(str(published.find(home).file), read_only=True) as con:
        urgent = [row[0] for row in con.execute("select customer_id from marts.rpt_collector_worklist order by rank limit ?", [len(HOSTILE_NAMES)]).fetchall()]
        largest = con.execute("select customer_id from marts.fct_open_items group by 1 order by sum(open_amount_base) desc limit 1").fetchone()
    names = dict(zip(urgent, HOSTILE_NAMES, strict=True))
    if largest:
        names.setdefault(largest[0], HOSTILE_NAMES[0])
    return names


def renaming(names: Mapping[str, str]) -> tuple[str, ...]:
    """Return the SQL that gives customers their names."""
    quoted = {customer: json.dumps(name)[1:-1].replace('\\"', '"').replace("\\\\", "\\").replace("'", "''") for customer, name in names.items()}
    return tuple(f"update marts.dim_customers set name = '{name}' where customer_id = '{customer}'" for customer, name in quoted.items())
