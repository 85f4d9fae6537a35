"""What is behind each figure: the rows that add up to it, and the sum that shows that they do.

A metric is a formula of parts (`formulas`), each part a query for rows whose last column is `amount`. The figure comes from the marts' own summary; the
rows come from the items and events themselves; `Breakdown.agrees` compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from dashboards import queries
from dashboards.formatting import minor_units
from dashboards.queries import ALL, Scope, Worklist
from dashboards.warehouse import Read, Record

PAGE_ROWS = 100


def _thousandths(amount: str) -> str:
    """Return the SQL of an amount as a whole number of thousandths (wide first: 1,000 times a trillion needs more than 18 digits)."""
    return f"cast(cast({amount} as decimal(28, 3)) * 1000 as hugeint)"


DEBIT = "(items.open_amount > 0 or (items.open_amount = 0 and items.open_amount_base > 0))"
TRADE = "not customers.is_intercompany"
# The disputed part of an item at the item's own book rate, exactly: in thousandths, half up, as the models share an amount out.
DISPUTED_BASE = f"""cast(cast(
    sign(items.open_amount_base)::integer * ((2 * {_thousandths("items.disputed_amount")} * {_thousandths("abs(items.open_amount_base)")}
        + {_thousandths("items.open_amount")}) // nullif(2 * {_thousandths("items.open_amount")}, 0))
    as decimal(30, 0)) * 0.001 as decimal(18, 3))"""

ITEM_COLUMNS = (
    "company_id", "customer_id", "customer_name", "document", "item_type", "document_date", "due_date", "days_past_due", "bucket", "currency", "open_amount",
)  # fmt: skip
EVENT_COLUMNS = ("company_id", "customer_id", "customer_name", "document", "posting_date", "event_type", "event_subtype", "currency", "event_amount")
BASE_COLUMNS = ("base_currency", "amount_base")
RATE_COLUMNS = ("rate", "rate_date")


@dataclass(frozen=True)
class Asked:
    """Which figure a link asks for. `on` is the date of balances, and the month end of metrics."""

    figure: str
    on: date
    company: str = ALL
    currency: str | None = None
    bucket: str | None = None
    state: str | None = None
    customer: str | None = None
    worklist: Worklist = field(default_factory=Worklist)


@dataclass(frozen=True)
class Part:
    """Rows with a `row_id` and an `amount`, and what their sum is multiplied by; `below` = part of the denominator."""

    part_id: str
    label: str
    sql: str
    parameters: dict[str, object]
    columns: tuple[str, ...]
    times: int = 1
    below: bool = False
    unit: str = "money"

    @property
    def order(self) -> str:
        """Say in which order the rows come."""
        return "the newest first" if self.unit == "days" else "the largest first"


@dataclass(frozen=True)
class Total:
    """How many rows a part has and what they add up to; None where one of them is unknown."""

    rows: int
    amount: Decimal | None


@dataclass(frozen=True)
class Breakdown:
    """A figure as it is shown, and its parts with their totals."""

    title: str
    unit: str
    currency: str
    value: Decimal | None
    parts: tuple[Part, ...]
    totals: tuple[Total, ...]
    definition: str = ""
    null_reason: str | None = None

    @property
    def computed(self) -> Decimal | None:
        """The figure as the rows give it, rounded like the figure."""
        above = _weighted(self.parts, self.totals, below=False)
        if not any(part.below for part in self.parts):
            places = minor_units(self.currency) if self.unit == "money" else 2
            return above if above is None else above.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
        return queries.ratio(above, _weighted(self.parts, self.totals, below=True), 2 if self.unit == "days" else 6)

    @property
    def agrees(self) -> bool:
        """Tell whether the rows give the figure. A figure that is refused (no value) has to be refused by the rows, or say why."""
        return self.computed == self.value if self.value is not None else self.computed is None or self.null_reason is not None


def _weighted(parts: tuple[Part, ...], totals: tuple[Total, ...], *, below: bool) -> Decimal | None:
    amounts = [None if total.amount is None else total.amount * part.times for part, total in zip(parts, totals, strict=True) if part.below == below]
    return None if None in amounts else sum((amount for amount in amounts if amount is not None), Decimal())


def rows(read: Read, part: Part, page: int | None = None) -> list[Record]:
    """Return the rows of a part, the largest first: one page (from 0) or all of them."""
    limit = "" if page is None else f"limit {PAGE_ROWS} offset {page * PAGE_ROWS}"
    first = "month_end desc" if part.unit == "days" else "abs(amount) desc nulls first"
    return read(f"select * from ({part.sql}) order by {first}, row_id {limit}", part.parameters)


def total(read: Read, part: Part) -> Total:
    """Add up the rows of a part."""
    (row,) = read(f"select count(*) as rows, case when count(*) = count(amount) then coalesce(sum(amount), 0) end as amount from ({part.sql})", part.parameters)
    return Total(row["rows"], row["amount"])


def breakdown(read: Read, asked: Asked) -> Breakdown | None:
    """Return the figure that a link asks for with its parts; None when there is no such figure."""
    if asked.figure in FORMULAS:
        return _metric(read, asked)
    build = FIGURES.get(asked.figure)
    return build(read, asked) if build else None


# --- Metrics -----------------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Month:
    """One row of the KPIs: whose, in which currency, and the dates that its parts are read at."""

    scope: Scope
    end: date
    window_days: int
    known: object

    @property
    def start(self) -> date:
        """The month's first day."""
        return self.end.replace(day=1)

    @property
    def days(self) -> int:
        """The month's days up to its end."""
        return self.end.day


@dataclass(frozen=True)
class Term:
    """A source in a formula; `times` is a number, or which days of the month row."""

    source: str
    times: int | str = 1
    sign: int = 1


@dataclass(frozen=True)
class Formula:
    """A metric: the sum of the terms above, over the sum of those below if there are any."""

    above: tuple[Term, ...]
    below: tuple[Term, ...] = ()


WINDOW, MONTH = "window_days", "days"
FORMULAS: dict[str, Formula] = {
    "net_receivable": Formula((Term("open_items"),)),
    "gross_receivable": Formula((Term("debits"),)),
    "past_due_amount": Formula((Term("past_due"),)),
    "past_due_ratio": Formula((Term("past_due"),), (Term("debits"),)),
    "past_due_ratio_ex_dispute": Formula(
        (Term("past_due"), Term("disputed_past_due", sign=-1)),
        (Term("debits"), Term("disputed", sign=-1)),
    ),
    "disputed_amount": Formula((Term("disputed"),)),
    "over_90_amount": Formula((Term("over_90"),)),
    "over_90_ratio": Formula((Term("over_90"),), (Term("debits"),)),
    "unapplied_amount": Formula((Term("credits"),)),
    "unapplied_ratio": Formula((Term("credits"),), (Term("debits"),)),
    "dso_days": Formula((Term("open_items", WINDOW),), (Term("window_sales"),)),
    "dso_days_ex_dispute": Formula((Term("open_items", WINDOW), Term("disputed", WINDOW, -1)), (Term("window_sales"),)),
    "best_possible_dso_days": Formula((Term("not_past_due", WINDOW),), (Term("window_sales"),)),
    "average_days_delinquent": Formula((Term("past_due", WINDOW),), (Term("window_sales"),)),
    "dso_countback_days": Formula((Term("counted_back"),)),
    "true_dso_days": Formula((Term("document_age"),), (Term("debits"),)),
    "weighted_debt_age_days": Formula((Term("debt_age"),), (Term("debits"),)),
    "credit_sales": Formula((Term("sales"),)),
    "billed_amount": Formula((Term("billed"),)),
    "collected_amount": Formula((Term("collected"),)),
    "collection_rate": Formula((Term("collected"),), (Term("due_before"), Term("due_new"))),
    "collection_effectiveness_index": Formula(
        (Term("opening_items"), Term("taken_over"), Term("sales"), Term("open_items", sign=-1)),
        (Term("opening_items"), Term("taken_over"), Term("sales"), Term("not_past_due", sign=-1)),
    ),
    "cash_to_sales_ratio": Formula((Term("collected"),), (Term("sales"),)),
    "turnover_ratio": Formula((Term("sales", 2),), (Term("opening_items"), Term("open_items"))),
    "average_collection_days": Formula((Term("opening_items", MONTH), Term("open_items", MONTH)), (Term("sales", 2),)),
    "bad_debt_ratio": Formula((Term("written_off"),), (Term("sales"),)),
}


def _metric(read: Read, asked: Asked) -> Breakdown | None:
    found = _published(read, asked)
    if found is None:
        return None
    scope = Scope(asked.company, found["currency"])
    (dso,) = read("select days from marts.fct_dso_monthly where company_id = $company and month_end = $on", {"company": asked.company, "on": asked.on})
    month = Month(scope, asked.on, int(dso["days"]), queries.known_moment(read))
    formula = FORMULAS[asked.figure]
    parts = tuple(
        _part(month, term, index, below=below)
        for below, terms in ((False, formula.above), (True, formula.below))
        for index, term in enumerate(terms, start=len(formula.above) if below else 0)
    )
    return Breakdown(
        title=found["label"],
        unit=found["unit"],
        currency=found["currency"],
        value=found["value"],
        parts=parts,
        totals=tuple(total(read, part) for part in parts),
        definition=found["definition"],
        null_reason=found["null_reason"],
    )


def _published(read: Read, asked: Asked) -> Record | None:
    """Return the metric as the marts publish it."""
    if asked.figure == "billed_amount":
        found = read(
            """
            select
                'Billed' as label, 'money' as unit, currency, billed_amount as value, null as null_reason,
                'Invoices and debit memos of the month, less those that were voided in it.' as definition
            from marts.fct_collection_monthly where company_id = $company and month_end = $on
            """,
            {"company": asked.company, "on": asked.on},
        )
        return found[0] if found else None
    return queries.kpis(read, asked.company, asked.on).get(asked.figure)


def _part(month: Month, term: Term, index: int, *, below: bool) -> Part:
    label, build = SOURCES[term.source]
    sql, extra, columns = build(month)
    return Part(
        part_id=f"{index}_{term.source}",
        label=label,
        sql=sql,
        parameters=month.scope.parameters | {"known": month.known} | extra,
        columns=columns,
        times=term.sign * (getattr(month, term.times) if isinstance(term.times, str) else term.times),
        below=below,
        unit="days" if term.source == "counted_back" else "amount_days" if term.source in ("document_age", "debt_age") else "money",
    )


Source = tuple[str, dict[str, object], tuple[str, ...]]


def _items(scope: Scope, on: date, condition: str, amount: str | None = None, extra: tuple[str, ...] = ()) -> Source:
    """Open items at the close of a day."""
    measured = scope.amount("open_amount", "items")
    sql = f"""
        select
            items.company_id, items.customer_id, customers.name as customer_name, coalesce(items.document_number, items.document_id) as document,
            items.item_type, items.document_date, items.due_date, items.days_past_due, buckets.label as bucket, items.currency, items.open_amount,
            items.base_currency, items.open_amount_base as amount_base, rates.rate, rates.rate_date,
            ($on - items.document_date) as days_since_document, items.disputed_amount, items.item_id as row_id,
            {(amount or "{}").format(measured)} as amount
        from marts.open_items_as_of($on) as items
        inner join marts.dim_customers as customers on customers.customer_id = items.customer_id
        inner join marts.dim_aging_buckets as buckets on buckets.bucket_id = items.bucket_id
        {scope.rates("items", "$on")}
        where {scope.rows("items")} and {condition}"""
    return sql, {"on": on}, ITEM_COLUMNS + _conversion(scope) + extra


def _disputed(month: Month, condition: str) -> Source:
    """The disputed parts of open items at the month's end."""
    rate = " * rates.rate" if month.scope.company_id == ALL else ""
    amount = f"cast({DISPUTED_BASE} as decimal(29, 3)){rate}"
    return _items(month.scope, month.end, f"{TRADE} and items.disputed_amount > 0 and {condition}", amount, ("disputed_amount",))


def _events(scope: Scope, start: date, end: date, condition: str, sign: str = "") -> Source:
    """Movements that were posted from one day to another; each converts at its own day's rate."""
    sql = f"""
        select
            events.company_id, events.customer_id, customers.name as customer_name, coalesce(items.document_number, events.document_id) as document,
            events.posting_date, events.event_type, events.event_subtype, events.currency, events.amount as event_amount,
            events.base_currency, events.amount_base, rates.rate, rates.rate_date, events.event_id as row_id,
            {sign}({scope.amount("amount", "events")}) as amount
        from marts.fct_ar_events as events
        inner join marts.dim_customers as customers on customers.customer_id = events.customer_id
        left join marts.dim_item_versions as items on items.item_id = events.item_id and items.known_from <= $known and items.known_to > $known
        {scope.rates("events", "events.posting_date")}
        where {scope.rows("events")} and {TRADE}
            and events.known_from <= $known and events.known_to > $known
            and events.posting_date between $start and $end and {condition}"""
    return sql, {"start": start, "end": end}, EVENT_COLUMNS + _conversion(scope)


def _conversion(scope: Scope) -> tuple[str, ...]:
    """Name the columns that explain how the amount came about."""
    if scope.currency:
        return ()
    return BASE_COLUMNS + RATE_COLUMNS if scope.company_id == ALL else BASE_COLUMNS


def _new_dues(month: Month) -> Source:
    """Debit items posted in the month and due by its end, unless they were voided by then, at posted amount."""
    scope = month.scope
    sql = f"""
        select
            items.company_id, items.customer_id, customers.name as customer_name, coalesce(items.document_number, items.document_id) as document,
            items.item_type, items.document_date, items.posting_date, items.due_date, items.currency, items.original_amount,
            items.base_currency, items.original_amount_base as amount_base, rates.rate, rates.rate_date, items.item_id as row_id,
            {scope.amount("original_amount", "items")} as amount
        from marts.dim_item_versions as items
        inner join marts.dim_customers as customers on customers.customer_id = items.customer_id
        {scope.rates("items", "items.posting_date")}
        where {scope.rows("items")} and {TRADE} and items.known_from <= $known and items.known_to > $known
            and items.posting_date between $start and $end and items.due_date <= $end and items.ended_on > $end and items.original_amount > 0"""
    columns = ("company_id", "customer_id", "customer_name", "document", "item_type", "posting_date", "due_date", "currency", "original_amount")
    return sql, {"start": month.start, "end": month.end}, columns + _conversion(scope)


def _counted_back(month: Month) -> Source:
    """Months of sales, newest first, until they cover the net receivable; the last one counts in part."""
    sql = f"""
        with months as (
            select sales.month_end, turnover.days, sales.value as credit_sales
            from marts.rpt_executive_kpis as sales
            inner join marts.fct_turnover_monthly as turnover on turnover.company_id = sales.company_id and turnover.month_end = sales.month_end
            where sales.company_id = $company and sales.metric_id = 'credit_sales' and sales.month_end <= $on
                and sales.month_end >= (
                    select min(events.posting_date) from marts.fct_ar_events as events
                    inner join marts.dim_customers as customers on customers.customer_id = events.customer_id and not customers.is_intercompany
                    where ($company = 'ALL' or events.company_id = $company) and events.known_from <= $known and events.known_to > $known
                )
        ),
        covered as (
            select
                *, sum(greatest(credit_sales, 0)) over (order by month_end desc) - greatest(credit_sales, 0) as covered_amount,
                (
                    select value from marts.rpt_executive_kpis
                    where company_id = $company and metric_id = 'net_receivable' and month_end = $on
                ) as receivable_amount
            from months
        ),
        left_over as (select *, receivable_amount - covered_amount as left_amount from covered where covered_amount < receivable_amount)
        select
            month_end, days, $unit as currency, credit_sales, left_amount, month_end::varchar as row_id,
            -- Exact division, as the model does it: in thousandths, half up to hundredths of a day.
            case when credit_sales > left_amount then cast(
                (2 * {_thousandths("left_amount")} * days * 100 + {_thousandths("credit_sales")})
                // nullif(2 * {_thousandths("credit_sales")}, 0) as decimal(20, 0)) * 0.01
            else days end as amount
        from left_over"""
    return sql, {"on": month.end}, ("month_end", "days", "currency", "credit_sales", "left_amount")


SALES = "events.event_type in ('document', 'void') and events.event_subtype in ('invoice', 'debit_memo', 'credit_memo')"
TAKEN_OVER = "events.event_type in ('document', 'void') and events.event_subtype in ('opening_balance', 'opening_credit')"

SOURCES: dict[str, tuple[str, Callable[[Month], Source]]] = {
    "open_items": ("Net receivable at the end", lambda month: _items(month.scope, month.end, TRADE)),
    "debits": ("Gross receivable", lambda month: _items(month.scope, month.end, f"{TRADE} and {DEBIT}")),
    "past_due": ("Past-due debits", lambda month: _items(month.scope, month.end, f"{TRADE} and {DEBIT} and items.days_past_due > 0")),
    "over_90": ("Debits over 90 days past due", lambda month: _items(month.scope, month.end, f"{TRADE} and {DEBIT} and items.days_past_due > 90")),
    "disputed": ("Disputed", lambda month: _disputed(month, "true")),
    "disputed_past_due": ("Past due and disputed", lambda month: _disputed(month, "items.days_past_due > 0")),
    "not_past_due": (
        "Net receivable not past due",
        lambda month: _items(month.scope, month.end, f"{TRADE} and not ({DEBIT} and coalesce(items.days_past_due, 0) > 0)"),
    ),
    "credits": ("Open credits", lambda month: _items(month.scope, month.end, f"{TRADE} and not {DEBIT}", "-1 * ({})")),
    "opening_items": ("Net receivable at the start", lambda month: _items(month.scope, month.start - timedelta(days=1), TRADE)),
    "due_before": (
        "Open at the start and due by the end",
        lambda month: _merged(
            _items(month.scope, month.start - timedelta(days=1), f"{TRADE} and {DEBIT} and coalesce(items.due_date, items.posting_date) <= $end"),
            {"end": month.end},
        ),
    ),
    "due_new": ("Posted in the month and due by its end", _new_dues),
    "document_age": (
        "Debits \N{MULTIPLICATION SIGN} days since document date",
        lambda month: _items(month.scope, month.end, f"{TRADE} and {DEBIT}", "({}) * ($on - items.document_date)", ("days_since_document",)),
    ),
    "debt_age": (
        "Past-due debits \N{MULTIPLICATION SIGN} days past due",
        lambda month: _items(month.scope, month.end, f"{TRADE} and {DEBIT} and items.days_past_due > 0", "({}) * items.days_past_due"),
    ),
    "sales": ("Credit sales of the month", lambda month: _events(month.scope, month.start, month.end, SALES)),
    "window_sales": (
        "Credit sales of the window",
        lambda month: _events(month.scope, month.end - timedelta(days=month.window_days - 1), month.end, SALES),
    ),
    "billed": ("Billed in the month", lambda month: _events(month.scope, month.start, month.end, "events.movement = 'billed'")),
    "collected": ("Cash collected in the month", lambda month: _events(month.scope, month.start, month.end, "events.movement = 'collected'", "-1 * ")),
    "taken_over": ("Opening balances taken over", lambda month: _events(month.scope, month.start, month.end, TAKEN_OVER)),
    "written_off": (
        "Write-offs less recoveries",
        lambda month: _events(month.scope, month.start, month.end, "events.event_subtype in ('write_off', 'recovery')", "-1 * "),
    ),
    "counted_back": ("Days of sales, newest month first", _counted_back),
}


def _merged(source: Source, parameters: dict[str, object]) -> Source:
    sql, own, columns = source
    return sql, own | parameters, columns


# --- Amounts of open items -----------------------------------------------------------------------------------------------------------------------------

STATES = {
    "past_due": ("past due", f"{DEBIT} and items.days_past_due > 0"),
    "over_90": ("more than 90 days past due", f"{DEBIT} and items.days_past_due > 90"),
    "intercompany": ("with intercompany customers", "customers.is_intercompany"),
    "trade": ("without intercompany customers", TRADE),
}


def _scope(read: Read, asked: Asked) -> Scope | None:
    unit = next((row["currency"] for row in queries.companies(read) if row["company_id"] == asked.company), None)
    return Scope(asked.company, asked.currency or unit, asked.currency) if unit else None


def _one_part(read: Read, title: str, currency: str, value: Decimal | None, part: Part) -> Breakdown:
    return Breakdown(title, "money", currency, value, (part,), (total(read, part),))


def _aging(read: Read, asked: Asked) -> Breakdown | None:
    """An amount of the aging: of a bucket or of all, of everyone or of one customer, intercompany included unless the state says otherwise."""
    scope = _scope(read, asked)
    if scope is None:
        return None
    buckets = {row["bucket_id"]: row for row in queries.aging(read, scope, asked.on, asked.customer)}
    whole = queries.aging_total(read, scope, asked.on, asked.customer)
    if asked.state in ("intercompany", "trade"):
        value, label = whole[f"{asked.state}_amount"], f"Open items {STATES[asked.state][0]}"
    elif asked.bucket is None:
        value, label = whole["amount"], "Open items"
    elif asked.bucket in buckets:
        value, label = buckets[asked.bucket]["amount"], f"Open items: {buckets[asked.bucket]['label']}"
    else:
        return None
    condition = "($bucket is null or items.bucket_id = $bucket) and ($customer is null or items.customer_id = $customer)"
    if asked.state in ("intercompany", "trade"):
        condition += f" and {STATES[asked.state][1]}"
    sql, extra, columns = _items(scope, asked.on, condition)
    parameters = scope.parameters | extra | {"bucket": asked.bucket, "customer": asked.customer}
    return _one_part(read, label, scope.unit, value, Part("items", "Open items", sql, parameters, columns))


def _debtor(read: Read, asked: Asked) -> Breakdown | None:
    """An amount of the list of debtors: all that a customer owes, or the part of it that is past due."""
    scope = _scope(read, asked)
    column = {None: "amount", "past_due": "past_due_amount", "over_90": "over_90_amount"}.get(asked.state, "")
    if scope is None or not column:
        return None
    found = next((row for row in queries.debtors(read, scope, asked.on, limit=10**9) if row["customer_id"] == asked.customer), None)
    if found is None:
        return None
    label, condition = STATES[asked.state] if asked.state else ("owed in all", "true")
    sql, extra, columns = _items(scope, asked.on, f"items.customer_id = $customer and {condition}")
    parameters = scope.parameters | extra | {"customer": asked.customer}
    return _one_part(read, f"{found['name']}: {label}", scope.unit, found[column], Part("items", "Open items", sql, parameters, columns))


# --- The collectors' figures ---------------------------------------------------------------------------------------------------------------------------


def _chased(read: Read, asked: Asked) -> Breakdown | None:
    """A sum over the accounts on the worklist in one currency; each account opens its own items."""
    columns = {"past_due": "past_due_amount", "disputed": "disputed_amount", "unapplied": "unapplied_amount"}
    column = columns.get(asked.state or "past_due")
    found = next((row for row in queries.worklist_totals(read, asked.worklist) if row["currency"] == asked.currency), None)
    if found is None or column is None or asked.currency is None:
        return None
    sql = f"""
        select
            worklist.rank, worklist.customer_id, customers.name as customer_name, worklist.base_currency, worklist.past_due_item_count,
            worklist.oldest_days_past_due, worklist.customer_id as row_id, worklist.{column}_base as amount
        from marts.rpt_collector_worklist as worklist
        inner join marts.dim_customers as customers on customers.customer_id = worklist.customer_id
        where worklist.base_currency = $unit and worklist.customer_id in ({queries.WORKLIST_CUSTOMERS})"""
    label = {"past_due": "Past due", "disputed": "Disputed part of the past due", "unapplied": "Open credits"}[asked.state or "past_due"]
    parameters = asked.worklist.parameters | {"unit": asked.currency}
    part = Part("accounts", "Accounts to chase", sql, parameters, ("rank", "customer_id", "customer_name", "past_due_item_count", "oldest_days_past_due"))
    return _one_part(read, f"{label} of the accounts to chase", asked.currency, found[column], part)


def _chase(read: Read, asked: Asked) -> Breakdown | None:
    """The past due of one account on the worklist, in the chosen bucket and currency if any."""
    found = next((row for row in queries.worklist(read, asked.worklist) if row["customer_id"] == asked.customer), None)
    if found is None:
        return None
    chosen = asked.worklist.bucket is not None or asked.worklist.currency is not None
    unit = found["selected_currency"] if chosen else found["base_currency"]
    sql = """
        select
            items.company_id, coalesce(items.document_number, items.document_id) as document, items.item_type, items.document_date, items.due_date,
            items.days_past_due, buckets.label as bucket, items.currency, items.open_amount, items.base_currency, items.open_amount_base as amount_base,
            rates.rate, rates.rate_date, items.item_id as row_id,
            case when $currency is not null then items.open_amount
                when items.base_currency = $unit then items.open_amount_base
                else cast(items.open_amount_base as decimal(29, 3)) * rates.rate end as amount
        from marts.fct_open_items as items
        inner join marts.dim_aging_buckets as buckets on buckets.bucket_id = items.bucket_id
        left join marts.dim_conversion_rates as rates
            on rates.from_currency = items.base_currency and rates.to_currency = $unit and rates.rate_on = items.as_of_date
        where items.customer_id = $customer and items.open_amount > 0 and items.days_past_due > 0
            and ($bucket is null or items.bucket_id = $bucket) and ($currency is null or items.currency = $currency)"""
    parameters = {"bucket": asked.worklist.bucket, "currency": asked.worklist.currency, "customer": asked.customer, "unit": unit}
    columns = ("company_id", "document", "item_type", "document_date", "due_date", "days_past_due", "bucket", "currency", "open_amount", *BASE_COLUMNS)
    value = found["selected_amount"] if chosen else found["past_due_amount_base"]
    part = Part("items", "Past-due items", sql, parameters, columns)
    return _one_part(read, f"{found['customer_name']}: past due", unit, _in_minor_units(value, unit), part)


def _exposure(read: Read, asked: Asked) -> Breakdown | None:
    """What a group of customers owes and has on order, in the currency of its limit at as_of's rate."""
    found = queries.exposure(read, asked.customer or "")
    if found is None:
        return None
    unit = found["currency"]
    parameters = {"parent": asked.customer, "unit": unit}
    rates = "left join marts.dim_conversion_rates as rates on rates.from_currency = {0} and rates.to_currency = $unit and rates.rate_on = $on"
    converted = "case when {0} = $unit then {1} else cast({1} as decimal(29, 3)) * rates.rate end"
    items = f"""
        select
            items.company_id, items.customer_id, customers.name as customer_name, coalesce(items.document_number, items.document_id) as document,
            items.item_type, items.due_date, items.currency, items.open_amount, items.base_currency, items.open_amount_base as amount_base,
            rates.rate, rates.rate_date, items.item_id as row_id,
            {converted.format("items.base_currency", "items.open_amount_base")} as amount
        from marts.fct_open_items as items
        inner join marts.dim_customers as customers on customers.customer_id = items.customer_id
        {rates.format("items.base_currency")}
        where customers.ultimate_parent_id = $parent and {TRADE}"""
    orders = f"""
        select
            orders.company_id, orders.customer_id, customers.name as customer_name, orders.order_id as document, orders.order_date, orders.currency,
            orders.order_amount, rates.rate, rates.rate_date, orders.order_id as row_id,
            {converted.format("orders.currency", "orders.order_amount")} as amount
        from marts.fct_open_orders as orders
        inner join marts.dim_customers as customers on customers.customer_id = orders.customer_id
        {rates.format("orders.currency")}
        where customers.ultimate_parent_id = $parent and {TRADE}"""
    every = {
        "receivable": Part(
            "items", "Open items", items, parameters | {"on": found["as_of_date"]},
            ("company_id", "customer_id", "customer_name", "document", "item_type", "due_date", "currency", "open_amount", *BASE_COLUMNS, *RATE_COLUMNS),
        ),
        "open_order": Part(
            "orders", "Open orders", orders, parameters | {"on": found["as_of_date"]},
            ("company_id", "customer_id", "customer_name", "document", "order_date", "currency", "order_amount", *RATE_COLUMNS),
        ),
    }  # fmt: skip
    chosen = [every[asked.state]] if asked.state in every else list(every.values())
    label = {"receivable": "receivable", "open_order": "open orders"}.get(asked.state or "", "credit exposure")
    value = found[f"{asked.state}_amount_reporting"] if asked.state in every else found["exposure_amount_reporting"]
    return Breakdown(
        f"{found['name']}: {label}", "money", unit, _in_minor_units(value, unit), tuple(chosen), tuple(total(read, part) for part in chosen),
        null_reason=found["null_reason"] if value is None else None,
    )  # fmt: skip


def _in_minor_units(value: Decimal | None, currency: str) -> Decimal | None:
    return None if value is None else value.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_HALF_UP)


