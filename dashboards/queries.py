"""Every figure that a page shows, as a query on the published file: filters in, finished figures out, money in DECIMAL.

The rows behind the figures are in `drilldown`; a test holds that they add up to what is read here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from dashboards.formatting import minor_units
from dashboards.warehouse import Read, Record
from orchestration.policy_tables import UNAPPLIED

ALL = "ALL"
SPARK_MONTHS = 13
TREND_WEEKS = 53
TREND_MONTHS = 25


@dataclass(frozen=True)
class Scope:
    """Whose receivable and in which money: a company or ALL; in one document currency, or in base (ALL: reporting) currency."""

    company_id: str
    unit: str
    currency: str | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """The scope as the queries' parameters."""
        return {"company": self.company_id, "unit": self.unit, "currency": self.currency}

    def amount(self, column: str, row: str) -> str:
        """Return the SQL of a row's amount in the scope's unit; NULL where there is no rate."""
        if self.currency:
            return f"{row}.{column}"
        if self.company_id != ALL:
            return f"{row}.{column}_base"
        return f"cast({row}.{column}_base as decimal(29, 3)) * rates.rate"

    def rows(self, row: str) -> str:
        """Return the SQL condition of the rows that are in the scope."""
        company = "true" if self.company_id == ALL else f"{row}.company_id = $company"
        return f"{company} and {row}.currency = $currency" if self.currency else company

    def rates(self, row: str, on: str) -> str:
        """Return the SQL join to the rates of a date."""
        return (
            f"left join marts.dim_conversion_rates as rates on rates.from_currency = {row}.base_currency and rates.to_currency = $unit and rates.rate_on = {on}"
        )

    def total(self, amount: str, condition: str = "true") -> str:
        """Return the SQL of a sum in the unit, rounded last; unknown where one amount is."""
        kept = f"filter (where {condition})"
        return f"""
            case when count(*) {kept} = count({amount}) {kept}
                then round(coalesce(sum({amount}) {kept}, 0), {minor_units(self.unit)})
            end"""


def ratio(numerator: Decimal | None, denominator: Decimal | None, places: int = 6) -> Decimal | None:
    """Divide exactly (DuckDB would through DOUBLE), rounded half up; None where the denominator is not positive."""
    if numerator is None or denominator is None or denominator <= 0:
        return None
    return (numerator / denominator).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def change(value: Decimal | None, before: Decimal | None, unit: str) -> Decimal | None:
    """Return how a metric changed: money as a fraction of what it was, ratios and days as a difference."""
    if value is None or before is None:
        return None
    return ratio(value - before, abs(before)) if unit == "money" else value - before


def companies(read: Read) -> list[Record]:
    """Return the companies and, last, the group, each with the currency that its figures are in."""
    return read(
        """
        select company_id, name, base_currency as currency
        from marts.dim_companies
        union all
        select 'ALL', 'All companies', (select max(currency) from marts.rpt_executive_kpis where company_id = 'ALL')
        where (select count(*) from marts.dim_companies) > 1
        order by company_id = 'ALL', company_id
        """,
        {},
    )


def currencies(read: Read, company: str) -> list[str]:
    """Return the document currencies that a company has events in."""
    rows = read(
        "select distinct currency from marts.fct_rollforward_monthly where $company = 'ALL' or company_id = $company order by 1",
        {"company": company},
    )
    return [row["currency"] for row in rows]


def first_day(read: Read) -> date | None:
    """Return the first day that the books know, None when nothing was ever posted."""
    (row,) = read("select min(month_end) as month_end from marts.rpt_executive_kpis", {})
    month_end: date | None = row["month_end"]
    return month_end.replace(day=1) if month_end else None


def month_end(read: Read, company: str, on: date) -> date | None:
    """Return the last month end that is not after a date."""
    (row,) = read(
        "select max(month_end) as month_end from marts.rpt_executive_kpis where company_id = $company and month_end <= $on",
        {"company": company, "on": on},
    )
    found: date | None = row["month_end"]
    return found


