"""The command line: `arw`. Progress goes to stderr, results to stdout; nothing heavy is imported before it is needed."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from orchestration import errors, terminal
from orchestration.lock import pipeline_lock
from orchestration.settings import Home, home_at

Command = Callable[[argparse.Namespace, Home], int]
Commands = Any  # argparse names the type of its sub-parsers only privately


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments, argparse.Namespace(as_json=False))
    home = home_at(getattr(options, "home", None))
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return int(options.command(options, home))
    except (KeyboardInterrupt, errors.Terminated):
        terminal.say("stopped; what was published before is unchanged, and the next run starts over from the lake")
        return errors.FAILED
    except errors.PublishRefused as refused:
        terminal.report_refusal(refused, as_json=options.as_json)
        return refused.exit_code
    except errors.ArwError as error:
        terminal.report_error(error, as_json=options.as_json)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output (`arw rejects | head`) has seen enough; keep the interpreter from complaining too.
        sys.stdout = None
        return errors.DONE
    except Exception as error:
        # What the machine refused (no room, no rights, a damaged file) is told as it is; anything else is a bug and keeps its trace.
        if not isinstance(error, OSError) and not type(error).__module__.endswith("duckdb"):
            raise
        terminal.report_error(errors.ArwError(f"{error}\nThe published version is unchanged. Remove the cause and run again."), as_json=options.as_json)
        return errors.FAILED


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise errors.Terminated("SIGTERM")


def parser() -> argparse.ArgumentParser:
    """Return the parser with every command registered."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--home", metavar="DIR", default=argparse.SUPPRESS, help="the warehouse's folder (AR_HOME; ./var)")
    shared.add_argument(
        "--json",
        dest="as_json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print the result as JSON",
    )
    top = argparse.ArgumentParser(prog="arw", description="Receivables Warehouse", parents=[shared])
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for register in COMMANDS:
        register(_Registry(commands, shared))
    return top


class _Registry:
    """Adds one command with the options that every command has."""

    def __init__(self, commands: Commands, shared: argparse.ArgumentParser) -> None:
        self._commands, self._shared = commands, shared

    def add(self, name: str, command: Command, says: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = self._commands.add_parser(name, help=says, description=says, parents=[self._shared])
        added.set_defaults(command=command, name=name)
        return added


def register_demo(registry: _Registry) -> None:
    command = registry.add("demo", demo, "write a believable inbox of drops (same seed, same bytes)")
    command.add_argument("--size", default="small", help="small (the default), medium, large or a number of documents")
    command.add_argument("--seed", type=int, default=7, help="another number, another inbox (7)")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="an empty or new folder")


def demo(options: argparse.Namespace, _home: Home) -> int:
    """Write a demo inbox."""
    from orchestration.demo import generate

    try:
        written = generate(options.out, options.size, options.seed, terminal.say)
    except ValueError as error:
        raise errors.BadUsage(str(error)) from None
    except FileExistsError as error:
        raise errors.ArwError(str(error)) from None
    inbox = {"inbox": str(written.out), "drops": len(written.drops), "rows": dict(written.row_counts), "on purpose": list(written.deliberate)}
    terminal.result(inbox, as_json=options.as_json)
    return errors.DONE


def register_load(registry: _Registry) -> None:
    command = registry.add("load", load, "land a drop or an inbox: validate, reject, record; idempotent")
    _add_extracts(command)
    _add_wait(command)


def load(options: argparse.Namespace, home: Home) -> int:
    """Land a drop or an inbox; refused drops make the exit code 1, the others are loaded all the same."""
    from orchestration import pipeline

    with pipeline_lock(home, _told(options), wait=options.wait, progress=terminal.say):
        loaded = pipeline.load(home, options.path, options.profile, terminal.say)
    terminal.result(loaded, as_json=options.as_json)
    return errors.FAILED if loaded["refused"] else errors.DONE