FIGURES: dict[str, Callable[[Read, Asked], Breakdown | None]] = {
    "aging": _aging,
    "debtor": _debtor,
    "chased": _chased,
    "chase": _chase,
    "exposure": _exposure,
}


def asked_from(values: dict[str, str], default_on: date) -> Asked:
    """Read a link's query parameters; raise ValueError where the date is none."""

    def given(name: str) -> str | None:
        return values.get(name) or None

    return Asked(
        figure=values.get("figure", ""),
        on=date.fromisoformat(values["on"]) if "on" in values else default_on,
        company=values.get("company", ALL),
        currency=given("currency"),
        bucket=given("bucket"),
        state=given("state"),
        customer=given("customer"),
        worklist=Worklist(values.get("collector"), values.get("segment"), given("in_bucket"), given("in_currency")),
    )


def as_link(asked: Asked) -> dict[str, str]:
    """Write a link's query parameters: the inverse of `asked_from`."""
    values: dict[str, Any] = {
        "figure": asked.figure, "on": asked.on.isoformat(), "company": asked.company, "currency": asked.currency, "bucket": asked.bucket,
        "state": asked.state, "customer": asked.customer, "collector": asked.worklist.collector, "segment": asked.worklist.segment,
        "in_bucket": asked.worklist.bucket, "in_currency": asked.worklist.currency,
    }  # fmt: skip
    return {name: value for name, value in values.items() if value is not None}
