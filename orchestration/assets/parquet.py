"""The published tables as Parquet files, as an asset."""

from typing import Any

import dagster as dg

from orchestration import pipeline
from orchestration.assets.publishing import PUBLISHED
from orchestration.assets.session import Session
from orchestration.assets.weekly import SNAPSHOT
from orchestration.orchestrator import POOL

PARQUET = dg.AssetKey(["published_parquet"])


@dg.asset(
    key=PARQUET,
    deps=[PUBLISHED, SNAPSHOT],
    group_name="published",
    kinds={"parquet"},
    pool=POOL,
    description="The tables of the version in force as Parquet files, unless the policy says `export_parquet: false`.",
)
def published_parquet(context: dg.AssetExecutionContext, session: Session) -> dg.MaterializeResult[Any]:
    """Export the version in force."""
    with session.step(context) as progress:
        exported = pipeline.export_if_wanted(session.home, progress)["parquet"]
        return dg.MaterializeResult(asset_key=PARQUET, metadata={"folder": dg.MetadataValue.path(exported) if exported else "not wanted by the policy"})
