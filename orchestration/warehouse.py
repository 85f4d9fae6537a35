"""The build: the lake's rows through dbt into a file of marts, with a record of what it was built from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path

import duckdb

from orchestration import dbt, descriptions, families, lake, meta, policy
from orchestration.database import connect
from orchestration.errors import ArwError, PublishRefused
from orchestration.lock import WarehouseBusy
from orchestration.meta import BuildInfo
from orchestration.settings import Home, project_dir

# What computes the figures from lake and policy: the models, with the seeds that belong to them and not to the policy.
MODELS = (
    "dbt_project.yml",
    "models",
    "dbt_project/macros",
    "orchestration/settlement.py",
    "orchestration/reconciliation.py",
    "seeds/currencies.csv",
    "seeds/metric_definitions.csv",
)


def build(
    home: Home,
    as_of: date | None = None,
    *,
    full_refresh: bool = False,
    variables: Mapping[str, object] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> BuildInfo:
    """Build the marts of everything in the lake, as of ``as_of``, into the home's build file."""
    decided = policy.read(home, variables)
    refresh(home, progress)
    info = _identify(home, as_of, variables or {}, decided)
    home.build_file.parent.mkdir(parents=True, exist_ok=True)
    progress(f"building as of {info.as_of}")
    follows = _begin(home, info, full_refresh=full_refresh, progress=progress)
    parameters = {name: value for name, value in json.loads(info.variables).items() if name != "as_of"}
    results = dbt.build(home, info.as_of, parameters | policy.stage(decided, home), follows=follows, full_refresh=full_refresh, progress=progress)
    if results.errors:
        raise dbt.BuildFailed(
            "\n".join(f"{error.file}: {error.name} could not be built: {error.message}" for error in results.errors)
            + f"\nNothing was published; the version in force is unchanged. The whole log: {home.logs / 'dbt.log'}"
        )
    if results.failed_tests:
        raise _refusal(home, results.failed_tests)
    progress(f"built {results.models} models, {results.tests} data tests passed")
    descriptions.write_models(home)
    policy.keep(decided, home)
    meta.write(home, info, policy.listing(decided))
    with connect(home.warehouse) as con:
        families.end(con, info)
    return info


def _begin(home: Home, info: BuildInfo, *, full_refresh: bool, progress: Callable[[str], None]) -> bool:
    """Make ready to build: tell whether the build follows the last one, and leave no mark of a whole build on the file that it changes."""
    with connect(home.warehouse) as con:
        reason = families.begin(con, home, info)
    if full_refresh or reason:
        progress(f"deriving everything: {'asked for' if full_refresh else reason}")
        _remove_database(home.build_file)
        return False
    with connect(home.build_file) as con:
        con.execute("drop table meta.build_info")
    progress("following the last build: deriving the families that changed")
    return True


def refresh(home: Home, progress: Callable[[str], None]) -> None:
    """Bring the raw tables up to the lake; a working database that is damaged is made again."""
    _remove_damaged(home, progress)
    progress("bringing the raw tables up to the lake")
    lake.refresh_raw(home.root)


def identify(home: Home, as_of: date | None, variables: Mapping[str, object]) -> BuildInfo:
    """Return what a build of the present lake, policy and models would be made from."""
    return _identify(home, as_of, variables, policy.read(home, variables))


def _identify(home: Home, as_of: date | None, variables: Mapping[str, object], decided: policy.Policy) -> BuildInfo:
    project = project_dir()
    drops = lake.drops(home.root)
    if not drops:
        raise ArwError(f"Nothing was loaded into {home.root} yet. `arw load PATH` lands a drop or an inbox.")
    as_of = as_of or drops[-1].books_through
    known_at = datetime.fromisoformat(str(variables["known_at"])) if variables.get("known_at") else None
    parameters = {"as_of": as_of.isoformat(), "known_at": str(known_at) if known_at else None}
    parts = {
        **parameters,
        "drops_hash": _hash(*(f"{drop.drop_id} {drop.extracted_at.isoformat()}" for drop in drops)),
        "policy_hash": decided.sha256,
        "models_hash": _hash(*_contents(project, *MODELS)),
        "engine": f"duckdb {duckdb.__version__}",
    }
    return BuildInfo(
        fingerprint=_hash(json.dumps(parts, sort_keys=True)),
        as_of=as_of,
        known_at=known_at or drops[-1].extracted_at,
        is_as_known_then=known_at is not None,
        drops=len(drops),
        drops_hash=str(parts["drops_hash"]),
        policy_hash=decided.sha256,
        models_hash=str(parts["models_hash"]),
        engine=str(parts["engine"]),
        variables=json.dumps(dict(decided.settings) | parameters, sort_keys=True),
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
        with connect(home.warehouse) as con:
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
        with connect(home.warehouse, read_only=True) as con:
            meta.attach(con, home, "ar_build")
            cursor = con.execute(sql)
            names = [column[0] for column in cursor.description]
            return [", ".join(f"{n}={v}" for n, v in zip(names, row, strict=True)) for row in cursor.fetchmany(3)]
    except duckdb.Error as error:
        return [f"(its rows cannot be shown: {error})"]
