"""Control totals as answers with a name: what the load books and the audit say, for whoever shows checks (Dagster's asset checks)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration import audit
from orchestration.errors import PublishRefused
from orchestration.lake import DropRecord

ACCEPTED = "drops_are_accepted"
ACCOUNTED = "rows_are_accounted_for"
CHAINED = "frozen_snapshots_are_unchanged"


@dataclass(frozen=True)
class Answer:
    """The answer to one check; ``found`` counts what is wrong, ``detail`` shows some of it."""

    name: str
    found: int
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether nothing was found."""
        return self.found == 0


@dataclass(frozen=True)
class FeedRows:
    """The rows of one feed over some drops."""

    read: int = 0
    loaded: int = 0
    rejected: int = 0
    duplicate: int = 0


def rows_of(feed: str, drops: Iterable[DropRecord]) -> FeedRows:
    """Return what the load books say of a feed, all its files together."""
    files = [file for drop in drops for file in drop.files if file["feed"] == feed]
    return FeedRows(*(sum(file[column] for file in files) for column in ("rows_in", "rows_loaded", "rows_rejected", "rows_duplicate")))


def accounted(feed: str, drops: Iterable[DropRecord]) -> Answer:
    """Check, per file of a feed, that rows in = loaded + rejected + duplicate."""
    wrong = [
        f"{file['file']} of {drop.path}: {file['rows_in']} rows read, {file['rows_loaded']} loaded, {file['rows_rejected']} rejected, "
        f"{file['rows_duplicate']} duplicate"
        for drop in drops
        for file in drop.files
        if file["feed"] == feed and file["rows_in"] != file["rows_loaded"] + file["rows_rejected"] + file["rows_duplicate"]
    ]
    return Answer(ACCOUNTED, len(wrong), "\n".join(wrong))


def accepted(loaded: Mapping[str, Any]) -> Answer:
    """Check that no drop was refused."""
    return Answer(ACCEPTED, len(loaded["refused"]), "\n".join(loaded["refused"]))


def audited(reasons: Sequence[Mapping[str, object]]) -> list[Answer]:
    """Return the answer to every check of the audit, given the reasons of its refusal (none: it passed)."""
    failed = {reason["check"]: reason for reason in reasons}
    return [
        Answer(check.check_id, int(str(failed[check.check_id]["rows"])), examples(failed[check.check_id]))
        if check.check_id in failed
        else Answer(check.check_id, 0)
        for check in audit.CHECKS
    ]


def examples(reason: Mapping[str, object]) -> str:
    """Return the examples of a refusal's reason, one a line."""
    found = reason["examples"]
    return "\n".join(str(example) for example in found) if isinstance(found, list) else str(found)


def refusal(refused: PublishRefused) -> str:
    """Return a refusal as one text: each check with its meaning, its examples and what to do."""
    lines = [f"Not published: {refused}. The version in force is unchanged."]
    for reason in refused.reasons:
        lines += [f"{reason['check']} ({reason['rows']} rows): {reason['means']}", examples(reason), str(reason.get("next", ""))]
    return "\n".join(line for line in lines if line)