def kpis(read: Read, company: str, on: date) -> dict[str, Record]:
    """Return the metrics of a month end by id: value, changes, target, definition, and the values of thirteen months."""
    rows = read(
        f"""
        select
            kpis.metric_id, metrics.label, metrics.unit, metrics.better, metrics.definition, metrics.not_comparable_with,
            kpis.month_end, kpis.currency, kpis.value, kpis.numerator, kpis.denominator, kpis.null_reason,
            kpis.prior_month_value, kpis.prior_year_value, kpis.target_value,
            (kpis.month_end - interval 1 month)::date as prior_month, (kpis.month_end - interval 1 year)::date as prior_year,
            case metrics.better when 'lower' then kpis.value <= kpis.target_value when 'higher' then kpis.value >= kpis.target_value end as meets_target,
            (
                select list(trail.value order by trail.month_end)
                from marts.rpt_executive_kpis as trail
                where trail.company_id = kpis.company_id and trail.metric_id = kpis.metric_id
                    and trail.month_end <= kpis.month_end and trail.month_end >= date_trunc('month', kpis.month_end) - interval {SPARK_MONTHS - 1} month
            ) as trail
        from marts.rpt_executive_kpis as kpis
        inner join meta.metric_definitions as metrics on metrics.metric_id = kpis.metric_id
        where kpis.company_id = $company and kpis.month_end = $on
        """,
        {"company": company, "on": on},
    )
    for row in rows:
        row["month_change"] = change(row["value"], row["prior_month_value"], row["unit"])
        row["year_change"] = change(row["value"], row["prior_year_value"], row["unit"])
    return {row["metric_id"]: row for row in rows}


def definitions(read: Read) -> list[Record]:
    """Return what each metric means."""
    return read("select label, definition, numerator, denominator, not_comparable_with from meta.metric_definitions", {})


def aging(read: Read, scope: Scope, on: date, customer: str | None = None) -> list[Record]:
    """Return the aging at the close of a day: every bucket, also the empty ones, with its share of the gross receivable."""
    rows = read(
        f"""
        with aged as (
            select aged.bucket_id, aged.item_count, {scope.amount("open_amount", "aged")} as amount
            from {_aging(read, on)} as aged
            {scope.rates("aged", "$on")}
            where {scope.rows("aged")} and ($customer is null or aged.customer_id = $customer)
        ),
        summed as (
            select
                buckets.bucket_id, buckets.label, buckets.bucket_order,
                coalesce(sum(aged.item_count), 0)::bigint as item_count,
                case when count(aged.bucket_id) = count(aged.amount) then round(coalesce(sum(aged.amount), 0), {minor_units(scope.unit)}) end as amount
            from marts.dim_aging_buckets as buckets
            left join aged on aged.bucket_id = buckets.bucket_id
            group by all
        )
        select * from summed order by bucket_order
        """,
        scope.parameters | {"on": on, "customer": customer},
    )
    gross = _gross(read, scope, on, customer) if _credits_are_aged(read) else _sum(row["amount"] for row in rows if row["bucket_id"] != UNAPPLIED)
    return [row | {"share": ratio(row["amount"], gross)} for row in rows]


def _credits_are_aged(read: Read) -> bool:
    """Tell whether the buckets hold credits too, by the policy of this version; without them their sum is the gross receivable."""
    return read("select json_extract_string(variables, '$.credits_aged') = 'true' as is_so from meta.build_info", {}) == [{"is_so": True}]


def _gross(read: Read, scope: Scope, on: date, customer: str | None) -> Decimal | None:
    """Return the open debit items at the close of a day."""
    (row,) = read(
        f"""
        select {scope.total("amount")} as amount
        from (
            select {scope.amount("open_amount", "items")} as amount
            from {_open_items(read, on)} as items
            {scope.rates("items", "$on")}
            where {scope.rows("items")} and ($customer is null or items.customer_id = $customer)
                and (items.open_amount > 0 or (items.open_amount = 0 and items.open_amount_base > 0))
        )
        """,
        scope.parameters | {"on": on, "customer": customer},
    )
    return row["amount"]


