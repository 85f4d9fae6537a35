"""Where the receivable stands: for whoever answers for it."""

from __future__ import annotations

from datetime import date, timedelta

import streamlit as st

from dashboards import charts, components, export, filters, formatting, queries, strings, tables
from dashboards.drilldown import Asked
from dashboards.queries import Scope
from dashboards.tables import Column, Link
from dashboards.warehouse import Record, Shown
from orchestration.settings import Home

# The headline figures; DSO has the best possible one beside it.
TILES = (
    "net_receivable", "past_due_ratio", "over_90_ratio", "unapplied_amount", "dso_days", "best_possible_dso_days",
    "collection_effectiveness_index", "collection_rate",
)  # fmt: skip


def render(shown: Shown, home: Home) -> None:
    """Show the executives' page."""
    read = shown.read
    companies = {row["company_id"]: row for row in queries.companies(read)}
    as_of = date.fromisoformat(shown.as_of)
    components.head(strings.OVERVIEW, f"Books as of {formatting.day(as_of)}", shown, home)
    first = queries.first_day(read)
    if first is None or not companies:
        components.state("Nothing is posted", strings.NO_MONTHS)
        return

    company, currency, on = _filters(shown, companies, first, as_of)
    unit = companies[company]["currency"]
    scope = Scope(company, currency or unit, currency)
    month_end = queries.month_end(read, company, on)
    if month_end is None:
        components.state("Before the books", f"{companies[company]['name']} has nothing posted by {formatting.day(on)}. Choose a later date.")
        return
    if currency:
        components.note(strings.KPI_CURRENCY_NOTE.format(currency))

    _key_figures(shown, company, unit, month_end)
    _aging(shown, scope, on)
    _months(shown, company, unit, month_end)
    _debtors(shown, scope, on)
    _outside(shown, company)
    with st.container(key="card_export", border=True):
        components.note("Everything on this page as one workbook, typed and complete.")
        about = _about(scope, on, month_end)
        components.downloads("receivables_overview", lambda: _sheets(shown, scope, unit, on, month_end), about, shown, is_one_table=False)


def _filters(shown: Shown, companies: dict[str, Record], first: date, as_of: date) -> tuple[str, str | None, date]:
    left, middle, right = st.columns([5, 4, 3])
    with left:
        names = {key: row["name"] if key == queries.ALL else f"{key} · {row['name']}" for key, row in companies.items()}
        company = filters.choice("Company", "company", list(companies), names, next(reversed(companies)))
    with middle:
        codes = queries.currencies(shown.read, company)
        labels = {"*": strings.IN_BASE.format(companies[company]["currency"])} | {code: f"{code} items only" for code in codes}
        currency = filters.choice("Currency", "currency", ["*", *codes], labels, "*")
    with right:
        on = filters.day("As of", "on", first, as_of)
    return company, None if currency == "*" else currency, on


def _key_figures(shown: Shown, company: str, unit: str, month_end: date) -> None:
    kpis = queries.kpis(shown.read, company, month_end)
    is_month_over = (month_end + timedelta(days=1)).day == 1
    month = "" if is_month_over else f" ({month_end:%B} so far, {month_end.day} days)"
    components.section(strings.KEY_FIGURES, f"at {formatting.day(month_end)}{month}, in {unit}; without intercompany customers")
    with st.container(key="tiles_kpis"):
        for metric in TILES:
            components.tile(kpis[metric], Asked(metric, month_end, company), _beside(metric, kpis))


def _beside(metric: str, kpis: dict[str, Record]) -> str:
    match metric:
        case "dso_days":
            return f"of which {formatting.days(kpis['average_days_delinquent']['value'])} from late payment"
        case "unapplied_amount":
            return f"{formatting.percent(kpis['unapplied_ratio']['value'])} of the gross receivable"
        case "past_due_ratio":
            return formatting.money(kpis["past_due_amount"]["value"], kpis["past_due_amount"]["currency"])
        case "over_90_ratio":
            return formatting.money(kpis["over_90_amount"]["value"], kpis["over_90_amount"]["currency"])
        case _:
            return ""


