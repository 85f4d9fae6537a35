"""The main job, step by step; the command line and the Dagster assets call the same functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from orchestration import aside, lake, meta, policy, published, rebuild, snapshots, warehouse
from orchestration import export as exporter
from orchestration import publish as publisher
from orchestration.errors import ArwError, PublishRefused
from orchestration.files import write_json
from orchestration.meta import BuildInfo
from orchestration.reports import weekly
from orchestration.settings import Home

Progress = Callable[[str], None]


def load(home: Home, path: Path, profile: str | None, progress: Progress) -> dict[str, Any]:
    """Land a drop or an inbox; say what was loaded, what was known already, and what was refused."""
    result = lake.load(path, home.root, profile, progress=progress)
    return {
        "drops": result.seen,
        "landed": len(result.landed),
        "duplicate": len(result.duplicate),
        "refused": [str(error) for error in result.refused],
        "rows_loaded": sum(result.rows_loaded.values()),
        "rows_rejected": sum(result.rows_rejected.values()),
        "rows_duplicate": sum(result.rows_duplicate.values()),
    }


def refuse_incomplete(loaded: Mapping[str, Any]) -> None:
    """Stop a run in which a drop was refused: figures without it would look complete."""
    if loaded["refused"]:
        raise ArwError(
            "\n".join(loaded["refused"]) + f"\n{len(loaded['refused'])} of {loaded['drops']} drops were refused, so nothing was built; "
            "the version in force is unchanged. Mend them and run again."
        )


def build(home: Home, as_of: date | None, *, full_refresh: bool, progress: Progress) -> dict[str, Any]:
    """Build the marts of everything that was loaded."""
    aside.remove(home)
    with _refusal_on_record(home):
        info = warehouse.build(home, as_of, full_refresh=full_refresh, progress=progress)
    return told(home, info)


def told(home: Home, info: BuildInfo) -> dict[str, Any]:
    """Say what a build was made from, and where it is."""
    return {"as_of": info.as_of, "known_at": info.known_at, "build": info.fingerprint, "file": str(home.build_file)}


def build_as_known(home: Home, moment: datetime, as_of: date | None, overrides: Mapping[str, tuple[str, str]], progress: Progress) -> dict[str, Any]:
    """Build, audit and publish the books as they were known at ``moment`` (UTC), under a name of their own; the version in force stays what it is.

    Without ``as_of`` they are read at the last day that the drops known then cover.
    """
    known = aside.known_at(home, moment)
    progress(f"{len(known)} drops were known at {meta.moment_text(moment)}")
    with aside.holding(home, [drop.drop_id for drop in known]) as beside:
        warehouse.build(beside, as_of or max(drop.books_through for drop in known), progress=progress)
        meta.date_knowledge(beside, moment)
        outcome = publisher.publish_beside(home, beside, overrides, progress)
    return {"is_new": outcome.is_new, "path": str(outcome.version.file)} | outcome.version.pointer


def publish(home: Home, overrides: Mapping[str, tuple[str, str]], progress: Progress) -> dict[str, Any]:
    """Audit the build and make it the version that readers see."""
    with _refusal_on_record(home):
        outcome = publisher.publish(home, overrides, progress)
    home.last_refusal.unlink(missing_ok=True)
    return {"is_new": outcome.is_new, "path": str(outcome.version.file)} | outcome.version.pointer


def snapshot(home: Home, as_of: date | None, progress: Progress) -> dict[str, Any]:
    """Freeze the weeks that are due, publish them, and write the report files that are missing."""
    return freeze(home, as_of, progress) | report(home, progress)


def freeze(home: Home, as_of: date | None, progress: Progress) -> dict[str, Any]:
    """Freeze the weeks that are due, and publish them."""
    with _refusal_on_record(home):
        frozen = snapshots.freeze(home, as_of, progress)
        outcome = publisher.renew(home, progress)
    return {"frozen": [one.snapshot_date for one in frozen], "snapshots": len(snapshots.read(home)), "version": outcome.version.name}


def verify(home: Home, *, is_rebuilt: bool, week: date | None, progress: Progress) -> dict[str, Any]:
    """Prove the chain of the frozen weeks and, if asked to, make them (or one) again from exactly their drops."""
    found = snapshots.verify(home)
    broken = [{"record": fault.record, "reason": fault.reason} for fault in found]
    said: dict[str, Any] = {"snapshots": snapshots.count(home), "broken": broken}
    if is_rebuilt and not broken:
        rebuilt = rebuild.rebuild(home, week, progress)
        said["rebuilt"] = [asdict(one) for one in rebuilt]
        said["broken"] = [{"record": one.record, "reason": "; ".join(one.differs)} for one in rebuilt if one.is_broken]
    return said


def report(home: Home, progress: Progress) -> dict[str, Any]:
    """Write the report files that frozen weeks lack; name them, and those of the last week."""
    written = weekly.write_missing(home, progress)
    return {"reports": [str(path) for path in written], "newest_report": [str(path) for path in weekly.newest(home)]}


def export(home: Home, progress: Progress) -> dict[str, Any]:
    """Write the tables of the version in force as Parquet."""
    folder, is_new = exporter.write(home, progress)
    return {"parquet": str(folder), "is_new": is_new}


def export_if_wanted(home: Home, progress: Progress) -> dict[str, Any]:
    """Write the tables of the version in force as Parquet, unless the policy says not to."""
    return export(home, progress) if policy.read(home).settings["export_parquet"] else {"parquet": None, "is_new": False}


@contextmanager
def _refusal_on_record(home: Home) -> Iterator[None]:
    """Keep why an audit refused, for `arw status`."""
    try:
        yield
    except PublishRefused as refused:
        home.last_refusal.parent.mkdir(parents=True, exist_ok=True)
        write_json(home.last_refusal, {"at": datetime.now(UTC).isoformat("T", "seconds"), "message": str(refused), "reasons": refused.reasons})
        raise


def run(home: Home, path: Path, profile: str | None, as_of: date | None, progress: Progress) -> dict[str, Any]:
    """Load, build, audit, publish, freeze and export; nothing is built where the version in force holds all of it (decision 0016).

    A policy that cannot be used is said before anything is done.
    """
    policy.read(home)
    aside.remove(home)
    loaded = load(home, path, profile, progress)
    refuse_incomplete(loaded)
    if version := publisher.up_to_date(home, as_of):
        warehouse.refresh(home, progress)
        progress(f"{version.name} holds everything that was loaded; nothing was built")
        home.last_refusal.unlink(missing_ok=True)
        built, is_new = told(home, meta.read_build_info(home)), False
    else:
        built = build(home, as_of, full_refresh=False, progress=progress)
        is_new = publish(home, {}, progress)["is_new"]
    frozen = snapshot(home, None, progress)
    exported = export_if_wanted(home, progress)
    in_force = published.find(home)
    return {
        "loaded": loaded,
        "built": built,
        "published": {"is_new": is_new, "path": str(in_force.file)} | in_force.pointer,
        "frozen": frozen,
        "exported": exported,
        "kpis": kpis(home),
    }


def kpis(home: Home) -> list[dict[str, Any]]:
    """Return the headline figures of the version in force, per company and for the group."""
    con, _ = published.open(home)
    with con:
        cursor = con.execute(
            """
            select
                kpis.month_end, kpis.company_id, kpis.currency, kpis.metric_id, metrics.label, metrics.unit,
                kpis.value, kpis.prior_month_value, kpis.prior_year_value
            from marts.rpt_executive_kpis as kpis
            inner join meta.metric_definitions as metrics on metrics.metric_id = kpis.metric_id
            where kpis.month_end = (select max(month_end) from marts.rpt_executive_kpis)
            order by kpis.company_id = 'ALL', kpis.company_id, metrics.rowid
            """
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