def aging_total(read: Read, scope: Scope, on: date, customer: str | None = None) -> Record:
    """Return the open items of a day: in all, the part of them with intercompany customers, and the rest (what the key figures are about)."""
    (row,) = read(
        f"""
        select
            coalesce(sum(item_count), 0)::bigint as item_count,
            {scope.total("amount")} as amount,
            {scope.total("amount", "is_intercompany")} as intercompany_amount,
            {scope.total("amount", "not is_intercompany")} as trade_amount
        from (
            select aged.item_count, {scope.amount("open_amount", "aged")} as amount, customers.is_intercompany
            from {_aging(read, on)} as aged
            inner join marts.dim_customers as customers on customers.customer_id = aged.customer_id
            {scope.rates("aged", "$on")}
            where {scope.rows("aged")} and ($customer is null or aged.customer_id = $customer)
        )
        """,
        scope.parameters | {"on": on, "customer": customer},
    )
    return row


def aging_weeks(read: Read, scope: Scope, on: date) -> list[Record]:
    """Return the aging at each of the last week ends, restated with what is known now: a row per week and bucket."""
    return read(
        f"""
        with weeks as (
            select distinct week_end from marts.fct_aging_weekly
            where week_end <= $on and week_end > $on - interval {TREND_WEEKS} week
        ),
        aged as (
            select weekly.week_end, weekly.bucket_id, {scope.amount("open_amount", "weekly")} as amount
            from marts.fct_aging_weekly as weekly
            {scope.rates("weekly", "weekly.week_end")}
            where weekly.week_end in (select week_end from weeks) and {scope.rows("weekly")}
        )
        select
            weeks.week_end, buckets.bucket_id, buckets.label, buckets.bucket_order, buckets.days_from,
            case when count(aged.bucket_id) = count(aged.amount) then round(coalesce(sum(aged.amount), 0), {minor_units(scope.unit)}) end as amount
        from weeks
        cross join marts.dim_aging_buckets as buckets
        left join aged on aged.week_end = weeks.week_end and aged.bucket_id = buckets.bucket_id
        group by all
        order by weeks.week_end, buckets.bucket_order
        """,
        scope.parameters | {"on": on},
    )


def dso_months(read: Read, company: str, on: date) -> list[Record]:
    """Return DSO and its variants at each of the last month ends."""
    return read(
        f"""
        select
            month_end, currency, dso_days, dso_countback_days, is_countback_truncated, best_possible_dso_days,
            average_days_delinquent, true_dso_days, null_reason
        from marts.fct_dso_monthly
        where company_id = $company and month_end <= $on and month_end >= date_trunc('month', $on::date) - interval {TREND_MONTHS - 1} month
        order by month_end
        """,
        {"company": company, "on": on},
    )


def cash_months(read: Read, company: str, on: date) -> list[Record]:
    """Return cash in beside what was billed, month by month."""
    return read(
        f"""
        select month_end, currency, billed_amount, collected_amount, collection_rate, null_reason
        from marts.fct_collection_monthly
        where company_id = $company and month_end <= $on and month_end >= date_trunc('month', $on::date) - interval {TREND_MONTHS - 1} month
        order by month_end
        """,
        {"company": company, "on": on},
    )


