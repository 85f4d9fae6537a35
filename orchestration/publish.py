"""Audit, then publish: a copy of the build under a new name, verified, and the pointer replaced in one step."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from orchestration import audit, descriptions, export, lake, meta, published, restatements, snapshots, warehouse
from orchestration.database import connect
from orchestration.errors import ArwError, BadUsage, PublishRefused
from orchestration.files import emptied, sha256_of, sync, write_json
from orchestration.meta import BuildInfo
from orchestration.settings import KEPT_VERSIONS, Home

STAMP = "%Y%m%dT%H%M%SZ"
PERSONAL = {
    "contacts": "contact_id, account_id, name, role, email, phone, preferred_channel, opted_out",
    "activities": "activity_id, account_id, document_id, note",
    "users": "user_id, name, email",
}


@dataclass(frozen=True)
class Outcome:
    """The version in force after publishing, and whether it is a new one."""

    version: published.Version
    is_new: bool


def publish(home: Home, overrides: Mapping[str, tuple[str, str]], progress: Callable[[str], None]) -> Outcome:
    """Put the build to the audit and make it the version that readers see; refuse with every reason at once."""
    info = meta.read_build_info(home)
    _refuse_stale(home, info)
    previous = _previous(home)
    results, contents = _audited(home, info, previous, overrides, progress)
    # A version that only stands in for a damaged one is not what the pointer names: publishing anew mends the pointer.
    is_in_force = previous is not None and previous.warning is None
    if previous and is_in_force and _published_contents(previous.file) == (info.fingerprint, contents) and all(result.passed for result in results):
        progress(f"the content is that of {previous.name}, published already; nothing new was published")
        return Outcome(previous, is_new=False)
    version = _publish(home, info, results, contents, previous)
    progress(f"published {version.name}")
    return Outcome(version, is_new=True)


def publish_beside(home: Home, beside: Home, overrides: Mapping[str, tuple[str, str]], progress: Callable[[str], None]) -> Outcome:
    """Put a build that was made beside to the audit and publish it under a name of its own; the version in force stays what it is."""
    info = meta.read_build_info(beside)
    name = _name_as_known(home, beside, info)
    # Compared with itself where it was published before: rule 3. Else with the version in force, whose drops somebody has accepted.
    before = published.named_if_there(home, name)
    command = f"arw build --known-at {meta.moment_text(info.known_at)}"
    results, contents = _audited(beside, info, before or _previous(home), overrides, progress, command)
    if before:
        progress(f"the content is that of {name}, published already; nothing new was published")
        return Outcome(before, is_new=False)
    with _scratch(home) as scratch:
        contacts = scratch / f"ar_{name}_contacts.duckdb"
        _write_contacts(beside, info, contacts)
        return Outcome(_put(home, name, beside.build_file, contacts, contents, _pointer(info, results)), is_new=True)


def _audited(
    home: Home,
    info: BuildInfo,
    previous: published.Version | None,
    overrides: Mapping[str, tuple[str, str]],
    progress: Callable[[str], None],
    command: str = "arw publish",
) -> tuple[list[audit.Result], list[audit.Content]]:
    """Put every check to the build in ``home`` and write the answers into it; return them and the content hashes. Refuses with every reason at once."""
    _check_overrides(overrides)
    progress(f"auditing the build as of {info.as_of}")
    results, contents = audit.run(home, info, previous.file if previous else None)
    failed = [result for result in results if not result.passed]
    refused = [result for result in failed if result.check.check_id not in overrides]
    if refused:
        raise PublishRefused(f"{len(refused)} of {len(results)} checks failed", [result.as_reason(command) for result in refused])
    for result in failed:
        who, why = overrides[result.check.check_id]
        _record_override(home, info, result, who, why)
        progress(f"{result.check.check_id} failed with {result.rows} rows and was overridden by {who}: {why}")
    progress(f"{len(results) - len(failed)} of {len(results)} checks passed")
    _complete_meta(home, results, contents, overrides)
    return results, contents


def _refuse_stale(home: Home, info: BuildInfo) -> None:
    """Refuse a build that does not hold everything that was loaded."""
    now = warehouse.identify(home, info.as_of, {})
    if now.drops_hash != info.drops_hash:
        raise ArwError(f"Something was loaded after the build ({info.drops} drops then, {now.drops} now). Nothing was published. `arw build` first.")


def _check_overrides(overrides: Mapping[str, tuple[str, str]]) -> None:
    checks = {check.check_id: check for check in audit.CHECKS}
    for name in overrides:
        if name not in checks:
            raise BadUsage(f"There is no check {name!r}; nothing was published. The checks are: {', '.join(checks)}.")
        if not checks[name].may_be_overridden:
            allowed = ", ".join(check.check_id for check in audit.CHECKS if check.may_be_overridden)
            raise BadUsage(f"{name} is arithmetic and cannot be overridden; nothing was published. A person may only override: {allowed}.")


def _previous(home: Home) -> published.Version | None:
    try:
        return published.find(home)
    except published.NothingPublished:
        return None


def _record_override(home: Home, info: BuildInfo, result: audit.Result, who: str, why: str) -> None:
    entry = {
        "check_id": result.check.check_id,
        "by": who,
        "because": why,
        "at": datetime.now(UTC).isoformat("T", "seconds"),
        "as_of": info.as_of.isoformat(),
        "build": info.fingerprint,
        "rows": result.rows,
    }
    with home.overrides.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _complete_meta(home: Home, results: list[audit.Result], contents: list[audit.Content], overrides: Mapping[str, tuple[str, str]]) -> None:
    """Write the audit's results and the content hashes into the build."""
    with connect(home.build_file) as con:
        con.execute(
            """
            create or replace table meta.check_results (
                check_id varchar, rule varchar, passed boolean, detail varchar, rows bigint, is_overridden boolean
            )
            """
        )
        for result in results:
            name = result.check.check_id
            detail = "; ".join(result.examples) if not result.passed else ""
            con.execute(
                "insert into meta.check_results values (?, ?, ?, ?, ?, ?)",
                [name, result.check.rule, result.passed, detail, result.rows, not result.passed and name in overrides],
            )
        con.execute(
            """
            create or replace table meta.overrides (
                check_id varchar, overridden_by varchar, because varchar, overridden_at timestamp, as_of date, build varchar, rows bigint
            )
            """
        )
        if home.overrides.exists():
            for line in home.overrides.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                con.execute(
                    "insert into meta.overrides values (?, ?, ?, ?, ?, ?, ?)",
                    [entry[key] for key in ("check_id", "by", "because", "at", "as_of", "build", "rows")],
                )
        con.execute("create or replace table meta.contents (table_name varchar, row_count bigint, content_hash varchar)")
        for row in contents:
            con.execute("insert into meta.contents values (?, ?, ?)", list(row))
        con.execute("checkpoint")


