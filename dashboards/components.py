"""What several pages are made of: head with badges, sections, tiles, tables with downloads, states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

import plotly.graph_objects as go
import streamlit as st

from dashboards import charts, drilldown, export, formatting, freshness, strings, tables
from dashboards.drilldown import Asked
from dashboards.formatting import html
from dashboards.tables import Column, Link
from dashboards.warehouse import Record, Shown
from orchestration.settings import Home

STYLE = Path(__file__).with_name("theme.css")
DELTA_COLORS: dict[str, Literal["normal", "inverse"]] = {"higher": "normal", "lower": "inverse"}


def style() -> None:
    """Put the theme's own style on the page."""
    st.html(STYLE)


def head(title: str, subtitle: str, shown: Shown, home: Home) -> None:
    """Say what the page shows, how fresh its books are and how sound the version is."""
    badges = (
        freshness.freshness(date.fromisoformat(shown.as_of), freshness.today()),
        freshness.soundness(shown.version, freshness.last_refusal(home)),
    )
    told = "".join(f'<a class="arw-badge {badge.level}" href="quality"><b>{html(badge.word)}</b><span>{html(badge.detail)}</span></a>' for badge in badges)
    st.html(f'<div class="arw-head"><div><h1>{html(title)}</h1><p>{html(subtitle)}</p></div><div class="arw-badges" role="status">{told}</div></div>')


def section(title: str, told: str = "") -> None:
    """Head a part of a page."""
    st.html(f'<div class="arw-section"><h2>{html(title)}</h2><p>{html(told)}</p></div>')


def note(text: str) -> None:
    """Say something in small letters."""
    st.html(f'<p class="arw-note">{html(text)}</p>')


def state(title: str, text: str, commands: str = "") -> None:
    """Fill a page that has no figures with what is the matter and what to do."""
    typed = f"<pre>{html(commands)}</pre>" if commands else ""
    st.html(f'<div class="arw-state" role="alert"><h2>{html(title)}</h2><p>{html(text)}</p>{typed}</div>')


def rows_link(asked: Asked) -> str:
    """Return the address of the rows behind a figure."""
    return tables.link("rows", drilldown.as_link(asked))


def opens(asked: Callable[[Record], Asked]) -> Link:
    """Return a column's link: each value opens the rows behind it."""
    return lambda record: rows_link(asked(record))


def customer_link(record: Record) -> str | None:
    """Return the address of a record's customer; a line of sums has none."""
    return tables.link("customer", {"customer": str(record["customer_id"])}) if "customer_id" in record else None


def tile(kpi: Record, asked: Asked, beside: str = "") -> None:
    """Show a metric: value, change on the month and on the year before, target, thirteen months, its definition on hover, and the way to its rows."""
    unit, currency, value = kpi["unit"], kpi["currency"], kpi["value"]
    month_change = formatting.change(kpi["month_change"], unit)
    is_still = month_change is None or month_change.startswith("0.0")
    with st.container(border=True, key=f"tile_{kpi['metric_id']}"):
        st.metric(
            f"{kpi['label']}, {currency}" if unit == "money" else kpi["label"],
            formatting.metric(value, unit, currency),
            month_change,
            delta_color="off" if is_still else DELTA_COLORS.get(kpi["better"], "off"),
            delta_arrow="off" if is_still else "auto",
            delta_description=f"on {kpi['prior_month']:%b}" if month_change else None,
            help=_definition(kpi),
            chart_data=[charts.coordinate(entry) for entry in kpi["trail"]],
            chart_type="area",
        )
        told = [_year(kpi), _target(kpi), html(beside) if beside else "", html(strings.NULL_REASONS.get(kpi["null_reason"] or "", kpi["null_reason"] or ""))]
        lines = "".join(f"<div>{line}</div>" for line in told if line)
        st.html(f'<div class="arw-tile">{lines}<a href="{formatting.attribute(rows_link(asked))}">{strings.OPEN_ROWS}</a></div>')


def _definition(kpi: Record) -> str:
    compared = f" Do not compare: {kpi['not_comparable_with'][0].lower()}{kpi['not_comparable_with'][1:]}" if kpi["not_comparable_with"] else ""
    return formatting.markdown(f"{kpi['definition']}{compared}")


def _year(kpi: Record) -> str:
    changed = formatting.change(kpi["year_change"], kpi["unit"])
    before = formatting.month(kpi["prior_year"])
    return f"{html(changed.replace('-', formatting.MINUS))} on {before}" if changed else f"No value for {before} to compare with"


def _target(kpi: Record) -> str:
    if kpi["target_value"] is None or kpi["meets_target"] is None:
        return ""
    word = '<b class="good">met</b>' if kpi["meets_target"] else '<b class="bad">missed</b>'
    return f"Target {html(formatting.metric(kpi['target_value'], kpi['unit'], kpi['currency']))}: {word}"


def chart(figure: go.Figure, columns: Sequence[Column], records: Sequence[Record], caption: str, key: str) -> None:
    """Show a chart and, in the next tab, the same figures as a table whose figures open their rows."""
    drawn, listed = st.tabs([strings.CHART, strings.TABLE], key=f"tabs_{key}")
    with drawn:
        st.plotly_chart(figure, config=charts.CONFIG, key=f"chart_{key}", alt=caption)
    with listed, st.container(height=360, border=False):
        st.html(tables.table(columns, records, caption))


def downloads(name: str, sheets: Callable[[], Sequence[export.Sheet]], about: Sequence[tuple[str, Any]], shown: Shown, *, is_one_table: bool = True) -> None:
    """Offer tables as XLSX and, where it is one, as CSV; they are written when asked for, from the version on the page."""
    file = f"{name}_{shown.version.name}"
    with st.container(horizontal=True, gap="small", key=f"downloads_{name}"):
        _download(strings.EXCEL, lambda: export.workbook(sheets(), [*about, *provenance(shown)]), f"{file}.xlsx", export.XLSX)
        if is_one_table:
            _download(strings.COMMA, lambda: export.comma_separated(sheets()[0].columns, sheets()[0].records), f"{file}.csv", export.CSV)


def _download(label: str, write: Callable[[], bytes], file: str, mime: str) -> None:
    st.download_button(label, write, file, mime, key=f"download_{file}", icon=":material/download:", on_click="ignore")


def provenance(shown: Shown) -> list[tuple[str, Any]]:
    """Return where the figures of a file come from."""
    pointer = shown.version.pointer
    return [
        ("Books as of", date.fromisoformat(shown.as_of)),
        ("Known at (UTC)", pointer["known_at"]),
        ("Published at (UTC)", pointer["published_at"]),
        ("Version", pointer["version"]),
        ("Checksum of the version", pointer["sha256"]),
    ]