def debtors(read: Read, scope: Scope, on: date, limit: int = 10) -> list[Record]:
    """Return who owes most at the close of a day, without intercompany: net of open credits, with the past-due debits and the share of all."""
    debit = "open_amount > 0 or (open_amount = 0 and open_amount_base > 0)"
    rows = read(
        f"""
        with items as (
            select
                customers.customer_id, customers.name, open_amount, open_amount_base, days_past_due,
                {scope.amount("open_amount", "items")} as amount
            from {_open_items(read, on)} as items
            inner join marts.dim_customers as customers on customers.customer_id = items.customer_id and not customers.is_intercompany
            {scope.rates("items", "$on")}
            where {scope.rows("items")}
        ),
        owed as (
            select
                customer_id, name,
                {scope.total("amount")} as amount,
                {scope.total("amount", f"({debit}) and days_past_due > 0")} as past_due_amount,
                {scope.total("amount", f"({debit}) and days_past_due > 90")} as over_90_amount,
                max(days_past_due) filter (where ({debit}) and days_past_due > 0) as oldest_days_past_due
            from items
            group by all
        )
        select
            row_number() over (order by amount desc nulls first, customer_id) as rank, *,
            case when count(*) over () = count(amount) over () then sum(amount) over () end as all_amount
        from owed
        qualify rank <= {int(limit)}
        order by rank
        """,
        scope.parameters | {"on": on},
    )
    return [row | {"share": ratio(row["amount"], row["all_amount"])} for row in rows]


def outside(read: Read, company: str) -> list[Record]:
    """Return what was rejected or is held, and therefore not in the receivable, per company and currency."""
    return read(
        """
        select company_id, currency, gross_receivable_amount, rejected_amount, rejected_rows, held_amount, held_rows, unreadable_rows
        from meta.amounts_outside
        where ($company = 'ALL' or company_id = $company) and (rejected_rows > 0 or held_rows > 0 or unreadable_rows > 0)
        order by 1, 2
        """,
        {"company": company},
    )


@dataclass(frozen=True)
class Worklist:
    """Which accounts a collector looks at; None = all of them. Bucket and currency choose past-due items, the others customers."""

    collector: str | None = None
    segment: str | None = None
    bucket: str | None = None
    currency: str | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """The filters as the queries' parameters."""
        return {"collector": self.collector, "segment": self.segment, "bucket": self.bucket, "currency": self.currency}


WORKLIST_CUSTOMERS = """
    select customers.customer_id
    from marts.dim_customers as customers
    where ($collector is null or customers.collector_id = $collector or ($collector = '' and customers.collector_id is null))
        and ($segment is null or customers.segment = $segment or ($segment = '' and customers.segment is null))
        and (($bucket is null and $currency is null) or customers.customer_id in (
            select items.customer_id from marts.fct_open_items as items
            where items.open_amount > 0 and items.days_past_due > 0
                and ($bucket is null or items.bucket_id = $bucket) and ($currency is null or items.currency = $currency)
        ))"""


# The past due of each customer in the chosen bucket and currency: in that currency, else in the currency of the customer's line on the worklist.
WORKLIST_SELECTED = """
    select
        items.customer_id, count(*) as item_count,
        case when count(*) = count(amount) then sum(amount) end as amount
    from (
        select
            items.customer_id,
            case when $currency is not null then items.open_amount
                when items.base_currency = lines.base_currency then items.open_amount_base
                else cast(items.open_amount_base as decimal(29, 3)) * rates.rate end as amount
        from marts.fct_open_items as items
        inner join marts.rpt_collector_worklist as lines on lines.customer_id = items.customer_id
        left join marts.dim_conversion_rates as rates
            on rates.from_currency = items.base_currency and rates.to_currency = lines.base_currency and rates.rate_on = items.as_of_date
        where items.open_amount > 0 and items.days_past_due > 0
            and ($bucket is null or items.bucket_id = $bucket) and ($currency is null or items.currency = $currency)
    ) as items
    group by all"""


def worklist(read: Read, filters: Worklist) -> list[Record]:
    """Return the accounts to chase, most urgent first, with the reasons; `selected_amount` is the past due of the chosen bucket and currency."""
    return read(
        f"""
        with selected as ({WORKLIST_SELECTED})
        select
            worklist.*, customers.name as customer_name, customers.segment, customers.on_hold, collectors.name as collector_name,
            selected.amount as selected_amount, selected.item_count as selected_item_count, coalesce($currency, worklist.base_currency) as selected_currency,
            (select min(promised_on) from marts.fct_promises as promises where promises.customer_id = worklist.customer_id and outcome = 'open') as promised_on
        from marts.rpt_collector_worklist as worklist
        inner join marts.dim_customers as customers on customers.customer_id = worklist.customer_id
        left join marts.dim_collectors as collectors on collectors.collector_id = worklist.collector_id
        left join selected on selected.customer_id = worklist.customer_id
        where worklist.customer_id in ({WORKLIST_CUSTOMERS})
        order by worklist.rank
        """,
        filters.parameters,
    )


