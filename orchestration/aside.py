"""Building beside the build: a home in `build/aside` whose lake holds some of the drops, linked, and nothing that came later.

What is made there is by construction what these drops alone say: figures, rejects, exceptions, control totals and checks (decision 0017). The home's own
working database, build and pointer are not touched.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from orchestration import lake
from orchestration.errors import ArwError, BadUsage
from orchestration.lake import DropRecord
from orchestration.settings import Home


def known_at(home: Home, moment: datetime) -> list[DropRecord]:
    """Return the drops that had been taken from their source by ``moment`` (UTC, inclusive), whenever they arrived; at least one, the newest last."""
    drops = lake.drops(home.root)
    if not drops:
        raise ArwError(f"Nothing was loaded into {home.root} yet. `arw load PATH` lands a drop or an inbox.")
    known = [drop for drop in drops if drop.extracted_at <= moment]
    if not known:
        raise BadUsage(
            f"Nothing was known at {moment.isoformat(' ')} UTC: the first drop in {home.lake} was taken at {drops[0].extracted_at.isoformat(' ')}. "
            "Nothing was built, and what is published is unchanged. Name that moment or a later one."
        )
    return known


@contextmanager
def holding(home: Home, drop_ids: Iterable[str]) -> Iterator[Home]:
    """Make the home beside with these drops of the lake. It goes when it has served; when that fails it stays, to look at, until the next build."""
    remove(home)
    beside = home.aside
    for drop_id in drop_ids:
        for path in (home.lake / "drops" / f"{drop_id}.json", *home.lake.glob(f"*/{drop_id}.parquet"), *home.lake.glob(f"*/*/{drop_id}.parquet")):
            link = beside.lake / path.relative_to(home.lake)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    # The policy is that of the home, and what it was is kept there; so is who let which check pass.
    home.policies.mkdir(parents=True, exist_ok=True)
    for link, target in ((beside.policy_file, home.policy_file), (beside.policy_tables, home.policy_tables), (beside.policies, home.policies)):
        if target.exists():
            link.symlink_to(target)
    beside.overrides.symlink_to(home.overrides)
    yield beside
    remove(home)


def remove(home: Home) -> None:
    """Delete what was built beside; the lake's files were only linked."""
    shutil.rmtree(home.aside.root, ignore_errors=True)
