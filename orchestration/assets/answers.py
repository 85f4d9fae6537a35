"""Answers to checks, as Dagster shows them."""

from __future__ import annotations

from typing import Any

import dagster as dg

from orchestration.checks import Answer


def check_result(answer: Answer, asset: dg.AssetKey, **metadata: Any) -> dg.AssetCheckResult:
    """Return the result of an asset check."""
    said = {"rows": answer.found} | ({"examples": answer.detail} if answer.detail else {}) | metadata
    return dg.AssetCheckResult(asset_key=asset, check_name=answer.name, passed=answer.passed, metadata=said)
