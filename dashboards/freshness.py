"""How fresh and how sound the shown version is, in words. The only place of the project's figures that looks at a clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from dashboards.formatting import day, moment
from orchestration.published import Version
from orchestration.settings import Home

# Days between the books' date and today: a weekend old is fresh, a missed weekly drop is stale.
FRESH_DAYS = 3
STALE_DAYS = 8


@dataclass(frozen=True)
class Badge:
    """One verdict: a word, what it means, and how bad it is (good, warning, bad)."""

    word: str
    detail: str
    level: str


def today() -> date:
    """Return the present date in UTC."""
    return datetime.now(UTC).date()


def freshness(as_of: date, now: date) -> Badge:
    """Judge the age of the books."""
    age = (now - as_of).days
    told = f"books as of {day(as_of)}, {_ago(age)}"
    if age <= FRESH_DAYS:
        return Badge("Fresh", told, "good")
    if age < STALE_DAYS:
        return Badge("Ageing", f"{told}; a new load is due", "warning")
    return Badge("Stale", f"{told}; decide nothing urgent on them", "bad")


def soundness(version: Version, refusal: Mapping[str, Any] | None) -> Badge:
    """Judge the version: damaged, behind a refused publish, published by override, or audited without a failure."""
    checks = version.pointer["checks"]
    if version.warning:
        return Badge("Damaged version", version.warning, "bad")
    if refusal:
        return Badge("Last publish refused", f"{moment(_time(refusal['at']))} UTC: {refusal['message']}; shown is the version before", "bad")
    if checks["overridden"]:
        return Badge("Audit overridden", f"published although {', '.join(checks['overridden'])} failed", "warning")
    return Badge("Audit passed", f"all {checks['passed']} checks", "good")


def last_refusal(home: Home) -> dict[str, Any] | None:
    """Return what the newest audit refused, if nothing was published since."""
    try:
        refusal = json.loads(home.last_refusal.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return refusal if isinstance(refusal, dict) and {"at", "message"} <= refusal.keys() else None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _ago(age: int) -> str:
    return "today" if age == 0 else "yesterday" if age == 1 else f"{age} days ago" if age > 0 else f"{-age} days ahead"