def register_build(registry: _Registry) -> None:
    command = registry.add("build", build, "run the dbt models and data tests on the warehouse")
    _add_as_of(command)
    command.add_argument("--full-refresh", action="store_true", help="derive everything again")
    command.add_argument(
        "--known-at",
        type=_moment,
        metavar="MOMENT",
        help="the books as known at MOMENT (ISO, UTC), audited and published into a version of their own; what readers see does not change",
    )
    _add_overrides(command)
    _add_wait(command)


def build(options: argparse.Namespace, home: Home) -> int:
    """Build the marts; as known at a past moment they are published too, beside the version in force."""
    from orchestration import pipeline

    overrides = _overrides(options)
    if overrides and not options.known_at:
        options.usage_error("an override belongs to the publishing: `arw publish`, or `arw build --known-at MOMENT`, which publishes too")
    if options.known_at:
        with pipeline_lock(home, _told(options), wait=options.wait, progress=terminal.say):
            known = pipeline.build_as_known(home, options.known_at, options.as_of, overrides, terminal.say)
        terminal.result(known, as_json=options.as_json)
        return errors.DONE
    with pipeline_lock(home, _told(options), wait=options.wait, progress=terminal.say):
        built = pipeline.build(home, options.as_of, full_refresh=options.full_refresh, progress=terminal.say)
    terminal.result(built, as_json=options.as_json)
    return errors.DONE


def register_publish(registry: _Registry) -> None:
    command = registry.add("publish", publish, "audit the build and make it the version that readers see")
    _add_overrides(command)
    _add_wait(command)


def publish(options: argparse.Namespace, home: Home) -> int:
    """Audit and publish the build."""
    from orchestration import pipeline

    overrides = _overrides(options)
    with pipeline_lock(home, _told(options), wait=options.wait, progress=terminal.say):
        published = pipeline.publish(home, overrides, terminal.say)
    terminal.result(published, as_json=options.as_json)
    return errors.DONE


def register_snapshot(registry: _Registry) -> None:
    command = registry.add("snapshot", snapshot, "freeze the weekly agings that are due and write their report files; `verify` proves the frozen ones")
    command.add_argument("what", nargs="?", choices=("verify",), help="recompute the chain and every hash, and say what is broken")
    command.add_argument(
        "--rebuild",
        type=_date,
        nargs="?",
        const=True,
        metavar="WEEK",
        help="with verify: also make the frozen weeks, or the one to WEEK, again from exactly their drops and compare to the cent",
    )
    command.set_defaults(usage_error=command.error)
    command.add_argument("--as-of", type=_date, metavar="DATE", help="freeze weeks up to DATE only")
    _add_wait(command)


def snapshot(options: argparse.Namespace, home: Home) -> int:
    """Freeze what is due, or verify what was frozen."""
    from orchestration import pipeline

    if options.rebuild and options.what != "verify":
        options.usage_error("frozen weeks are made again to verify them: arw snapshot verify --rebuild")
    if options.what == "verify":
        # What only reads waits for nobody; a build does.
        with pipeline_lock(home, _told(options), wait=options.wait, progress=terminal.say) if options.rebuild else nullcontext():
            week = None if options.rebuild is True else options.rebuild
            proved = pipeline.verify(home, is_rebuilt=options.rebuild is not None, week=week, progress=terminal.say)
        terminal.verified(proved, as_json=options.as_json)
        return errors.FAILED if proved["broken"] else errors.DONE
    with pipeline_lock(home, _told(options), wait=options.wait, progress=terminal.say):
        done = pipeline.snapshot(home, options.as_of, terminal.say)
    terminal.result(done, as_json=options.as_json)
    return errors.DONE


def register_run(registry: _Registry) -> None:
    command = registry.add("run", run, "load, build, audit and publish in one go: the scheduled job, from a shell")
    _add_extracts(command)
    _add_as_of(command)
    _add_wait(command)


def run(options: argparse.Namespace, home: Home) -> int:
    """Do the main job and print the figures."""
    from orchestration import pipeline

    with pipeline_lock(home, _told(options), wait=options.wait, progress=terminal.say):
        done = pipeline.run(home, options.path, options.profile, options.as_of, terminal.say)
    terminal.run_report(done, as_json=options.as_json, arw=_arw(home))
    return errors.DONE