def worklist_totals(read: Read, filters: Worklist) -> list[Record]:
    """Return the listed accounts' past due, its disputed part and their open credits: one row per currency, amounts are never added across."""
    return read(
        f"""
        select
            base_currency as currency,
            count(*) as customers,
            case when count(*) = count(past_due_amount_base) then sum(past_due_amount_base) end as past_due_amount,
            case when count(*) = count(disputed_amount_base) then sum(disputed_amount_base) end as disputed_amount,
            case when count(*) = count(unapplied_amount_base) then sum(unapplied_amount_base) end as unapplied_amount,
            count(*) filter (where has_broken_promise) as broken_promises,
            count(*) filter (where has_open_promise) as open_promises,
            count(*) filter (where has_dispute) as disputes,
            count(*) filter (where is_over_limit) as over_limit
        from marts.rpt_collector_worklist
        where customer_id in ({WORKLIST_CUSTOMERS})
        group by all
        order by past_due_amount desc nulls first, 1
        """,
        filters.parameters,
    )


def collectors(read: Read) -> list[Record]:
    """Return who has accounts to chase; a customer without a collector counts under an empty id."""
    return read(
        """
        select coalesce(worklist.collector_id, '') as collector_id, coalesce(max(collectors.name), 'Nobody assigned') as name, count(*) as customers
        from marts.rpt_collector_worklist as worklist
        left join marts.dim_collectors as collectors on collectors.collector_id = worklist.collector_id
        group by worklist.collector_id
        order by worklist.collector_id is null, lower(max(collectors.name)), worklist.collector_id
        """,
        {},
    )


def segments(read: Read) -> list[str]:
    """Return the segments of the customers to chase; customers without one count under an empty text."""
    rows = read(
        """
        select coalesce(customers.segment, '') as segment
        from marts.rpt_collector_worklist as worklist
        inner join marts.dim_customers as customers on customers.customer_id = worklist.customer_id
        group by customers.segment
        order by customers.segment is null, 1
        """,
        {},
    )
    return [row["segment"] for row in rows]


def past_due_buckets(read: Read) -> list[Record]:
    """Return the buckets that past-due items can be in."""
    return read(
        "select bucket_id, label from marts.dim_aging_buckets where coalesce(days_to, 1) > 0 and bucket_id != $unapplied order by bucket_order",
        {"unapplied": UNAPPLIED},
    )


def past_due_currencies(read: Read) -> list[str]:
    """Return the document currencies of past-due items."""
    return [row["currency"] for row in read("select distinct currency from marts.fct_open_items where open_amount > 0 and days_past_due > 0 order by 1", {})]


def promises(read: Read, filters: Worklist) -> list[Record]:
    """Return the promises of the filtered customers that are open, or were broken within ninety days."""
    return read(
        f"""
        select
            promises.promise_id, promises.customer_id, customers.name as customer_name, promises.document_id, promises.promised_on, promises.currency,
            promises.promised_amount, promises.received_amount, promises.outcome, collectors.name as collector_name
        from marts.fct_promises as promises
        inner join marts.dim_customers as customers on customers.customer_id = promises.customer_id
        left join marts.dim_collectors as collectors on collectors.collector_id = promises.collector_id
        where promises.customer_id in ({WORKLIST_CUSTOMERS})
            and (promises.outcome = 'open' or (promises.outcome = 'broken' and promises.promised_on > $as_of - interval 90 day))
            and ($currency is null or promises.currency = $currency)
        order by promises.promised_on desc, promises.promise_id
        """,
        filters.parameters | {"as_of": _as_of(read)},
    )


