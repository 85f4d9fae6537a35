"""What a person or a machine reads: progress and refusals on stderr, results on stdout, decimals exact."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from orchestration.errors import ArwError, PublishRefused

MAX_CELL = 80


def say(line: str) -> None:
    """Print a line of progress."""
    print(line, file=sys.stderr, flush=True)


def report_error(error: ArwError, *, as_json: bool) -> None:
    """Say why the work failed."""
    say(f"error: {error}")
    if as_json:
        print(to_json({"error": str(error), "exit_code": error.exit_code}))


def report_refusal(refused: PublishRefused, *, as_json: bool) -> None:
    """Say which checks refused to publish, and why."""
    say(f"not published: {refused}")
    for reason in refused.reasons:
        say(f"  {reason['check']} ({reason['rows']} rows): {reason['means']}")
        examples = reason["examples"]
        assert isinstance(examples, list)
        for example in examples:
            say(f"    {example}")
        if reason.get("next"):
            say(f"    {reason['next']}")
    say("The version in force is unchanged. `arw status` shows it, and these checks.")
    if as_json:
        print(to_json({"error": str(refused), "exit_code": refused.exit_code, "reasons": refused.reasons}))


def result(content: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one record: a line per entry, or JSON."""
    if as_json:
        print(to_json(content))
        return
    for name, value in content.items():
        if isinstance(value, list):
            print(f"{name}:")
            for entry in value:
                print(f"  {entry}")
        else:
            print(f"{name}: {text(value)}")


def rows(columns: Sequence[str], content: Iterable[Sequence[Any]], how: str) -> None:
    """Print rows as an aligned table, as CSV or as JSON."""
    if how == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([safe_cell(value) for value in row] for row in content)
    elif how == "json":
        print(to_json([dict(zip(columns, row, strict=True)) for row in content]))
    else:
        print(table(columns, content))


def table(columns: Sequence[str], content: Iterable[Sequence[Any]]) -> str:
    """Return an aligned table; numbers to the right, long texts cut with a mark."""
    lines = [[_cut(text(value)) for value in row] for row in (found := list(content))]
    numeric = [
        any(isinstance(row[i], int | Decimal | float) for row in found)
        and not any(isinstance(row[i], str) for row in found)
        for i in range(len(columns))
    ]
    widths = [max(len(name), *(len(line[i]) for line in lines), 0) for i, name in enumerate(columns)]
    aligned = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in [list(columns), ["-" * width for width in widths], *lines]
    ]
    return "\n".join(aligned)


def text(value: Any) -> str:
    """Return the value as a person reads it: no float, no exponent, nothing that moves the cursor."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime | date):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))


def safe_cell(value: Any) -> Any:
    """Return the value for a CSV cell: a text that a spreadsheet would run as a formula gets an apostrophe before it."""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
    return "" if value is None else text(value)


def to_json(content: Any) -> str:
    """Return JSON with decimals as exact number literals (the standard encoder knows only floats)."""
    if isinstance(content, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(k))}: {to_json(v)}" for k, v in content.items()) + "}"
    if isinstance(content, list | tuple):
        return "[" + ", ".join(to_json(v) for v in content) + "]"
    if isinstance(content, Decimal) and content.is_finite():
        return format(content, "f")
    if isinstance(content, datetime):
        return json.dumps(content.isoformat("T"))
    if content is None or isinstance(content, bool | int | str):
        return json.dumps(content)
    if isinstance(content, float) and content == content and abs(content) != float("inf"):
        return json.dumps(content)
    return json.dumps(str(content))


def _cut(cell: str) -> str:
    return cell if len(cell) <= MAX_CELL else cell[: MAX_CELL - 1] + "…"