def _published_contents(file: Path) -> tuple[str, list[audit.Content]] | None:
    """Return fingerprint and content hashes of a published file."""
    with duckdb.connect(str(file), read_only=True) as con:
        row = con.execute("select fingerprint from meta.build_info").fetchone()
        return (row[0], con.execute("select table_name, row_count, content_hash from meta.contents order by 1").fetchall()) if row else None


def up_to_date(home: Home, as_of: date | None) -> published.Version | None:
    """Return the version in force if a build of the present lake, policy and models would publish the same again; None where that is not certain.

    A version that somebody let pass in spite of a check is never certain: the check is put again.
    """
    try:
        version = published.find(home)
        info = meta.read_build_info(home)
    except ArwError:
        return None
    wanted = warehouse.identify(home, as_of, {}).fingerprint
    if version.warning or version.pointer["checks"]["overridden"] or info.fingerprint != wanted:
        return None
    (fingerprint, _) = _published_contents(version.file) or ("", [])
    return version if fingerprint == wanted else None


def renew(home: Home, progress: Callable[[str], None]) -> Outcome:
    """Publish the version in force again, with the snapshots that were frozen since; do nothing when it holds them all."""
    previous = published.find(home)
    if snapshots.are_published(home, previous.file):
        return Outcome(previous, is_new=False)
    with duckdb.connect(str(previous.file), read_only=True) as con:
        (fingerprint,) = con.execute("select fingerprint from meta.build_info").fetchone() or ("",)
        contents = con.execute("select table_name, row_count, content_hash from meta.contents order by 1").fetchall()
    with _scratch(home) as scratch:
        version = _next_version(fingerprint, previous)
        contacts = scratch / f"ar_{version}_contacts.duckdb"
        contacts.hardlink_to(previous.contacts_file)
        renewed = _put_in_force(home, version, _source(home, previous, fingerprint), contacts, contents, previous.pointer)
    progress(f"published {version}: the same build, with the snapshots frozen since")
    return Outcome(renewed, is_new=True)


