"""The parts of docs/ that are made from what the program knows: docs/metrics.md, and the tables of docs/how-to/policy.md.

`make reference` writes them again; a test fails while they are not what this makes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from orchestration import policy
from orchestration.policy_tables import TABLES, Rows
from orchestration.settings import project_dir

METRICS = "docs/metrics.md"
POLICY = "docs/how-to/policy.md"
UNITS = {"money": "money, in the currency of the row", "days": "days", "ratio": "a fraction (0.85 = 85 %)", "times": "a number of times"}


def metrics_page(rows: Rows, settings: Mapping[str, object]) -> str:
    """Return the page of all metrics, with the words of the seed and the settings' defaults in them."""
    lines = [
        "# Metrics",
        "",
        "Every metric that the marts publish, by its `metric_id`: a row of `marts.rpt_executive_kpis`, or a column of that name. The same words stand in "
        "`meta.metric_definitions` of the published file (there with the settings of your policy in them), in the dashboards' tooltips and in the reports.",
        "",
        "A receivable is positive, open credits and unapplied cash are negative. **Net** = all open items, **gross** = open debit items only; both without "
        "intercompany customers. A ratio whose denominator is 0 or less is NULL, with a `null_reason`. Ratios are never averaged: add up numerators and "
        "denominators.",
        "",
        "<!-- Made by `make reference` from seeds/metric_definitions.csv. -->",
    ]
    for row in rows:
        lines += [
            "",
            f"## {row['label']}",
            "",
            f"`{row['metric_id']}` · {UNITS[str(row['unit'])]}" + (f" · {row['better']} is better" if row["better"] else ""),
            "",
        ]
        lines += [re.sub(r"\{(\w+)\}", lambda found: str(settings[found[1]]), str(row["definition"]))]
        if row["numerator"]:
            lines += ["", f"= {row['numerator']} ÷ {row['denominator']}"]
        if row["not_comparable_with"]:
            lines += ["", f"Not comparable: {str(row['not_comparable_with'])[0].lower()}{str(row['not_comparable_with'])[1:]}"]
    return "\n".join(lines) + "\n"


def settings_table() -> str:
    """Return every setting with its default, what it may be and what it decides, as a table."""
    default = policy.listing(policy.read(None))
    rows = [f"| `{one['setting']}` | {one['default_value'] or 'empty'} | {one['allowed']} | {one['means']} |" for one in default]
    return "\n".join(["| setting | default | may be | decides |", "|---|---|---|---|", *rows])


def tables_reference() -> str:
    """Return every table with its columns and what a cell may hold."""
    lines: list[str] = []
    for name, table in TABLES.items():
        lines += [f"### {name}.csv", "", table.means, "", "| column | holds |", "|---|---|"]
        lines += [f"| `{column}` | {kind.allowed} |" for column, kind in table.columns.items()]
        lines += [""]
    return "\n".join(lines).rstrip()


def with_made_parts(page: str) -> str:
    """Return a page with what stands between its marks made anew."""
    for mark, text in {"settings": settings_table(), "tables": tables_reference()}.items():
        start, end = f"<!-- made: {mark} -->\n", f"\n<!-- end of {mark} -->"
        page = page[: page.index(start) + len(start)] + text + page[page.index(end) :]
    return page


def write() -> None:
    """Write the made parts again."""
    root = project_dir()
    decided = policy.read(None)
    (root / METRICS).write_text(metrics_page(decided.tables["metric_definitions"], decided.settings), encoding="utf-8")
    (root / POLICY).write_text(with_made_parts((root / POLICY).read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