def register_export(registry: _Registry) -> None:
    command = registry.add("export", export, "write the tables of the published version as Parquet files beside it, for Excel, Power BI and others")
    _add_wait(command)


def export(options: argparse.Namespace, home: Home) -> int:
    """Export the version in force."""
    from orchestration import pipeline

    with pipeline_lock(home, _told(options), wait=options.wait, progress=terminal.say):
        done = pipeline.export(home, terminal.say)
    terminal.result(done, as_json=options.as_json)
    return errors.DONE


def register_policy(registry: _Registry) -> None:
    command = registry.add("policy", policy, "the settings of policy in force here, and whether they can be used; nothing is built")
    command.add_argument("--format", choices=("table", "csv"), default="table")


def policy(options: argparse.Namespace, home: Home) -> int:
    """Check the home's policy and list every setting."""
    from orchestration import policy as reader

    listed = reader.listing(reader.read(home))
    terminal.rows(list(listed[0]), [tuple(said.values()) for said in listed], "json" if options.as_json else options.format)
    return errors.DONE


def register_docs(registry: _Registry) -> None:
    command = registry.add("docs", docs, "write the documentation of all models as one HTML page that needs no server and no network")
    command.add_argument("--out", type=Path, metavar="FILE", help="where to (docs.html in the home)")


def docs(options: argparse.Namespace, home: Home) -> int:
    """Write the page."""
    from orchestration import docs as writer

    terminal.result({"page": str(writer.write(home, options.out or home.docs, terminal.say))}, as_json=options.as_json)
    return errors.DONE


def register_status(registry: _Registry) -> None:
    registry.add("status", status, "what is published, how fresh and how sound it is")


def status(options: argparse.Namespace, home: Home) -> int:
    """Say what is published."""
    from orchestration import status as reader

    terminal.status(reader.read(home), as_json=options.as_json)
    return errors.DONE


def register_workpaper(registry: _Registry) -> None:
    command = registry.add("workpaper", workpaper, "the auditor's workpaper of a period: general ledger and subledger, with what makes up the differences")
    command.add_argument("--period", metavar="PERIOD", help="a month (YYYY-MM) or a period end (YYYY-MM-DD); the newest period end delivered")


def workpaper(options: argparse.Namespace, home: Home) -> int:
    """Write the workpaper from the version in force, and name its file."""
    from orchestration.reports import workpaper as papers

    terminal.result({"workpaper": str(papers.write(home, options.period))}, as_json=options.as_json)
    return errors.DONE


def register_rejects(registry: _Registry) -> None:
    command = registry.add("rejects", rejects, "the rejected rows with file, line, reason and the original text")
    command.add_argument("--feed", metavar="F", help="only this feed's")
    command.add_argument("--format", choices=("table", "csv"), default="table")


def rejects(options: argparse.Namespace, home: Home) -> int:
    """List what landing rejected."""
    from orchestration import status as reader
    from orchestration.extracts import contract

    if options.feed and options.feed not in (known := contract.feeds()):
        raise errors.BadUsage(f"There is no feed {options.feed!r}. The feeds are: {', '.join(known)}.")
    columns, rows = reader.rejects(home, options.feed)
    terminal.rows(columns, rows, "json" if options.as_json else options.format)
    return errors.DONE


def register_sql(registry: _Registry) -> None:
    command = registry.add("sql", sql, "read-only SQL on the published file (interactive without QUERY)")
    command.add_argument("query", nargs="?", metavar="QUERY")
    command.add_argument("--version", metavar="NAME", help="another version than the one in force: `arw status` names those of `arw build --known-at`")
    command.add_argument("--format", choices=("table", "csv", "json"), default="table")
    command.add_argument("--rows", type=int, default=1000, metavar="N", help="print at most N rows (1000)")
    command.add_argument("--seconds", type=int, default=60, metavar="N", help="end a query after N seconds (60)")
    command.add_argument("--memory-mb", type=int, default=1024, metavar="N", help="a query's memory (1024)")


