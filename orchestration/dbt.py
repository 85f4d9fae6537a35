"""One `dbt build`, as a process of its own: importing dbt costs seconds, and in-process it keeps the DuckDB lock."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from orchestration.errors import ArwError
from orchestration.settings import Home, project_dir

SECONDS_TO_END = 10
PROGRESS_STEPS = 10
PARSED = "partial_parse.msgpack"
# What a build does not run: unit tests are for development, and what the audit asks of the build is not asked twice.
LEFT_OUT = ("resource_type:unit_test", "tag:audited")
# What stands as the last build left it where a build follows it: the same models, policy and columns. Their rows are the raw tables' and the policy's.
STANDING = ("resource_type:seed", "path:models/staging,config.materialized:view")


@dataclass(frozen=True)
class Failure:
    """A model that could not be built, or a data test that found rows."""

    name: str
    message: str
    meaning: str
    rows: int
    file: str
    compiled_sql: str


@dataclass(frozen=True)
class Results:
    """What one `dbt build` did."""

    models: int
    tests: int
    errors: tuple[Failure, ...]
    failed_tests: tuple[Failure, ...]


class BuildFailed(ArwError):
    """A model could not be built."""


def build(home: Home, as_of: date, variables: Mapping[str, object], *, follows: bool, full_refresh: bool, progress: Callable[[str], None]) -> Results:
    """Run every seed, model and data test once, but for what is ``LEFT_OUT``, and return what happened.

    A build that ``follows`` the last one derives only the families that orchestration/families.py named, and leaves what is ``STANDING`` as it is.

    What dbt parsed is kept in the home and parsed again only where it changed; so as_of, another one every day, is no var. A new home begins with what was
    parsed for another one of this installation.
    """
    results_file = home.dbt_target / "run_results.json"
    results_file.unlink(missing_ok=True)
    parsed, kept = home.dbt_target / PARSED, _kept_parse(variables)
    # dbt takes what another checkout parsed for its own, and looks for the seeds there.
    parsed_as = home.dbt_target / "parsed_as"
    if not parsed_as.is_file() or parsed_as.read_text(encoding="utf-8") != kept.name:
        parsed.unlink(missing_ok=True)
    if not parsed.exists():
        _copy(kept, parsed)
    exit_code, last_words = _dbt(
        home,
        "build",
        *("--exclude", *LEFT_OUT, *(STANDING if follows else ())),
        *("--target-path", str(home.dbt_target)),
        *("--vars", json.dumps(variables, sort_keys=True)),
        *(["--full-refresh"] if full_refresh else []),
        environment={"AR_AS_OF": as_of.isoformat(), "AR_FOLLOWS": "true" if follows else ""},
        progress=progress,
    )
    if not results_file.is_file():
        raise BuildFailed(
            f"dbt ended with exit code {exit_code} before it built anything:\n{last_words}\n"
            f"The published version is unchanged. Its log: {home.logs / 'dbt.log'}"
        )
    _copy(parsed, kept)
    parsed_as.write_text(kept.name, encoding="utf-8")
    return _results(results_file, home.dbt_target / "manifest.json")


def _kept_parse(variables: Mapping[str, object]) -> Path:
    """Return where this installation keeps what dbt parsed of this project under these variables; dbt itself finds out what has changed since."""
    meant = "\0".join([str(project_dir()), version("dbt-core"), json.dumps(variables, sort_keys=True)])
    return Path(sys.prefix) / "cache" / "arw" / f"{hashlib.sha256(meant.encode()).hexdigest()[:16]}.msgpack"


def _copy(source: Path, target: Path) -> None:
    """Copy in one step, if it can be done: what is not there is only parsed again."""
    with suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copyfile(source, beside)
        beside.replace(target)


def parse(home: Home, target: Path) -> None:
    """Parse the project into ``target``/manifest.json, for those who show it; nothing is built."""
    exit_code, last_words = _dbt(home, "parse", *("--target-path", str(target)), environment={}, progress=lambda _: None)
    if exit_code != 0 or not (target / "manifest.json").is_file():
        raise BuildFailed(f"dbt cannot parse the project (exit code {exit_code}):\n{last_words}\nNothing was changed. Its log: {home.logs / 'dbt.log'}")


def docs(home: Home, target: Path) -> Path:
    """Write dbt's documentation of the project as one page into ``target``, without looking into a database."""
    parse(home, target)
    options = ("generate", "--static", "--empty-catalog", "--no-compile", "--target-path", str(target))
    exit_code, last_words = _dbt(home, "docs", *options, environment={}, progress=lambda _: None)
    page = target / "static_index.html"
    if exit_code != 0 or not page.is_file():
        raise BuildFailed(f"dbt cannot document the project (exit code {exit_code}):\n{last_words}\nNothing was changed. Its log: {home.logs / 'dbt.log'}")
    return page


