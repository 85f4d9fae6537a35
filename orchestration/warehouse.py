"""The build: the lake's rows through dbt into a file of marts, with a record of what it was built from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration import dbt, lake
from orchestration.errors import ArwError, PublishRefused
from orchestration.lock import WarehouseBusy
from orchestration.settings import Home, project_dir

# Tables of the working file that a reader of the published file may see too, with their columns as they are there.
PASSED_ON = ("drops", "load_audit")
# Feeds whose rows hold personal data: what was rejected of them is named, and its text withheld.
PERSONAL_FEEDS = ("contacts", "activities", "promises", "disputes", "users", "credit_reviews")


@dataclass(frozen=True)
class BuildInfo:
    """What a build was made from; equal fingerprints must give equal content."""

    fingerprint: str
    as_of: date
    known_at: datetime | None
    drops: int
    drops_hash: str
    policy_hash: str
    models_hash: str
    engine: str
    variables: str


def newest_books(home: Home) -> date:
    """Return the newest drop's ``books_through``: the default as_of."""
    drops = lake.drops(home.root)
    if not drops:
        raise ArwError(f"Nothing was loaded into {home.root} yet. `arw load PATH` lands a drop or an inbox.")
    return max(drops, key=lambda drop: (drop.extracted_at, drop.drop_id)).books_through


