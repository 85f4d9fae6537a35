"""Charts: exact amounts in what is read off them, colors for any set of buckets, data never as markup."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dashboards import charts

WEEKS = [
    {"week_end": date(2026, 10, 16), "bucket_id": bucket, "label": label, "days_from": days_from, "amount": amount}
    for bucket, label, days_from, amount in (
        ("current", "Current <b>now</b>", None, Decimal("12345678901234.567")),
        ("1_30", "1\N{EN DASH}30 & more", 1, Decimal("0.100")),
        ("unapplied", "Unapplied", None, None),
    )
]


def test_what_is_read_off_a_chart_is_the_exact_amount() -> None:
    figure = charts.aging_trend(WEEKS, "KWD")
    assert figure.data[0].customdata[0] == "KWD\N{NO-BREAK SPACE}12,345,678,901,234.567"
    assert figure.data[2].customdata[0].endswith("n/a") and figure.data[2].y[0] is None


def test_labels_are_no_markup() -> None:
    names = [trace.name for trace in charts.aging_trend(WEEKS, "KWD").data]
    assert names == ["Current &lt;b&gt;now&lt;/b&gt;", "1\N{EN DASH}30 &amp; more", "Unapplied"]


def test_each_bucket_has_a_color_of_its_own() -> None:
    for late in range(1, 20):
        days = {"b0": None} | {f"b{number}": 1 + 10 * number for number in range(1, late + 1)} | {"unapplied": None}
        colors = charts.bucket_colors([{"bucket_id": bucket, "days_from": day} for bucket, day in days.items()])
        assert len({colors[bucket] for bucket in days}) == len(days)


def test_what_is_not_late_is_never_drawn_as_late_whatever_its_name() -> None:
    days = {"early": None, "soon": -29, "late": 1, "very_late": 31}
    colors = charts.bucket_colors([{"bucket_id": bucket, "days_from": day} for bucket, day in days.items()])
    assert colors["early"] == colors["soon"] == charts.NOT_DUE
    assert (colors["late"], colors["very_late"]) == (charts.LATE[0], charts.LATE[-1])


def test_no_chart_offers_to_upload_itself() -> None:
    assert charts.CONFIG["showSendToCloud"] is False and charts.CONFIG["displaylogo"] is False


def test_months_without_a_value_leave_a_gap() -> None:
    month = {"month_end": date(2026, 9, 30), "currency": "EUR"} | dict.fromkeys(charts.DSO_LABELS)
    assert [trace.y[0] for trace in charts.dso([month]).data] == [None] * len(charts.DSO_LABELS)
    cash = charts.cash([{"month_end": date(2026, 9, 30), "billed_amount": Decimal("10.50"), "collected_amount": Decimal(0)}], "EUR")
    assert [trace.customdata[0] for trace in cash.data] == ["EUR\N{NO-BREAK SPACE}10.50", "EUR\N{NO-BREAK SPACE}0.00"]
