"""What a person or a machine reads: progress and refusals on stderr, results on stdout, decimals exact."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from orchestration.errors import ArwError, PublishRefused

MAX_CELL = 80


def say(line: str) -> None:
    """Print a line of progress. A reader that has gone (`arw run … 2>&1 | head`) stops no work: the rest is for nobody."""
    try:
        print(line, file=sys.stderr, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


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
                print(f"  {text(entry)}")
        elif isinstance(value, Mapping):
            print(f"{name}:")
            for key, entry in value.items():
                print(f"  {key}: {text(entry)}")
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
    found = list(content)
    lines = [[_cut(text(value)) for value in row] for row in found]
    numeric = [
        any(isinstance(row[i], int | Decimal | float) for row in found) and not any(isinstance(row[i], str) for row in found) for i in range(len(columns))
    ]
    widths = [max(len(name), *(len(line[i]) for line in lines), 0) for i, name in enumerate(columns)]
    aligned = [
        "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(line, widths, numeric, strict=True)).rstrip()
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
    if isinstance(value, list | dict):
        return to_json(value)
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


def status(found: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what is published and how sound it is."""
    if as_json:
        print(to_json(found))
        return
    if found["warning"]:
        print(f"WARNING    {found['warning']}")
    failed = [check for check in found["checks"] if not check["passed"]]
    print(f"published  {found['version']} at {found['published_at']}, books as of {found['as_of']}")
    print(f"file       {found['file']}")
    print(f"loaded     {found['drops']} drops, the last at {text(found['loaded_at'])} UTC, known at {found['known_at']}")
    print(f"checks     {len(found['checks']) - len(failed)} of {len(found['checks'])} passed")
    for check in failed:
        print(f"           {check['check_id']}: overridden, {check['rows']} rows: {check['detail']}")
    for override in found["overrides"]:
        print(f"           override of {override['check_id']} by {override['overridden_by']} ({text(override['overridden_at'])}): {override['because']}")
    _section("Receivable, and what is not in it", found["receivable"])
    differing = [entry for entry in found["gl_differences"] if entry["difference_amount"] != 0]
    if found["gl_differences"]:
        unexplained = sum(entry["unexplained_amount"] != 0 for entry in differing)
        title = f"General ledger: {len(differing)} of {len(found['gl_differences'])} balances differ"
        _section(f"{title}, {unexplained} of them not explained" if differing else title, differing)
    else:
        print("\nGeneral ledger: no control balances were delivered, so nothing was reconciled.")
    _section("Rejected rows (`arw rejects` lists them)", found["rejects"])
    _section('Exceptions (`arw sql "from meta.exceptions"` lists them)', found["exceptions"])
    _section('Frozen weeks that would differ now (`arw sql "from meta.restatements"` lists them)', found["restatements"])
    _section("Published beside it (`arw sql --version NAME`)", found["as_known"])
    _section("Rows", [{"table": name, "rows": rows} for name, rows in found["row_counts"].items()])
    if found["last_refusal"]:
        print(f"\nNOT PUBLISHED since: {found['last_refusal']['message']} ({found['last_refusal']['at']})")
        for reason in found["last_refusal"]["reasons"]:
            print(f"  {reason['check']} ({reason['rows']} rows): {reason['means']}")


def verified(proved: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what the proof of the frozen weeks found."""
    if as_json:
        print(to_json(proved))
        return
    result({"snapshots": proved["snapshots"], "broken": [f"{fault['record']}: {fault['reason']}" for fault in proved["broken"]]}, as_json=False)
    for one in proved.get("rebuilt", []):
        print(f"{one['record']}: {'reproduced to the cent' if one['is_reproduced'] else 'NOT reproduced'}{'; '.join(['', *one['differs']])}")


def run_report(done: Mapping[str, Any], *, as_json: bool, arw: str) -> None:
    """End the main job as a person wants it: the figures, where they are, what to type next."""
    if as_json:
        print(to_json(done))
        return
    print()
    print(kpi_table(done["kpis"]))
    print()
    print(f"published  {done['published']['path']}")
    print(f"           {'new version' if done['published']['is_new'] else 'unchanged content, same version'}, books as of {done['published']['as_of']}")
    for place, path in enumerate(done["frozen"]["newest_report"]):
        print(f"{'report' if place == 0 else '':<10} {path}")
    print(f"next       {arw} dashboards")
    print(f"           {arw} status")
    print(f'           {arw} sql "select * from marts.rpt_collector_worklist order by rank limit 10"')


def kpi_table(kpis: Sequence[Mapping[str, Any]]) -> str:
    """Return metrics down, companies across."""
    companies = list(dict.fromkeys((kpi["company_id"], kpi["currency"]) for kpi in kpis))
    values = {(kpi["metric_id"], kpi["company_id"]): kpi_value(kpi) for kpi in kpis}
    metrics = list(dict.fromkeys((kpi["metric_id"], kpi["label"]) for kpi in kpis))
    header = [f"As of {text(kpis[0]['month_end'])}" if kpis else "", *(f"{company} {currency}" for company, currency in companies)]
    lines = [[label, *(values.get((metric, company), "") for company, _ in companies)] for metric, label in metrics]
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths, strict=True))).rstrip()
        for line in [header, ["-" * width for width in widths], *lines]
    )


def kpi_value(kpi: Mapping[str, Any]) -> str:
    """Return the figure in its unit; rounded for the eye only."""
    value = kpi["value"]
    if value is None:
        return "n/a"
    match kpi["unit"]:
        case "ratio":
            return f"{_rounded(value * 100, 1):,f} %"
        case "times":
            return f"{_rounded(value, 2):,f} x"
        case "money":
            return f"{_rounded(value, 2):,f}"
        case _:
            return f"{_rounded(value, 1):,f}"


def _rounded(value: Decimal, places: int) -> Decimal:
    """Round half up, as everywhere: `format` alone would round half to even."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _section(title: str, records: Sequence[Mapping[str, Any]]) -> None:
    print(f"\n{title}{'' if records else ': none'}")
    if records:
        print(table(list(records[0]), [list(record.values()) for record in records]))