def _aging(shown: Shown, scope: Scope, on: date) -> None:
    buckets = queries.aging(shown.read, scope, on)
    whole = queries.aging_total(shown.read, scope, on)
    components.section(strings.AGING, f"of all open items at {formatting.day(on)}, in {scope.unit}, by days past due; intercompany customers included")
    left, right = st.columns([5, 7], gap="medium")
    with left, st.container(key="card_aging", border=True):
        if whole["item_count"]:
            foot = {"label": "Open items", "item_count": whole["item_count"], "amount": whole["amount"], "bucket_id": None}
            st.html(tables.table(aging_columns(scope, on), buckets, "Aging by bucket", foot))
            st.html(_reconciled(scope, on, whole))
        else:
            components.note(strings.NOTHING_OPEN)
    with right, st.container(key="card_trend", border=True):
        weeks = queries.aging_weeks(shown.read, scope, on)
        columns, records = week_table(scope, weeks)
        components.chart(charts.aging_trend(weeks, scope.unit), columns, records, f"Open items by week end and bucket, in {scope.unit}", "aging")


def _reconciled(scope: Scope, on: date, whole: Record) -> str:
    parts = []
    for state, words in (("trade", "without intercompany"), ("intercompany", "with intercompany customers")):
        address = components.rows_link(Asked("aging", on, scope.company_id, scope.currency, state=state))
        amount = formatting.html(formatting.money(whole[f"{state}_amount"], scope.unit))
        parts.append(f'<a href="{formatting.attribute(address)}">{amount}</a> {words}')
    return f'<p class="arw-note arw-table">{"; ".join(parts)}.</p>'


def aging_columns(scope: Scope, on: date) -> list[Column]:
    """Return the columns of the aging by bucket."""
    opens = components.opens(lambda row: Asked("aging", on, scope.company_id, scope.currency, bucket=row["bucket_id"]))
    return [
        Column("label", "Bucket", is_title=True),
        Column("item_count", "Items", "count"),
        Column("amount", f"Amount, {scope.unit}", "money", scope.unit, link=opens),
        Column("share", "Of gross", "percent", bar="share"),
    ]


def week_table(scope: Scope, weeks: list[Record]) -> tuple[list[Column], list[Record]]:
    """Return the aging trend as a table: a row per week, the newest first, a column per bucket."""
    buckets = {row["bucket_id"]: row["label"] for row in weeks}
    by_week: dict[date, Record] = {}
    for row in weeks:
        by_week.setdefault(row["week_end"], {"week_end": row["week_end"]})[row["bucket_id"]] = row["amount"]
    columns = [Column("week_end", "Week end", "date", is_title=True)]
    columns += [Column(bucket, label, "money", scope.unit, link=_week_rows(scope, bucket)) for bucket, label in buckets.items()]
    return columns, list(reversed(by_week.values()))


def _week_rows(scope: Scope, bucket: str) -> Link:
    return components.opens(lambda row: Asked("aging", row["week_end"], scope.company_id, scope.currency, bucket=bucket))


def _metric_rows(metric: str, company: str) -> Link:
    return components.opens(lambda row: Asked(metric, row["month_end"], company))


def dso_columns(company: str) -> list[Column]:
    """Return the columns of DSO and its variants."""
    columns = [Column("month_end", "Month end", "date", is_title=True)]
    labels = charts.DSO_LABELS | {"average_days_delinquent": "Days delinquent"}
    return columns + [Column(metric, label, "days", link=_metric_rows(metric, company)) for metric, label in labels.items()]


def cash_columns(company: str, unit: str) -> list[Column]:
    """Return the columns of cash in against billed."""
    return [
        Column("month_end", "Month end", "date", is_title=True),
        Column("billed_amount", f"Billed, {unit}", "money", unit, link=_metric_rows("billed_amount", company)),
        Column("collected_amount", f"Cash in, {unit}", "money", unit, link=_metric_rows("collected_amount", company)),
        Column("collection_rate", "Collection rate", "percent", link=_metric_rows("collection_rate", company)),
    ]


def _months(shown: Shown, company: str, unit: str, month_end: date) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        components.section(strings.DSO_OVER_TIME, "at month ends, in days")
        with st.container(key="card_dso", border=True):
            months = queries.dso_months(shown.read, company, month_end)
            components.chart(charts.dso(months), dso_columns(company), months[::-1], "DSO and its variants at month ends, in days", "dso")
    with right:
        components.section(strings.CASH, f"by month, in {unit}")
        with st.container(key="card_cash", border=True):
            months = queries.cash_months(shown.read, company, month_end)
            components.chart(charts.cash(months, unit), cash_columns(company, unit), months[::-1], f"Cash in against billed by month, in {unit}", "cash")


