"""dbt as a process: `python -m orchestration.dbt_process VERB OPTION…` runs it and tells what it does, on standard output and in its log, in lines of JSON.

The same as dbt's own command, but for what is told: dbt makes JSON of every event before it drops those that nobody asked for, twelve out of thirteen, and does
so once for each place that it tells. That was a fifth of a small build.
"""

from __future__ import annotations

import json
import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner
from dbt_common.events.functions import env_scrubber, msg_to_dict

TOLD = ("info", "warn", "error")
MOST_BYTES, LOGS_KEPT = 10 * 2**20, 5
FAILED, BROKEN = 1, 2


def main(arguments: list[str]) -> int:
    """Run dbt; return its exit code: 0, 1 where a node failed, 2 where dbt could not go on. ``arguments`` name its log's folder (`--log-path`)."""
    folder = Path(arguments[arguments.index("--log-path") + 1])
    folder.mkdir(parents=True, exist_ok=True)
    log = logging.getLogger(__name__)
    log.setLevel(logging.INFO)
    log.propagate = False
    for handler in (logging.StreamHandler(sys.stdout), RotatingFileHandler(folder / "dbt.log", maxBytes=MOST_BYTES, backupCount=LOGS_KEPT, encoding="utf-8")):
        log.addHandler(handler)

    def tell(event: Any) -> None:
        if event.info.level in TOLD:
            log.info("%s", env_scrubber(json.dumps(msg_to_dict(event), sort_keys=True, default=str)))

    done = dbtRunner(callbacks=[tell]).invoke([*arguments, "--log-level", "none", "--log-level-file", "none"])
    if done.exception:
        log.error("%s", done.exception)
        return BROKEN
    return 0 if done.success else FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