def _source(home: Home, in_force: published.Version, fingerprint: str) -> Path:
    """Return the build that the version in force was published from, if it is still there: else that version's own file."""
    try:
        with connect(home.build_file, read_only=True) as con:
            [[built, was_published]] = con.execute(
                "select fingerprint, exists (select 1 from duckdb_tables() where schema_name = 'meta' and table_name = 'restatements') from meta.build_info"
            ).fetchall()
    except (duckdb.Error, ValueError):
        return in_force.file
    return home.build_file if built == fingerprint and was_published else in_force.file


def _publish(home: Home, info: BuildInfo, results: list[audit.Result], contents: list[audit.Content], previous: published.Version | None) -> published.Version:
    with _scratch(home) as scratch:
        version = _next_version(info.fingerprint, previous)
        contacts = scratch / f"ar_{version}_contacts.duckdb"
        if previous and _holds_same_contacts(home, previous):
            contacts.hardlink_to(previous.contacts_file)
        else:
            _write_contacts(home, info, contacts)
        return _put_in_force(home, version, home.build_file, contacts, contents, _pointer(info, results))


def _pointer(info: BuildInfo, results: list[audit.Result]) -> dict[str, object]:
    """Return what the pointer says of a build and its audit."""
    return {
        "as_of": info.as_of.isoformat(),
        "known_at": meta.moment_text(info.known_at),
        "checks": {
            "passed": sum(result.passed for result in results),
            "overridden": [result.check.check_id for result in results if not result.passed],
        },
    }


@contextmanager
def _scratch(home: Home) -> Iterator[Path]:
    """Make an empty folder to prepare a version in; what killed runs left behind is removed."""
    with emptied(home.preparation) as scratch:
        _remove_unserved(home)
        yield scratch


def _put_in_force(home: Home, version: str, source: Path, contacts: Path, contents: list[audit.Content], said: Mapping[str, object]) -> published.Version:
    """Make ``source`` the version that readers see: replace the pointer in one step."""
    put = _put(home, version, source, contacts, contents, said)
    write_json(home.pointer, put.pointer)
    _prune(home, version)
    return put


def _put(home: Home, version: str, source: Path, contacts: Path, contents: list[audit.Content], said: Mapping[str, object]) -> published.Version:
    """Put ``source`` beside the other versions with the frozen snapshots and what they would say now, and verify.

    These go into the build itself, if that is the source: the next build that follows has the frozen weeks already.
    """
    file = home.published / f"ar_{version}.duckdb"
    copy = contacts.with_name(file.name)
    is_build = source == home.build_file
    if not is_build:
        shutil.copyfile(source, copy)
    with connect(source if is_build else copy) as con:
        compared = restatements.weeks_compared(con)
        frozen_rows = snapshots.write_table(con, home)
        restatements.write(con, snapshots.read(home), compared)
        descriptions.write_others(con)
        con.execute("checkpoint")
    if is_build:
        shutil.copyfile(source, copy)
    sync(copy)
    _verify(copy, contents)
    sha256 = sha256_of(copy)
    pointer = {
        "file": file.name,
        "version": version,
        "as_of": said["as_of"],
        "known_at": said["known_at"],
        "published_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "sha256": sha256,
        "row_counts": {table: rows for table, rows, _ in contents} | {"fct_aging_snapshots": frozen_rows},
        "checks": said["checks"],
    }
    copy.chmod(0o444)
    # Names and addresses of people: for the warehouse's own account and its group only.
    contacts.chmod(0o440)
    contacts.replace(home.published / contacts.name)
    copy.replace(file)
    published.was_hashed(file, sha256)
    write_json(file.with_suffix(".json"), pointer)
    return published.Version(file, pointer)