def disputes(read: Read, filters: Worklist) -> list[Record]:
    """Return the open disputes of the filtered customers."""
    return read(
        f"""
        select
            disputes.dispute_id, disputes.customer_id, customers.name as customer_name, disputes.document_id, disputes.opened_on, disputes.days_open,
            disputes.currency, disputes.disputed_amount, disputes.reason, disputes.root_cause, owners.name as owner_name
        from marts.fct_disputes as disputes
        inner join marts.dim_customers as customers on customers.customer_id = disputes.customer_id
        left join marts.dim_collectors as owners on owners.collector_id = disputes.owner_id
        where disputes.customer_id in ({WORKLIST_CUSTOMERS}) and disputes.closed_on is null
            and ($currency is null or disputes.currency = $currency)
        order by disputes.opened_on, disputes.dispute_id
        """,
        filters.parameters,
    )


def customers(read: Read) -> list[Record]:
    """Return every customer that ever had an item, by name."""
    return read("select customer_id, name from marts.dim_customers order by lower(name), customer_id", {})


def customer(read: Read, customer_id: str) -> Record | None:
    """Return a customer with its collector, group and place on the worklist."""
    rows = read(
        """
        select
            customers.*, collectors.name as collector_name, parents.name as ultimate_parent_name,
            worklist.rank, worklist.score, worklist.reasons, worklist.past_due_amount_base, worklist.base_currency, worklist.oldest_days_past_due,
            worklist.last_touch_at, worklist.next_action_on, worklist.suggested_action
        from marts.dim_customers as customers
        left join marts.dim_collectors as collectors on collectors.collector_id = customers.collector_id
        left join marts.dim_customers as parents on parents.customer_id = customers.ultimate_parent_id
        left join marts.rpt_collector_worklist as worklist on worklist.customer_id = customers.customer_id
        where customers.customer_id = $customer
        """,
        {"customer": customer_id},
    )
    return rows[0] if rows else None


def exposure(read: Read, ultimate_parent_id: str) -> Record | None:
    """Return what a group of customers owes and has on order against its limit, in the limit's currency."""
    rows = read("select * from marts.rpt_credit_exposure where ultimate_parent_id = $parent", {"parent": ultimate_parent_id})
    return rows[0] if rows else None


def customer_aging(read: Read, customer_id: str, on: date) -> list[Record]:
    """Return a customer's open amounts per company, currency and bucket at the close of a day."""
    return read(
        f"""
        select aged.company_id, aged.currency, aged.bucket_id, buckets.label, buckets.bucket_order, aged.item_count, aged.open_amount
        from {_aging(read, on)} as aged
        inner join marts.dim_aging_buckets as buckets on buckets.bucket_id = aged.bucket_id
        where aged.customer_id = $customer
        order by 1, 2, buckets.bucket_order
        """,
        {"customer": customer_id, "on": on},
    )


def customer_items(read: Read, customer_id: str, on: date) -> list[Record]:
    """Return a customer's open items at the close of a day, the oldest first."""
    return read(
        f"""
        select
            items.company_id, coalesce(items.document_number, items.document_id) as document, items.item_type, items.installment_sequence, items.document_date,
            items.due_date, items.days_past_due, buckets.label as bucket, items.currency, items.original_amount, items.open_amount, items.is_disputed,
            items.disputed_amount, items.promised_on
        from {_open_items(read, on)} as items
        inner join marts.dim_aging_buckets as buckets on buckets.bucket_id = items.bucket_id
        where items.customer_id = $customer
        order by items.open_amount < 0, items.days_past_due desc nulls last, items.item_id
        """,
        {"customer": customer_id, "on": on},
    )