def build(
    home: Home,
    as_of: date | None = None,
    *,
    full_refresh: bool = False,
    variables: Mapping[str, object] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> BuildInfo:
    """Build the marts of everything in the lake, as of ``as_of``, into the home's build file."""
    _remove_damaged(home, progress)
    progress("bringing the raw tables up to the lake")
    lake.refresh_raw(home.root)
    info = identify(home, as_of, variables or {})
    home.build_file.parent.mkdir(parents=True, exist_ok=True)
    _remove_database(home.build_file)
    progress(f"building as of {info.as_of}")
    results = dbt.build(home, json.loads(info.variables), full_refresh=full_refresh, progress=progress)
    if results.errors:
        raise dbt.BuildFailed(
            "\n".join(f"{error.file}: {error.name} could not be built: {error.message}" for error in results.errors)
            + f"\nNothing was published; the version in force is unchanged. The whole log: {home.logs / 'dbt.log'}"
        )
    if results.failed_tests:
        raise _refusal(home, results.failed_tests)
    progress(f"built {results.models} models, {results.tests} data tests passed")
    _write_meta(home, info)
    return info


def identify(home: Home, as_of: date | None, variables: Mapping[str, object]) -> BuildInfo:
    """Return what a build of the present lake, policy and models would be made from."""
    project = project_dir()
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        drops = con.execute(
            "select drop_id, extracted_at, books_through from meta.drops order by extracted_at, drop_id"
        ).fetchall()
        (engine,) = con.execute("select 'duckdb ' || library_version from pragma_version()").fetchone() or ("",)
    if not drops:
        raise ArwError(f"Nothing was loaded into {home.root} yet. `arw load PATH` lands a drop or an inbox.")
    as_of = as_of or drops[-1][2]
    every_variable = {"as_of": as_of.isoformat()} | dict(variables)
    known_at = datetime.fromisoformat(str(variables["known_at"])) if variables.get("known_at") else None
    parts = {
        "as_of": as_of.isoformat(),
        "drops_hash": _hash(repr([(drop_id, extracted_at.isoformat()) for drop_id, extracted_at, _ in drops])),
        "policy_hash": _hash(json.dumps(every_variable, sort_keys=True), *_contents(project, "seeds")),
        "models_hash": _hash(*_contents(project, "dbt_project.yml", "models", "dbt_project/macros", "orchestration/settlement.py")),
        "engine": engine,
    }
    return BuildInfo(
        fingerprint=_hash(json.dumps(parts, sort_keys=True)),
        as_of=as_of,
        known_at=known_at or drops[-1][1],
        drops=len(drops),
        drops_hash=parts["drops_hash"],
        policy_hash=parts["policy_hash"],
        models_hash=parts["models_hash"],
        engine=engine,
        variables=json.dumps(every_variable, sort_keys=True),
    )


def _hash(*contents: str | bytes) -> str:
    digest = hashlib.sha256()
    for content in contents:
        data = content.encode() if isinstance(content, str) else content
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def _contents(project: Path, *names: str) -> list[str | bytes]:
    """Return name and content of every file below the named files and folders, in a fixed order."""
    contents: list[str | bytes] = []
    for name in names:
        start = project / name
        for path in [start] if start.is_file() else sorted(start.rglob("*")):
            if path.is_file():
                contents += [path.relative_to(project).as_posix(), path.read_bytes()]
    return contents


def _remove_damaged(home: Home, progress: Callable[[str], None]) -> None:
    """Delete a working database that cannot be opened: the lake holds everything that was in it."""
    if not home.warehouse.exists():
        return
    try:
        with duckdb.connect(str(home.warehouse)) as con:
            con.execute("checkpoint")
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise WarehouseBusy(
                f"Another program has {home.warehouse} open, so it cannot be rebuilt. Nothing was changed. "
                f"Close it (readers belong on {home.published}) and run again. DuckDB says: {error}"
            ) from None
        progress(f"{home.warehouse.name} is damaged ({str(error).splitlines()[0]}); rebuilding it from the lake")
        _remove_database(home.warehouse)


def _remove_database(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(path.name + ".wal").unlink(missing_ok=True)


def _refusal(home: Home, failed_tests: tuple[dbt.Failure, ...]) -> PublishRefused:
    reasons: list[dict[str, object]] = [
        {
            "check": test.name,
            "means": test.meaning or f"the data test in {test.file} found rows",
            "rows": test.rows,
            "examples": _examples(home, test.compiled_sql),
        }
        for test in failed_tests
    ]
    return PublishRefused("data tests failed on the build", reasons)


def _examples(home: Home, sql: str) -> list[str]:
    """Return the first rows that a failed data test found, for the message."""
    if not sql:
        return []
    try:
        with duckdb.connect(str(home.warehouse), read_only=True) as con:
            con.execute(f"attach '{_quoted(home.build_file)}' as ar_build (read_only)")
            cursor = con.execute(f"select * from ({sql}) limit 3")
            names = [column[0] for column in cursor.description]
            return [", ".join(f"{n}={v}" for n, v in zip(names, row, strict=True)) for row in cursor.fetchall()]
    except duckdb.Error as error:
        return [f"(its rows cannot be shown: {error})"]


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _write_meta(home: Home, info: BuildInfo) -> None:
    """Put beside the marts what a reader needs to judge them; `build_info` last, so that it marks a whole build."""
    with duckdb.connect(str(home.build_file)) as con:
        con.execute(f"attach '{_quoted(home.warehouse)}' as warehouse (read_only)")
        con.execute("create schema if not exists meta")
        for table in PASSED_ON:
            con.execute(f"create or replace table meta.{table} as select * from warehouse.meta.{table}")
        con.execute(
            """
            create or replace table meta.rejects as
            select * replace (case when system = 'crm' then null else text end as text)
            from warehouse.meta.rejects
            """
        )
        con.execute(
            """
            create or replace table meta.exceptions as
            select
                exception_id, object_type, object_id, reason, detail, company_id, customer_id, currency, amount, is_held,
                known_from as since
            from warehouse.intermediate.int_exceptions
            where known_from <= $moment and known_to > $moment
            """,
            {"moment": moment_of(info)},
        )
        con.execute(
            "create or replace table meta.metric_definitions as select * from warehouse.seeds.metric_definitions"
        )
        con.execute(
            """
            create or replace table meta.restatements (
                item_id varchar, snapshot_date date, old_amount decimal(18, 3), new_amount decimal(18, 3),
                currency varchar, cause varchar, found_at timestamp
            )
            """
        )
        record = asdict(info) | {"built_at": datetime.now(UTC).replace(tzinfo=None)}
        con.execute(
            """
            create or replace table meta.build_info (
                fingerprint varchar, as_of date, known_at timestamp, drops bigint, drops_hash varchar,
                policy_hash varchar, models_hash varchar, engine varchar, variables varchar, built_at timestamp
            )
            """
        )
        con.execute(f"insert into meta.build_info values ({', '.join('?' for _ in record)})", list(record.values()))
        con.execute("checkpoint")


def moment_of(info: BuildInfo) -> datetime:
    """Return the moment whose knowledge the build shows: all of it, unless the build was asked for an earlier one."""
    return info.known_at if '"known_at"' in info.variables and info.known_at else datetime(9999, 12, 30)


def read_build_info(home: Home) -> BuildInfo:
    """Return what the present build was made from; refuse a build that did not come to its end."""
    columns = list(BuildInfo.__dataclass_fields__)
    try:
        with duckdb.connect(str(home.build_file), read_only=True) as con:
            row = con.execute(f"select {', '.join(columns)} from meta.build_info").fetchone()
    except duckdb.Error:
        row = None
    if row is None:
        raise ArwError(f"There is no complete build in {home.root}. Nothing was changed. `arw build` makes one.")
    return BuildInfo(**dict[str, Any](zip(columns, row, strict=True)))
