"""The raw assets: the feeds of the extract contract, as the lake has them. One landing fills them all."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from orchestration import checks, inbox, lake, pipeline
from orchestration.assets.answers import check_result
from orchestration.assets.session import Session
from orchestration.extracts.contract import Feed, feeds
from orchestration.inbox import Place
from orchestration.lake import DropRecord
from orchestration.orchestrator import POOL
from orchestration.settings import Home

DROPS = dg.AssetKey(["landing", "drops"])


class LoadConfig(dg.Config):
    """Which drops of the inbox to load; none named: every one that is complete and new."""

    drops: list[str] = Field(default_factory=list)


def key_of(feed: Feed) -> dg.AssetKey:
    """Return the asset key of a feed, which is the key of its dbt source too."""
    return dg.AssetKey([feed.system, feed.name])


def raw_assets(place: Place) -> dg.AssetsDefinition:
    """Return the assets that one landing of the inbox makes."""

    @dg.multi_asset(
        name="raw",
        specs=[
            dg.AssetSpec(DROPS, group_name="raw", kinds={"parquet"}, description="Every drop that was loaded: when it was taken, how far its books go."),
            *(
                dg.AssetSpec(
                    key_of(feed), group_name="raw", kinds={"parquet"}, description=f"{feed.name} as the {feed.system} exported them, typed or rejected."
                )
                for feed in feeds().values()
            ),
        ],
        check_specs=[
            dg.AssetCheckSpec(checks.ACCEPTED, asset=DROPS, description="No drop was refused."),
            *(
                dg.AssetCheckSpec(checks.ACCOUNTED, asset=key_of(feed), description="Per file: rows in = loaded + rejected + duplicate.")
                for feed in feeds().values()
            ),
        ],
        pool=POOL,
    )
    def raw(context: dg.AssetExecutionContext, config: LoadConfig, session: Session) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        with session.step(context) as progress:
            home = session.home
            before = lake.drops(home.root)
            names: Sequence[str] = config.drops
            if not names:
                decision = inbox.settle(place, before, time.sleep)
                names = decision.ready
                for name, reason in decision.waiting.items():
                    context.log.warning(f"{name} was not loaded: {reason}")
            loaded = add_up([pipeline.load(home, place.drop(name), place.profile, progress) for name in names])
            landed = lake.drops(home.root)
            known = {drop.drop_id for drop in before}
            new = [drop for drop in landed if drop.drop_id not in known]
            yield dg.MaterializeResult(asset_key=DROPS, metadata=_drops_metadata(home, place, loaded, landed))
            yield check_result(checks.accepted(loaded), DROPS)
            for feed in feeds().values():
                yield dg.MaterializeResult(asset_key=key_of(feed), metadata=_feed_metadata(home, feed, new, landed))
                yield check_result(checks.accounted(feed.name, landed), key_of(feed))
            pipeline.refuse_incomplete(loaded)

    return raw


def add_up(loads: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what several loads did together."""
    counted = ("drops", "landed", "duplicate", "rows_loaded", "rows_rejected", "rows_duplicate")
    return {name: sum(load[name] for load in loads) for name in counted} | {"refused": [refused for load in loads for refused in load["refused"]]}


def _drops_metadata(home: Home, place: Place, loaded: Mapping[str, Any], landed: Sequence[DropRecord]) -> dict[str, Any]:
    return {
        "dagster/row_count": len(landed),
        "drops landed": loaded["landed"],
        "drops loaded before": loaded["duplicate"],
        "drops refused": len(loaded["refused"]),
        "rows loaded": loaded["rows_loaded"],
        "rows rejected": loaded["rows_rejected"],
        "books through": str(max((drop.books_through for drop in landed), default="nothing loaded")),
        "inbox": dg.MetadataValue.path(place.folder),
        "lake": dg.MetadataValue.path(home.lake),
        "rejected rows": dg.MetadataValue.path(home.lake / "rejects"),
    }


def _feed_metadata(home: Home, feed: Feed, new: Sequence[DropRecord], landed: Sequence[DropRecord]) -> dict[str, Any]:
    now, ever = checks.rows_of(feed.name, new), checks.rows_of(feed.name, landed)
    files: Path = home.lake / feed.system / feed.name
    return {
        "dagster/row_count": ever.loaded,
        "rows read": now.read,
        "rows loaded": now.loaded,
        "rows rejected": now.rejected,
        "rows duplicate": now.duplicate,
        "rows rejected ever": ever.rejected,
        "files": dg.MetadataValue.path(files),
    }