def _dbt(home: Home, verb: str, *options: str, environment: Mapping[str, str], progress: Callable[[str], None]) -> tuple[int, str]:
    project = project_dir()
    command = [
        sys.executable,
        # Not from the home, where it runs: a folder there could bear a module's name.
        *("-P", "-m", "orchestration.dbt_process"),
        verb,
        *options,
        *("--project-dir", str(project)),
        *("--profiles-dir", str(project)),
        *("--log-path", str(home.logs)),
        "--no-use-colors",
        "--no-version-check",
    ]
    # From within the home, so that the connection is written alike in every home: dbt parses the whole project again where it is another one.
    settings = {"AR_HOME": ".", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", **environment}
    home.root.mkdir(parents=True, exist_ok=True)
    return _run(command, os.environ | settings, home.root, progress)


def _run(command: list[str], environment: Mapping[str, str], cwd: Path, progress: Callable[[str], None]) -> tuple[int, str]:
    """Run to the end, or end the whole process group with us; return the exit code and dbt's last errors."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )
    last_words: deque[str] = deque(maxlen=20)
    try:
        assert process.stdout is not None
        for line in _progress_lines(process.stdout, last_words):
            progress(line)
        return process.wait(), "\n".join(last_words)
    except BaseException:
        _end_group(process)
        raise


def _progress_lines(output: Iterator[str], last_words: deque[str]) -> Iterator[str]:
    """Yield a line per tenth of the nodes and one per failure; keep errors and plain text for the report."""
    told = 0
    for line in output:
        try:
            event = json.loads(line)
            info, data = event["info"], event.get("data", {})
        except (ValueError, KeyError, TypeError):
            last_words.append(line.rstrip())
            continue
        if info.get("level") == "error" and info.get("msg", "").strip():
            last_words.append(info["msg"].strip())
        index, total = data.get("index"), data.get("total")
        if not isinstance(index, int) or not isinstance(total, int) or not total or "status" not in data:
            continue
        if data["status"] in ("error", "fail"):
            yield f"dbt {index}/{total} {data['status']}: {data.get('node_info', {}).get('node_name', '?')}"
        elif index * PROGRESS_STEPS // total > told:
            told = index * PROGRESS_STEPS // total
            yield f"dbt {index}/{total}"


def _die_with_parent() -> None:
    """Ask Linux to kill this child when its parent dies, so that a killed pipeline leaves no writer behind."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def _end_group(process: subprocess.Popen[str]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(SECONDS_TO_END)
            return
        except ProcessLookupError:
            process.wait(SECONDS_TO_END)
            return
        except subprocess.TimeoutExpired:
            continue


def _results(results_file: Path, manifest_file: Path) -> Results:
    results = json.loads(results_file.read_text(encoding="utf-8"))["results"]
    failed = [r for r in results if r["status"] in ("error", "fail", "runtime error")]
    nodes = json.loads(manifest_file.read_text(encoding="utf-8"))["nodes"] if failed else {}
    errors = [_failure(r, nodes.get(r["unique_id"], {})) for r in failed if r["status"] != "fail"]
    failed_tests = [_failure(r, nodes.get(r["unique_id"], {})) for r in failed if r["status"] == "fail"]
    kinds = [r["unique_id"].split(".", 1)[0] for r in results if r["status"] in ("success", "pass")]
    return Results(
        models=kinds.count("model"),
        tests=kinds.count("test"),
        errors=tuple(errors),
        failed_tests=tuple(failed_tests),
    )


def _failure(result: Mapping[str, Any], node: Mapping[str, Any]) -> Failure:
    return Failure(
        name=node.get("name", result["unique_id"]),
        message=_without_trace(result.get("message") or ""),
        meaning=(node.get("description") or "").strip(),
        rows=result.get("failures") or 0,
        file=node.get("original_file_path", ""),
        compiled_sql=result.get("compiled_code") or "",
    )


def _without_trace(message: str) -> str:
    """Return dbt's message without the macros that it passed through."""
    return "\n".join(line for line in message.strip().splitlines() if line.strip() and not line.lstrip().startswith("> "))