def customer_applications(read: Read, customer_id: str, on: date) -> list[Record]:
    """Return what settled a customer's debit items, the latest first: applications, discounts, and their reversals."""
    return read(
        """
        with known_items as (select * from marts.dim_item_versions where known_from <= $known and known_to > $known)
        select
            events.posting_date, events.event_type, events.company_id,
            coalesce(targets.document_number, targets.document_id) as document, targets.item_type as document_type,
            coalesce(sources.document_number, sources.document_id) as applied_from, coalesce(sources.item_type, events.counterpart_kind) as applied_from_type,
            events.currency, -events.amount as amount, events.is_derived
        from marts.fct_ar_events as events
        inner join known_items as targets on targets.item_id = events.item_id and targets.original_amount > 0
        left join known_items as sources on sources.item_id = events.counterpart_item_id
        where events.customer_id = $customer and events.posting_date <= $on and events.known_from <= $known and events.known_to > $known
            and events.event_type in ('application', 'application_reversal', 'discount', 'discount_reversal')
        order by events.posting_date desc, events.event_id
        """,
        {"customer": customer_id, "on": on, "known": known_moment(read)},
    )


def customer_behavior(read: Read, customer_id: str) -> list[Record]:
    """Return how a customer paid in the last twelve months, per currency: sums first, ratios of the sums."""
    rows = read(
        """
        select
            currency, sum(paid_amount) as paid_amount, sum(late_amount) as late_amount,
            sum(paid_amount_days) as paid_amount_days, sum(late_amount_days) as late_amount_days
        from marts.fct_payment_behavior_monthly
        where customer_id = $customer and month_end > $as_of - interval 12 month
        group by all
        having sum(paid_amount) > 0
        order by paid_amount desc
        """,
        {"customer": customer_id, "as_of": _as_of(read)},
    )
    return [
        row
        | {
            "weighted_days_to_pay": ratio(row["paid_amount_days"], row["paid_amount"], 2),
            "weighted_days_late": ratio(row["late_amount_days"], row["paid_amount"], 2),
            "late_amount_ratio": ratio(row["late_amount"], row["paid_amount"]),
        }
        for row in rows
    ]


def customer_timeline(read: Read, customer_id: str) -> list[Record]:
    """Return what happened with a customer, the latest first: touches, dunning notices, promises, disputes. Free text is personal and not in this file."""
    return read(
        """
        select * from (
            select
                activities.occurred_at, activities.activity_type as kind, activities.channel, activities.direction, activities.outcome,
                activities.dunning_level, activities.document_id, users.name as user_name, activities.next_action_on, null::date as promised_on,
                null as currency, null::decimal(18, 3) as amount, activities.activity_id as event_id
            from marts.fct_activities as activities
            left join marts.dim_collectors as users on users.collector_id = activities.user_id
            where activities.customer_id = $customer
            union all
            select
                promises.created_at, 'promise', null, null, promises.outcome, null, promises.document_id, users.name, null, promises.promised_on,
                promises.currency, promises.promised_amount, promises.promise_id
            from marts.fct_promises as promises
            left join marts.dim_collectors as users on users.collector_id = promises.collector_id
            where promises.customer_id = $customer
            union all
            select
                disputes.opened_on::timestamp, 'dispute', null, null,
                coalesce(disputes.resolution, case when disputes.closed_on is null then 'open' else 'closed' end), null,
                disputes.document_id, users.name, null, null, disputes.currency, disputes.disputed_amount, disputes.dispute_id
            from marts.fct_disputes as disputes
            left join marts.dim_collectors as users on users.collector_id = disputes.owner_id
            where disputes.customer_id = $customer
        )
        order by occurred_at desc, event_id
        """,
        {"customer": customer_id},
    )


def customer_promises(read: Read, customer_id: str) -> list[Record]:
    """Return a customer's promises, the latest first."""
    return read(
        """
        select promise_id, document_id, created_at, promised_on, currency, promised_amount, received_amount, outcome
        from marts.fct_promises where customer_id = $customer order by promised_on desc, promise_id
        """,
        {"customer": customer_id},
    )