def _next_version(fingerprint: str, previous: published.Version | None) -> str:
    """Return a name that sorts after every earlier one, also when the clock was set back."""
    now = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    if previous:
        last = datetime.strptime(previous.name.split("_", 1)[0], STAMP)
        now = max(now, last + timedelta(seconds=1))
    return f"{now.strftime(STAMP)}_{fingerprint[:8]}"


def _name_as_known(home: Home, beside: Home, info: BuildInfo) -> str:
    """Return the name of the books as known at a moment; what would hold something else has another name."""
    with duckdb.connect(str(beside.build_file), read_only=True) as con:
        frozen = [one.record_sha256 for one in snapshots.of_build(con, snapshots.read(home))]
    digest = hashlib.sha256("\n".join([info.fingerprint, *frozen]).encode()).hexdigest()
    moment = meta.moment_text(info.known_at).replace("-", "").replace(":", "").replace(".", "")
    return f"{published.AS_KNOWN}{moment}_{digest[:8]}"


def _verify(copy: Path, contents: list[audit.Content]) -> None:
    with duckdb.connect(str(copy), read_only=True) as con:
        for table, rows, _ in contents:
            (copied,) = con.execute(f"select count(*) from marts.{table}").fetchone() or (0,)
            if copied != rows:
                raise ArwError(f"The copy of {table} has {copied} rows instead of {rows}. Nothing was published; the version in force is unchanged.")
    if copy.with_name(copy.name + ".wal").exists():
        raise ArwError(f"{copy.name} was not closed cleanly. Nothing was published; the version in force is unchanged.")


def _holds_same_contacts(home: Home, previous: published.Version) -> bool:
    """Tell whether no drop came or went that could change the personal data of the version before, and its file is as it would be written now."""
    try:
        with connect(previous.file, read_only=True) as con:
            before = {row[0] for row in con.execute("select drop_id from meta.drops").fetchall()}
        with connect(previous.contacts_file, read_only=True) as con:
            columns = {table: ", ".join(con.sql(f"from personal.{table}").columns) for table in PERSONAL}
    except duckdb.Error:
        return False
    drops = lake.drops(home.root)
    told = {drop.drop_id for drop in drops if PERSONAL.keys() & drop.feeds.keys()}
    return columns == PERSONAL and before <= {drop.drop_id for drop in drops} and told <= before


def _write_contacts(home: Home, info: BuildInfo, path: Path) -> None:
    """Write the personal data that belongs to the version into a file of its own."""
    with connect(path) as con:
        meta.attach(con, home, "warehouse")
        con.execute("create schema personal")
        for table, columns in PERSONAL.items():
            con.execute(
                f"""
                create table personal.{table} as
                select {columns} from warehouse.raw_crm.{table} where known_from <= $moment and known_to > $moment
                """,
                {"moment": info.moment},
            )
        con.execute("checkpoint")
    sync(path)


def _versions(home: Home) -> Iterator[str]:
    """Yield the names of all versions that have a file and are or were in force, oldest first."""
    for file in sorted(home.published.glob(f"{published.IN_TURN}.duckdb")):
        if not file.stem.endswith("_contacts"):
            yield file.stem.removeprefix("ar_")


def _remove_unserved(home: Home) -> None:
    """Delete what a run left that was killed before it replaced the pointer: a version that nobody ever saw."""
    for file in home.published.glob(f"ar_{published.AS_KNOWN}*Z_????????.duckdb"):
        if not file.with_suffix(".json").exists():
            _remove(home, file.stem.removeprefix("ar_"))
    with suppress(OSError, ValueError, KeyError):
        in_force = str(json.loads(home.pointer.read_text(encoding="utf-8"))["version"])
        for version in _versions(home):
            if version > in_force:
                _remove(home, version)


def _prune(home: Home, in_force: str) -> None:
    for version in list(_versions(home))[:-KEPT_VERSIONS]:
        if version != in_force:
            _remove(home, version)


def _remove(home: Home, version: str) -> None:
    shutil.rmtree(export.folder(home, version), ignore_errors=True)
    for suffix in (".json", ".duckdb", published.NOTE, "_contacts.duckdb"):
        (home.published / f"ar_{version}{suffix}").unlink(missing_ok=True)
