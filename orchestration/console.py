"""The SQL console: one query, read-only, in a process of its own that can be killed and cannot grow."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import duckdb

from orchestration import published, terminal
from orchestration.errors import BAD_USAGE, DONE, FAILED
from orchestration.settings import Home

# The interpreter, DuckDB's code and its threads' stacks need address space that no query's data takes up.
ADDRESS_SPACE_BEYOND_MEMORY_MB = 1536
READING = frozenset({"SELECT", "EXPLAIN"})
LOCKED = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}


@dataclass(frozen=True)
class Limits:
    """What one query may take."""

    rows: int = 1000
    seconds: int = 60
    memory_mb: int = 1024


def execute(home: Home, query: str, how: str, limits: Limits, name: str | None = None) -> int:
    """Run one query on the version in force, or on the one called ``name``, and print its rows; return the exit code."""
    version = published.named(home, name) if name else published.find(home)
    if version.warning:
        terminal.say(f"warning: {version.warning}")
    return _in_a_process(version.file, query, how, limits)


def interactive(home: Home, how: str, limits: Limits, name: str | None = None) -> int:
    """Read queries, each ended by a semicolon, until end of input; each is run on the version in force by then, or on the one called ``name``."""
    import readline  # noqa: F401  line editing and history for input()

    version = published.named(home, name) if name else published.find(home)
    terminal.say(f"{version.file.name}, as of {version.pointer['as_of']}; end a query with ; and leave with Ctrl-D")
    pending = ""
    while True:
        try:
            pending += input(("   ...> " if pending else "arw> ") if sys.stdin.isatty() else "") + "\n"
        except EOFError:
            break
        except KeyboardInterrupt:
            pending = ""
            continue
        if pending.strip() in ("exit", "quit", ".exit", ".quit"):
            return DONE
        if pending.rstrip().endswith(";"):
            execute(home, pending, how, limits, name)
            pending = ""
    if pending.strip():
        return execute(home, pending, how, limits, name)
    return DONE


def _in_a_process(file: Path, query: str, how: str, limits: Limits) -> int:
    request = json.dumps({"file": str(file), "query": query, "how": how, "limits": asdict(limits)})
    process = subprocess.Popen([sys.executable, "-m", "orchestration.console"], stdin=subprocess.PIPE, text=True)
    try:
        process.communicate(request, timeout=limits.seconds)
    except subprocess.TimeoutExpired:
        terminal.say(f"error: the query was ended after {limits.seconds} seconds; --seconds N allows more")
        return FAILED
    finally:
        process.kill()
        process.wait()
    if process.returncode < 0:
        terminal.say(
            f"error: the query was killed ({signal.Signals(-process.returncode).name}), most likely "
            f"for its memory; --memory-mb N allows more than {limits.memory_mb}"
        )
        return FAILED
    return process.returncode


def _serve(request: str) -> int:
    """In the child: set the limits, run the query, print the rows."""
    asked = json.loads(request)
    limits = Limits(**asked["limits"])
    address_space = (limits.memory_mb + ADDRESS_SPACE_BEYOND_MEMORY_MB) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        statements = duckdb.extract_statements(asked["query"])
        if len(statements) != 1 or statements[0].type.name not in READING:
            terminal.say("error: one query at a time, and only SELECT (also DESCRIBE, SHOW, SUMMARIZE and EXPLAIN)")
            return BAD_USAGE
        # Threads share the address space that the limit allows: two are quick enough, and leave it to the data.
        config: dict[str, str | bool | int | float | list[str]] = {**LOCKED, "memory_limit": f"{limits.memory_mb}MB", "threads": "2", "temp_directory": ""}
        with duckdb.connect(asked["file"], read_only=True, config=config) as con:
            con.execute("set search_path = 'marts,meta'")
            con.execute("set lock_configuration = true")
            con.execute(statements[0])
            columns = [column[0] for column in con.description or []]
            found = con.fetchmany(limits.rows + 1)
    except duckdb.Error as error:
        terminal.say(f"error: {error}")
        return FAILED
    except MemoryError:
        terminal.say(f"error: the query needs more than {limits.memory_mb} MB; --memory-mb N allows more")
        return FAILED
    if statements[0].type.name == "EXPLAIN":
        print("\n".join(plan for _, plan in found))
        return DONE
    terminal.rows(columns, islice(found, limits.rows), asked["how"])
    if len(found) > limits.rows:
        terminal.say(f"only the first {limits.rows} rows are shown; --rows N shows more")
    return DONE


def _main() -> int:
    try:
        code = _serve(sys.stdin.read())
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output (`arw sql QUERY | head`) has seen enough; keep the interpreter from complaining too.
        sys.stdout = None
        return DONE
    return code


if __name__ == "__main__":
    sys.exit(_main())