def customer_disputes(read: Read, customer_id: str) -> list[Record]:
    """Return a customer's disputes, the latest first."""
    return read(
        """
        select dispute_id, document_id, opened_on, closed_on, days_open, currency, disputed_amount, reason, root_cause, resolution, resolved_amount
        from marts.fct_disputes where customer_id = $customer order by opened_on desc, dispute_id
        """,
        {"customer": customer_id},
    )


def checks(read: Read) -> list[Record]:
    """Return the audit's checks of this version, what failed first."""
    return read("select check_id, rule, passed, is_overridden, rows, detail from meta.check_results order by passed, rule, check_id", {})


def overrides(read: Read) -> list[Record]:
    """Return who let which check pass, and why, the latest first."""
    return read("select check_id, overridden_by, because, overridden_at, as_of, rows from meta.overrides order by overridden_at desc", {})


def gl_differences(read: Read) -> list[Record]:
    """Return each company's latest control balances beside the subledger's, differences first."""
    return read(
        """
        select
            company_id, receivable_account, period_end, balance_kind, currency, gl_amount, subledger_amount, difference_amount, unexplained_amount,
            is_reconciled, is_explained
        from marts.rpt_gl_reconciliation as balances
        where period_end = (select max(period_end) from marts.rpt_gl_reconciliation as newest where newest.company_id = balances.company_id)
        order by is_explained, is_reconciled, 1, 2, 4, 5
        """,
        {},
    )


def gl_causes(read: Read) -> list[Record]:
    """Return the rows that make up the explained part of these differences."""
    return read(
        """
        select company_id, receivable_account, period_end, balance_kind, currency, cause, object_type, object_id, posting_date, amount, evidence
        from marts.rpt_gl_reconciliation_items as items
        where period_end = (select max(period_end) from marts.rpt_gl_reconciliation as newest where newest.company_id = items.company_id)
        order by 1, 2, 4, 5, 6, item_number
        """,
        {},
    )


def rejects(read: Read) -> list[Record]:
    """Return how many rows of each feed were rejected, and why."""
    return read("select system, feed, reason, count(*) as rows from meta.rejects group by all order by all", {})


def exceptions(read: Read) -> list[Record]:
    """Return what is held or flagged, by reason."""
    return read(
        """
        select object_type, reason, is_held, company_id, currency, count(*) as rows, case when currency is not null then sum(amount) end as amount
        from meta.exceptions group by 1, 2, 3, 4, 5 order by is_held desc, rows desc, object_type, reason, company_id, currency
        """,
        {},
    )


def loads(read: Read) -> Record:
    """Return how many drops are in this version and when the last one came."""
    (row,) = read("select count(*) as drops, max(loaded_at) as loaded_at, max(extracted_at) as extracted_at from meta.drops", {})
    return row


def known_moment(read: Read) -> object:
    """Return the moment whose knowledge the version shows."""
    (row,) = read("select case when is_as_known_then then known_at else timestamp '9999-12-30 00:00:00' end as moment from meta.build_info", {})
    return row["moment"]


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    # One unknown part makes the sum unknown, not smaller.
    found = list(amounts)
    return None if None in found else sum((amount for amount in found if amount is not None), Decimal())


def _open_items(read: Read, on: date) -> str:
    """Return the SQL relation of what is open at the close of a day: the mart holds the day that the books are read at, which most readers ask for."""
    return "marts.fct_open_items" if on == _as_of(read) else "marts.open_items_as_of($on)"


def _aging(read: Read, on: date) -> str:
    """Return the SQL relation of the aging at the close of a day, as `marts.aging_as_of` sums it."""
    return f"""(
        select
            company_id, customer_id, currency, bucket_id, count(*) as item_count, sum(open_amount) as open_amount,
            base_currency, sum(open_amount_base) as open_amount_base
        from {_open_items(read, on)}
        group by company_id, customer_id, currency, bucket_id, base_currency
    )"""


def _as_of(read: Read) -> date:
    (row,) = read("select as_of from meta.build_info", {})
    as_of: date = row["as_of"]
    return as_of
