"""The sensor on the inbox: one run for the drops that have become complete since it last looked."""

from __future__ import annotations

import json

import dagster as dg

from orchestration import inbox, lake
from orchestration.inbox import Place
from orchestration.settings import Home


def drops(job: dg.UnresolvedAssetJobDefinition, home: Home, place: Place) -> dg.SensorDefinition:
    """Return the sensor; what it saw at its last look is its cursor."""

    @dg.sensor(job=job, name="inbox", minimum_interval_seconds=max(1, int(place.quiet_seconds)), default_status=dg.DefaultSensorStatus.RUNNING)
    def inbox_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        looks = inbox.look(place)
        decision = inbox.decide(looks, json.loads(context.cursor or "{}"), inbox.loaded(place, looks, lake.drops(home.root)))
        cursor = json.dumps(decision.memory, sort_keys=True)
        if not decision.ready:
            waiting = "; ".join(f"{name}: {reason}" for name, reason in decision.waiting.items())
            return dg.SensorResult(skip_reason=waiting or f"No new drop in {place.folder}.", cursor=cursor)
        request = dg.RunRequest(
            run_key=decision.run_key,
            run_config={"ops": {"raw": {"config": {"drops": list(decision.ready)}}}},
            tags={"drops": ", ".join(decision.ready)[:200]},
        )
        return dg.SensorResult(run_requests=[request], cursor=cursor)

    return inbox_sensor