def debtor_columns(scope: Scope, on: date) -> list[Column]:
    """Return the columns of the top debtors."""

    def column(name: str, label: str, state: str | None) -> Column:
        opens = components.opens(lambda row: Asked("debtor", on, scope.company_id, scope.currency, state=state, customer=row["customer_id"]))
        return Column(name, f"{label}, {scope.unit}", "money", scope.unit, link=opens)

    return [
        Column("name", "Customer", link=components.customer_link, is_title=True),
        Column("customer_id", "Id"),
        column("amount", "Owed", None),
        Column("share", "Of all", "percent", bar="share"),
        column("past_due_amount", "Past due", "past_due"),
        column("over_90_amount", "Over 90 days", "over_90"),
        Column("oldest_days_past_due", "Oldest, days past due", "count"),
    ]


def _debtors(shown: Shown, scope: Scope, on: date) -> None:
    components.section(strings.DEBTORS, f"at {formatting.day(on)}, net of open credits, in {scope.unit}; without intercompany customers")
    with st.container(key="card_debtors", border=True):
        debtors = queries.debtors(shown.read, scope, on)
        if debtors:
            st.html(tables.table(debtor_columns(scope, on), debtors, "Top debtors", as_cards=True))
        else:
            components.note(strings.NOTHING_OPEN)


OUTSIDE_COLUMNS = [
    Column("company_id", "Company", is_title=True),
    Column("currency", "Currency"),
    Column("gross_receivable_amount", "Gross receivable", "money", "currency"),
    Column("rejected_amount", "Rejected", "money", "currency"),
    Column("rejected_rows", "Rejected rows", "count"),
    Column("held_amount", "Held", "money", "currency"),
    Column("held_rows", "Held rows", "count"),
    Column("unreadable_rows", "Rows of unknown amount", "count"),
]


def _outside(shown: Shown, company: str) -> None:
    outside = queries.outside(shown.read, company)
    if outside:
        components.section(strings.NOT_IN_RECEIVABLE, "rejected at landing, or held until what it refers to arrives")
        with st.container(key="card_outside", border=True):
            st.html(tables.table(OUTSIDE_COLUMNS, outside, strings.NOT_IN_RECEIVABLE))


KPI_COLUMNS = [
    Column("label", "Metric"),
    Column("month_end", "Month end", "date"),
    Column("currency", "Currency"),
    Column("unit", "Unit"),
    Column("value", "Value", "decimal"),
    Column("prior_month_value", "Month before", "decimal"),
    Column("prior_year_value", "Year before", "decimal"),
    Column("target_value", "Target", "decimal"),
    Column("numerator", "Numerator", "decimal"),
    Column("denominator", "Denominator", "decimal"),
    Column("definition", "Definition"),
]


def _sheets(shown: Shown, scope: Scope, unit: str, on: date, month_end: date) -> list[export.Sheet]:
    read, company = shown.read, scope.company_id
    columns, weeks = week_table(scope, queries.aging_weeks(read, scope, on))
    return [
        export.Sheet("Key figures", KPI_COLUMNS, list(queries.kpis(read, company, month_end).values())),
        export.Sheet("Aging", aging_columns(scope, on), queries.aging(read, scope, on)),
        export.Sheet("Aging by week", columns, weeks),
        export.Sheet("DSO", dso_columns(company), queries.dso_months(read, company, month_end)),
        export.Sheet("Cash", cash_columns(company, unit), queries.cash_months(read, company, month_end)),
        export.Sheet("Debtors", debtor_columns(scope, on), queries.debtors(read, scope, on, limit=10**6)),
    ]


def _about(scope: Scope, on: date, month_end: date) -> list[tuple[str, object]]:
    return [
        ("Page", strings.OVERVIEW),
        ("Company", scope.company_id),
        ("Currency", scope.currency or f"all, in {scope.unit}"),
        ("As of", on),
        ("Key figures at", month_end),
    ]