def sql(options: argparse.Namespace, home: Home) -> int:
    """Query the published file."""
    from orchestration import console

    limits = console.Limits(rows=options.rows, seconds=options.seconds, memory_mb=options.memory_mb)
    how = "json" if options.as_json else options.format
    if options.query is None:
        return console.interactive(home, how, limits, options.version)
    return console.execute(home, options.query, how, limits, options.version)


def register_dashboards(registry: _Registry) -> None:
    command = registry.add("dashboards", dashboards, "the Streamlit app on the published file, until Ctrl-C")
    command.add_argument("--port", type=int, default=8501, metavar="N", help="where the app listens (8501)")
    command.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="who may reach it: this machine only (127.0.0.1); 0.0.0.0 is everyone")


def dashboards(options: argparse.Namespace, home: Home) -> int:
    """Serve until told to stop."""
    from dashboards import launch

    return launch.serve(home, options.host, options.port, terminal.say)


def register_orchestrate(registry: _Registry) -> None:
    command = registry.add("orchestrate", orchestrate, "the Dagster UI and daemon with schedules and the inbox sensor (127.0.0.1), until Ctrl-C")
    command.add_argument("--port", type=int, default=3000, metavar="N", help="where the UI listens (3000)")


def orchestrate(options: argparse.Namespace, home: Home) -> int:
    """Serve until told to stop."""
    from orchestration import orchestrator

    orchestrator.orchestrate(home, options.port, terminal.say)
    return errors.DONE


def _add_extracts(command: argparse.ArgumentParser) -> None:
    command.add_argument("path", type=Path, metavar="PATH", help="a drop, or a folder of drops")
    command.add_argument("--profile", metavar="P", help="how the files are written: a shipped profile, or a folder")


def _add_as_of(command: argparse.ArgumentParser) -> None:
    command.add_argument("--as-of", type=_date, metavar="DATE", help="read the books at DATE (the newest drop's books_through)")


def _add_overrides(command: argparse.ArgumentParser) -> None:
    command.add_argument("--override", metavar="CHECK", action="append", default=[], help="publish though CHECK failed")
    command.add_argument("--by", metavar="WHO", help="who answers for the override")
    command.add_argument("--because", metavar="WHY", help="the reason, for the record")
    command.set_defaults(usage_error=command.error)


def _overrides(options: argparse.Namespace) -> dict[str, tuple[str, str]]:
    if options.override and not (options.by and options.because):
        options.usage_error("an override goes on record: say --by WHO and --because WHY")
    return {check: (options.by, options.because) for check in options.override}


def _add_wait(command: argparse.ArgumentParser) -> None:
    command.add_argument("--wait", action="store_true", help="wait for another pipeline in this home to end")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write YYYY-MM-DD") from None


def _moment(text: str) -> datetime:
    """Return a moment in UTC; a day alone would leave open which drops of it are meant."""
    try:
        moment = datetime.fromisoformat(text)
        if len(text) <= len("YYYY-MM-DD"):
            raise ValueError
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no moment; write YYYY-MM-DDTHH:MM:SSZ (UTC)") from None


def _arw(home: Home) -> str:
    """Return how to call `arw` for this home from where the user stands."""
    program = Path(sys.argv[0])
    shown = program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program
    return f"{shown}" if home == home_at(None) else f"{shown} --home {home.root}"


def _told(options: argparse.Namespace) -> str:
    """Return the command for the lock file, so that whoever is kept waiting knows by what."""
    return f"arw {options.name}"


COMMANDS = (
    register_demo,
    register_load,
    register_build,
    register_publish,
    register_snapshot,
    register_run,
    register_export,
    register_policy,
    register_docs,
    register_status,
    register_workpaper,
    register_rejects,
    register_sql,
    register_dashboards,
    register_orchestrate,
)
