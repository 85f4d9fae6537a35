"""The charts. Amounts become floats here and nowhere else, as coordinates; what is read off a chart is the exact amount as text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import plotly.graph_objects as go

from dashboards import formatting
from dashboards.warehouse import Record
from orchestration.policy_tables import UNAPPLIED

CONFIG = {"displayModeBar": False, "displaylogo": False, "showSendToCloud": False, "scrollZoom": False, "doubleClick": False}

# Readable on a light and on a dark ground, and apart for readers who do not see red and green as different.
NOT_DUE = "#2f7fb8"
LATE = ("#f3c65f", "#ee9b3f", "#dc6b35", "#b8403e", "#842b52")
CREDIT = "#8794a3"
LINES = {"dso_days": "#2f7fb8", "dso_countback_days": "#dc6b35", "best_possible_dso_days": "#2e9e83", "true_dso_days": "#9a72c7"}
CASH, BILLED = "#2e9e83", "#93a7bb"


def label(text: str) -> str:
    """Return data as a chart's text: plotly reads a small HTML in labels."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def bucket_colors(buckets: Sequence[Record]) -> dict[str, str]:
    """Return a color per bucket (id and first day), oldest last: grey for open credits, blue up to the due date, then ever darker."""
    late = [row["bucket_id"] for row in buckets if row["days_from"] is not None and row["days_from"] > 0]
    colors = {row["bucket_id"]: NOT_DUE for row in buckets} | {bucket: _shade(place, max(len(late) - 1, 1)) for place, bucket in enumerate(late)}
    return colors | {UNAPPLIED: CREDIT}


def _shade(place: int, last: int) -> str:
    """Return the color at ``place`` of 0 to ``last`` on the way through the colors of what is late."""
    step, rest = divmod(place * (len(LATE) - 1), last)
    here, there = LATE[step], LATE[min(step + 1, len(LATE) - 1)]
    mixed = [(int(here[at : at + 2], 16) * (last - rest) + int(there[at : at + 2], 16) * rest) // last for at in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in mixed)


def aging_trend(weeks: Sequence[Record], currency: str) -> go.Figure:
    """Open items by week end, stacked by bucket; open credits below the line."""
    buckets = {row["bucket_id"]: row for row in weeks}
    colors = bucket_colors(list(buckets.values()))
    figure = go.Figure()
    for bucket in buckets:
        rows = [row for row in weeks if row["bucket_id"] == bucket]
        figure.add_bar(
            name=label(rows[0]["label"]),
            x=[row["week_end"] for row in rows],
            y=[coordinate(row["amount"]) for row in rows],
            customdata=[formatting.money(row["amount"], currency) for row in rows],
            marker_color=colors[bucket],
            hovertemplate="%{customdata}",
        )
    figure.update_layout(barmode="relative", bargap=0.15)
    return _framed(figure, currency)


def dso(months: Sequence[Record]) -> go.Figure:
    """DSO and its variants at each month end."""
    figure = go.Figure()
    for name, text in DSO_LABELS.items():
        figure.add_scatter(
            name=text,
            x=[row["month_end"] for row in months],
            y=[coordinate(row[name]) for row in months],
            customdata=[formatting.days(row[name]) for row in months],
            mode="lines+markers",
            line={"color": LINES[name], "width": 3 if name == "dso_days" else 2, "dash": DASHES[name]},
            marker={"size": 5},
            hovertemplate="%{customdata}",
        )
    figure.update_yaxes(rangemode="tozero")
    return _framed(figure, "days")


DSO_LABELS = {"dso_days": "DSO", "dso_countback_days": "Count-back", "best_possible_dso_days": "Best possible", "true_dso_days": "True DSO"}
DASHES = {"dso_days": "solid", "dso_countback_days": "dash", "best_possible_dso_days": "dot", "true_dso_days": "dashdot"}


def cash(months: Sequence[Record], currency: str) -> go.Figure:
    """Cash in beside what was billed, month by month."""
    figure = go.Figure()
    for name, text, color, pattern in (("billed_amount", "Billed", BILLED, "/"), ("collected_amount", "Cash in", CASH, "")):
        figure.add_bar(
            name=text,
            x=[formatting.month(row["month_end"]) for row in months],
            y=[coordinate(row[name]) for row in months],
            customdata=[formatting.money(row[name], currency) for row in months],
            marker={"color": color, "pattern": {"shape": pattern, "size": 5, "solidity": 0.25}},
            hovertemplate="%{customdata}",
        )
    figure.update_layout(barmode="group", bargap=0.25)
    return _framed(figure, currency)


def coordinate(value: Decimal | None) -> float | None:
    """Return an amount as a place on an axis."""
    return None if value is None else float(value)


def _framed(figure: go.Figure, unit: str) -> go.Figure:
    figure.update_layout(
        height=340,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        hovermode="x unified",
        dragmode=False,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0, "title": None, "traceorder": "normal"},
        font={"size": 13},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    figure.update_xaxes(fixedrange=True, showgrid=False, automargin=True, nticks=9)
    figure.update_yaxes(fixedrange=True, title={"text": label(unit), "standoff": 8}, automargin=True, zeroline=True, tickformat="~s" if unit != "days" else "")
    return figure
