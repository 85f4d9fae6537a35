"""The audit between build and publish: named checks, each a query over the build file that returns the rows that are wrong.

Totals are compared with what landed (`raw_ledger`), not with the models that derived the ledger from it: a model cannot vouch for itself. What is arithmetic
can never be overridden; what asks whether the input is plausible can, with who and why on record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration import meta
from orchestration.database import connect
from orchestration.extracts.contract import feeds, minor_units
from orchestration.meta import BuildInfo
from orchestration.settings import Home

EXAMPLES = 5
# Feeds whose columns are watched for a jump of empty values, and fewer rows than which prove nothing.
WATCHED_FEEDS = ("customers", "documents", "receipts")
FEWEST_ROWS = 50


# Of one table: its name, its number of rows, a hash of them.
Content = tuple[str, int, str]


@dataclass(frozen=True)
class Check:
    """One question to the build; ``sql`` returns a row per violation, with both amounts."""

    check_id: str
    rule: str
    means: str
    sql: str
    may_be_overridden: bool = False


@dataclass(frozen=True)
class Result:
    """The answer to one check."""

    check: Check
    rows: int
    examples: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Tell whether nothing was found."""
        return self.rows == 0

    def as_reason(self, command: str = "arw publish") -> dict[str, object]:
        """Return the refusal's reason, for the message and for `arw status`; ``command`` is what was refused."""
        check = self.check
        how = f"`{command} --override {check.check_id} --by WHO --because WHY` publishes all the same."
        return {
            "check": check.check_id,
            "rule": check.rule,
            "means": check.means,
            "rows": self.rows,
            "examples": list(self.examples),
            "next": how if check.may_be_overridden else "Arithmetic cannot be overridden: mend the input or the model.",
        }


# What the queries below call the ledger: every event that counts at as_of, in the knowledge that the build shows. Both moments are written out: a literal
# is compared while reading, and skips what cannot hold.
PREPARATION = """
create temp view known_events as
select * from ar_build.marts.fct_ar_events
where known_from <= timestamp '{moment}' and known_to > timestamp '{moment}';

create temp view counted_events as
select * from known_events where posting_date <= date '{as_of}';

create temp table by_day as
select
    company_id, receivable_account, currency, base_currency, posting_date, sum(amount) as amount, sum(amount_base) as amount_base,
    sum(amount_base) filter (where event_type = 'exchange_difference' or (event_type = 'adjustment' and event_subtype = 'revaluation')) as revalued_amount_base
from counted_events group by all;

create temp view held as
select object_type, object_id from ar_build.meta.exceptions where is_held;

create temp view stated_documents as
select
    document_id, company_id, customer_id, receivable_account, currency, posting_date,
    case when document_type in ('credit_memo', 'opening_credit', 'journal_credit') then -1 else 1 end * gross_amount as amount,
    case when status = 'void' then greatest(posting_date, coalesce(voided_on, posting_date)) else date '9999-12-31' end as ended_on,
    case when document_type in ('credit_memo', 'opening_credit', 'journal_credit') then -1 else 1 end * gross_amount_base as amount_base,
    exchange_rate, open_amount, load_mode
from warehouse.raw_ledger.documents
where known_from <= timestamp '{moment}' and known_to > timestamp '{moment}'
    and coalesce(status, 'posted') != 'draft'
    and document_id not in (select object_id from held where object_type = 'document');

create temp view stated_receipts as
select
    receipt_id as document_id, company_id, coalesce(customer_id, 'UNIDENTIFIED') as customer_id, receivable_account, currency, posting_date,
    -1 * amount as amount, -1 * amount_base as amount_base, exchange_rate,
    case when status = 'reversed' then greatest(posting_date, coalesce(reversed_on, posting_date)) else date '9999-12-31' end as ended_on
from warehouse.raw_ledger.receipts
where known_from <= timestamp '{moment}' and known_to > timestamp '{moment}'
    and receipt_id not in (select object_id from held where object_type = 'receipt');

create temp view stated_adjustments as
select
    case when document_id is not null then 'document' when receipt_id is not null then 'receipt' else 'adjustment' end as kind,
    coalesce(document_id, receipt_id, adjustment_id) as document_id,
    case when document_id is null and receipt_id is null then customer_id end as customer_id,
    currency, posting_date,
    case when adjustment_type = 'revaluation' then 0 else amount end as amount
from warehouse.raw_ledger.adjustments
where known_from <= timestamp '{moment}' and known_to > timestamp '{moment}'
    and adjustment_id not in (select object_id from held where object_type = 'adjustment');

create temp view stated_sides as
select 'document' as kind, document_id, posting_date, ended_on, currency from stated_documents
union all
select 'receipt' as kind, document_id, posting_date, ended_on, currency from stated_receipts
union all
select 'adjustment' as kind, document_id, posting_date, date '9999-12-31' as ended_on, currency from stated_adjustments where kind = 'adjustment';

create temp view stated_applications as
select
    raw.application_id, raw.amount, raw.document_id, raw.source_id,
    case when sources.currency = targets.currency then raw.amount else raw.amount_in_source_currency end as source_amount,
    coalesce(raw.discount_amount, 0) as discount_amount,
    least(coalesce(raw.reversed_on, date '9999-12-31'), targets.ended_on, sources.ended_on) as ended_on
from warehouse.raw_ledger.applications as raw
inner join stated_sides as targets
    on targets.document_id = raw.document_id and targets.kind in ('document', 'adjustment')
inner join stated_sides as sources
    on sources.document_id = raw.source_id
    and sources.kind = case when raw.source_type = 'credit_memo' then 'document' else raw.source_type end
where raw.known_from <= timestamp '{moment}' and raw.known_to > timestamp '{moment}'
    and raw.application_id not in (select object_id from held where object_type = 'application')
    -- What ended before it took effect never moved anything.
    and greatest(coalesce(raw.applied_on, sources.posting_date), sources.posting_date, targets.posting_date)
        < least(coalesce(raw.reversed_on, date '9999-12-31'), targets.ended_on, sources.ended_on);
"""

# Items and applications of which something is or may be wrong, found in one reading of the events each; several checks read them. Where names must be the
# same, hashes are: comparing so many texts would cost more than all else.
SUSPECTS = """
create temp table suspect_items as
with items as (
    select
        item_id, any_value(customer_id) as customer_id, any_value(currency) as currency, any_value(base_currency) as base_currency,
        cast(sum(amount) as decimal(18, 3)) as amount, cast(sum(amount_base) as decimal(18, 3)) as amount_base,
        cast(sum(amount) filter (where is_origin) as decimal(18, 3)) as booked_amount,
        cast(sum(amount_base) filter (where is_origin) as decimal(18, 3)) as booked_amount_base,
        count(*) as movements,
        -- These may say their own base amount.
        bool_or(event_type = 'adjustment' and not is_origin) as is_adjusted,
        coalesce(bool_or(event_subtype = 'revaluation'), false) as is_revalued,
        min(names) != max(names) as may_be_apart,
        count(*) filter (where event_type in ('document', 'receipt')) > 1 or count(*) filter (where event_type in ('void', 'bounce')) > 1 as may_be_repeated
    from (
        select
            *, hash(company_id, customer_id, receivable_account, document_id, currency) as names,
            event_type in ('document', 'receipt') or (event_type = 'adjustment' and starts_with(item_id, 'adjustment:')) as is_origin
        from counted_events
    )
    group by item_id
)
select
    coalesce(items.item_id, open_items.item_id) as item_id, items.currency, amount, items.base_currency, amount_base, booked_amount, booked_amount_base,
    items.customer_id as events_customer, open_items.customer_id as items_customer, open_amount, open_amount_base,
    coalesce(may_be_apart, false) as may_be_apart, coalesce(may_be_repeated, false) as may_be_repeated,
    coalesce(not is_revalued and minor_units.currency is not null and case
        when items.currency = items.base_currency then amount_base != amount
        when amount = 0 then amount_base != 0
        when is_adjusted then false
        -- Each movement is rounded by itself, by half a minor unit at most. (Wider than 18 digits, or the product of two millions overflows.)
        else abs(cast(amount_base as decimal(19, 3)) * booked_amount - cast(amount as decimal(19, 3)) * booked_amount_base)
            > movements * cast(0.5 as decimal(2, 1)) * case minor_units when 0 then 1 when 1 then 0.1 when 2 then 0.01 else 0.001 end * abs(booked_amount)
    end, false) as is_off_rate,
    coalesce(amount, 0) != coalesce(open_amount, 0) or coalesce(amount_base, 0) != coalesce(open_amount_base, 0)
        or coalesce(items.customer_id != open_items.customer_id, false) as is_other_open_item
from items
full join ar_build.marts.fct_open_items as open_items on open_items.item_id = items.item_id
left join minor_units on minor_units.currency = items.base_currency
where may_be_apart or may_be_repeated or is_off_rate or is_other_open_item;

-- What is posted after as_of was not looked at yet.
create temp table to_look_at as
select item_id from suspect_items where may_be_apart or may_be_repeated
union
select item_id from known_events where posting_date > date '{as_of}';

create temp table repeated as
select event_type, document_id from known_events where item_id in (from to_look_at)
group by item_id, event_type, document_id having count(*) > 1;

create temp table suspect_applications as
with stated as (
    select application_id, false as is_derived, document_id, source_id, amount, source_amount, discount_amount, ended_on < date '9999-12-31' as is_ended
    from stated_applications
),
-- A target is lowered (-) and a source raised (+) by `application`; the reversal has the signs turned round.
sides as (
    select
        *, event_type in ('discount', 'discount_reversal') and amount != 0 as is_discount,
        (event_type = 'application' and amount < 0) or (event_type = 'application_reversal' and amount > 0) as is_target,
        (event_type = 'application' and amount > 0) or (event_type = 'application_reversal' and amount < 0) as is_source
    from known_events where application_id is not null and event_type != 'exchange_difference'
),
booked as (
    select
        application_id, is_derived,
        any_value(document_id) filter (where is_target or is_discount) as document_id,
        min(hash(document_id)) filter (where is_target or is_discount) != max(hash(document_id)) filter (where is_target or is_discount) as has_many_targets,
        any_value(document_id) filter (where is_source) as source_id,
        min(hash(document_id)) filter (where is_source) != max(hash(document_id)) filter (where is_source) as has_many_sources,
        sum(case when event_type = 'application' and is_target then -1 * amount else 0 end) as lowered,
        sum(case when event_type = 'application' and is_source then amount else 0 end) as raised,
        sum(case when event_type = 'discount' then -1 * amount else 0 end) as discounted,
        sum(case when event_type = 'application_reversal' and is_target then amount else 0 end) as lowered_back,
        sum(case when event_type = 'application_reversal' and is_source then -1 * amount else 0 end) as raised_back,
        sum(case when event_type = 'discount_reversal' then amount else 0 end) as discounted_back,
        min(posting_date) != max(posting_date) as has_many_days
    from sides group by application_id, is_derived
)
select
    coalesce(stated.application_id, booked.application_id) as application_id,
    stated.document_id as stated_target, booked.document_id as ledger_target, stated.source_id as stated_source, booked.source_id as ledger_source,
    stated.amount as stated_amount, booked.lowered as ledger_lowered, stated.source_amount as stated_source_amount, booked.raised as ledger_raised,
    stated.discount_amount as stated_discount, booked.discounted as ledger_discount,
    booked.lowered_back, booked.raised_back,
    -- What is derived (cash that settles the oldest item) nobody stated.
    coalesce(not booked.is_derived, true) and coalesce(
        stated.application_id is null
        or (booked.application_id is null and (stated.amount != 0 or stated.discount_amount != 0))
        or booked.lowered != stated.amount or booked.raised != stated.source_amount or booked.discounted != stated.discount_amount
        or booked.document_id != stated.document_id or booked.has_many_targets
        or booked.source_id != stated.source_id or booked.has_many_sources
        or booked.lowered_back != case when is_ended then stated.amount else 0 end
        or booked.raised_back != case when is_ended then stated.source_amount else 0 end
        or booked.discounted_back != case when is_ended then stated.discount_amount else 0 end,
        false
    ) as is_wrong,
    coalesce(has_many_days or booked.lowered != booked.raised or booked.lowered_back != booked.raised_back, false) as may_move_balance
from stated full join booked on booked.application_id = stated.application_id and booked.is_derived = stated.is_derived
where is_wrong or may_move_balance;
"""


def _posted(check_id: str, kind: str, event_type: str, feed: str, ending: str) -> Iterator[Check]:
    """Yield the checks that every posted document or receipt is in the ledger once, as stated, and so is its end."""
    for name, event, sign, when, condition in (
        (check_id, event_type, "1", "posting_date", "true"),
        (f"{check_id}_ended", ending, "-1", "ended_on", "ended_on < date '9999-12-31'"),
    ):
        yield Check(
            name,
            "1",
            f"each {kind} in the extracts must be in the ledger once (`{event}`), with its own customer, currency, date and amount: "
            "an event was dropped, doubled, changed, or moved to another item or customer",
            f"""
            with stated as (
                select
                    document_id, company_id, customer_id, receivable_account, currency, {when} as posted_on,
                    {sign} * amount as amount, {sign} * amount_base as amount_base, exchange_rate
                from {feed} where {condition}
            ),
            booked as (
                select
                    document_id, any_value(company_id) as company_id, any_value(customer_id) as customer_id,
                    any_value(receivable_account) as receivable_account, any_value(currency) as currency, any_value(base_currency) as base_currency,
                    any_value(posting_date) as posted_on, sum(amount) as amount, sum(amount_base) as amount_base,
                    min(names) != max(names) as has_many_accounts
                from (
                    select *, hash(company_id, customer_id, receivable_account, currency, posting_date) as names
                    from known_events where event_type = '{event}'
                )
                group by document_id
            )
            select
                coalesce(stated.document_id, booked.document_id) as document_id, stated.currency,
                stated.customer_id as stated_customer, booked.customer_id as ledger_customer,
                stated.posted_on as stated_on, booked.posted_on as ledger_on,
                stated.amount as stated_amount, booked.amount as ledger_amount,
                stated.amount_base as stated_amount_base, booked.amount_base as ledger_amount_base
            from stated full join booked on booked.document_id = stated.document_id
            where (booked.document_id is null and stated.amount != 0)
                or stated.document_id is null
                or booked.amount != stated.amount or booked.has_many_accounts
                or booked.document_id in (select document_id from repeated where event_type = '{event}')
                or booked.customer_id != stated.customer_id or booked.currency != stated.currency or booked.posted_on != stated.posted_on
                or booked.company_id != coalesce(stated.company_id, booked.company_id)
                or booked.receivable_account != coalesce(stated.receivable_account, booked.receivable_account)
                or case
                    when booked.base_currency = stated.currency then booked.amount_base != stated.amount
                    when stated.amount_base is not null then booked.amount_base != stated.amount_base
                    -- At the stated rate, but for the rounding to a minor unit, which is at most one whole.
                    when stated.exchange_rate > 0
                        then abs(booked.amount_base - cast(stated.amount as decimal(20, 3)) * cast(stated.exchange_rate as decimal(18, 9))) > 0.5
                    else false
                end
            order by 1
            """,
        )


def _rollforward(check_id: str, suffix: str) -> Check:
    """Return the check that the roll-forward closes on the events, in document currency (no suffix) or in base (`_base`)."""
    movements = " + ".join(
        f"{name}_amount{suffix}"
        for name in ("billed", "finance_charge", "credited", "collected", "discount", "written_off", "refunded", "transferred", "revalued", "other")
    )
    return Check(
        check_id,
        "1",
        "per company, currency and month, opening and movements are not the closing balance"
        f"{' in base currency' if suffix else ''}, or that is not the sum of the events",
        f"""
        with daily as (
            select company_id, currency, posting_date, sum(amount{suffix}) as amount from by_day group by all
        ),
        months as (
            select
                company_id, currency, month_end, opening_amount{suffix} as opening_amount, closing_amount{suffix} as closing_amount,
                {movements} as movements_amount,
                lag(closing_amount{suffix}, 1, 0) over (partition by company_id, currency order by month_end) as prior_closing_amount
            from ar_build.marts.fct_rollforward_monthly
        ),
        events as (
            select months.company_id, months.currency, months.month_end, sum(daily.amount) as amount
            from months inner join daily
                on daily.company_id = months.company_id and daily.currency = months.currency and daily.posting_date <= months.month_end
            group by all
        ),
        last_months as (select company_id, currency, max(month_end) as month_end from months group by all),
        never_closed as (
            select daily.company_id, daily.currency, cast(null as date) as month_end, sum(daily.amount) as amount
            from daily left join last_months on last_months.company_id = daily.company_id and last_months.currency = daily.currency
            where daily.posting_date > coalesce(last_months.month_end, date '0001-01-01') group by all
        )
        select
            months.company_id, months.currency, months.month_end, months.opening_amount, months.movements_amount, months.closing_amount,
            events.amount as events_amount
        from months left join events
            on events.company_id = months.company_id and events.currency = months.currency and events.month_end = months.month_end
        where opening_amount + movements_amount != closing_amount
            or opening_amount != prior_closing_amount
            or closing_amount != coalesce(events.amount, 0)
        union all
        select company_id, currency, month_end, null, null, null, amount from never_closed
        order by 1, 2, 3
        """,
    )


CHECKS = (
    Check(
        "events_are_unique",
        "1",
        "an event stands in the ledger more than once",
        """
        select event_id, count(*) as times, sum(amount) as amount from ar_build.marts.fct_ar_events
        -- Numbers are grouped in half the time that text takes: only where two hashes are the same can two ids be.
        where hash(event_id) in (select hash(event_id) from ar_build.marts.fct_ar_events group by 1 having count(*) > 1)
        group by event_id having count(*) > 1 order by 1
        """,
    ),
    Check(
        "events_stay_with_their_item",
        "1",
        "events of one open item name different companies, customers, accounts or currencies: an event was moved",
        """
        select
            item_id, min(customer_id) as one_customer, max(customer_id) as other_customer,
            min(company_id) as one_company, max(company_id) as other_company, min(currency) as one_currency, max(currency) as other_currency
        from known_events where item_id in (from to_look_at) group by item_id
        having min(customer_id) != max(customer_id) or min(company_id) != max(company_id) or min(currency) != max(currency)
            or min(receivable_account) != max(receivable_account) or min(document_id) != max(document_id)
        order by 1
        """,
    ),
    *_posted("documents_are_in_the_ledger", "document", "document", "stated_documents", "void"),
    *_posted("receipts_are_in_the_ledger", "receipt", "receipt", "stated_receipts", "bounce"),
    Check(
        "adjustments_are_in_the_ledger",
        "1",
        "the adjustments of an item in the extracts are not those in the ledger: one was dropped, doubled, changed or moved",
        """
        with stated as (
            select kind, document_id, sum(amount) as amount, max(customer_id) as customer_id from stated_adjustments group by all
        ),
        booked as (
            select split_part(item_id, ':', 1) as kind, document_id, sum(amount) as amount, min(customer_id) as customer_id from known_events
            where event_type = 'adjustment' group by all
        )
        select
            coalesce(stated.kind, booked.kind) as kind, coalesce(stated.document_id, booked.document_id) as document_id,
            stated.customer_id as stated_customer, booked.customer_id as ledger_customer,
            stated.amount as stated_amount, booked.amount as ledger_amount
        from stated full join booked on booked.kind = stated.kind and booked.document_id = stated.document_id
        where coalesce(stated.amount, 0) != coalesce(booked.amount, 0)
            or booked.customer_id != coalesce(stated.customer_id, booked.customer_id)
        order by 1
        """,
    ),
    Check(
        "applications_are_in_the_ledger",
        "1",
        "an application in the extracts does not lower its target, raise its source and give its discount in the ledger by the stated amounts, "
        "or is not taken back when it ends: an event was dropped, doubled or changed",
        "select * exclude (is_wrong, may_move_balance) from suspect_applications where is_wrong order by 1",
    ),
    Check(
        "applications_move_no_balance",
        "1",
        "within one account an application must lower one item by what it raises the other: one of its two events was dropped, doubled or changed",
        """
        with sides as (
            select
                application_id, event_type, posting_date, sum(amount) as amount, count(distinct currency) as currencies
            from known_events
            where event_type in ('application', 'application_reversal')
                and application_id in (select application_id from suspect_applications where may_move_balance)
            group by application_id, event_type, posting_date
        )
        select application_id, event_type, posting_date, amount as left_over_amount from sides
        where currencies = 1 and amount != 0
        order by 1, 2, 3
        """,
    ),
    Check(
        "base_amounts_are_at_book_rate",
        "1",
        "an item's base amount is not its open amount at its book rate (nothing, once it is settled): an event's base amount was dropped, doubled or changed",
        """
        select item_id, currency, amount, base_currency, amount_base, booked_amount, booked_amount_base from suspect_items where is_off_rate
        order by 1
        """,
    ),
    Check(
        "open_amounts_are_as_delivered",
        "1",
        "a document delivered with its open amount has another one in the ledger",
        """
        with booked as (select document_id, sum(amount) as amount from known_events where event_type in ('document', 'settlement') group by document_id)
        select stated.document_id, stated.currency, stated.open_amount as stated_amount, abs(coalesce(booked.amount, 0)) as ledger_amount
        from stated_documents as stated left join booked on booked.document_id = stated.document_id
        where stated.load_mode = 'open_items' and stated.open_amount is not null and abs(coalesce(booked.amount, 0)) != stated.open_amount
        order by 1
        """,
    ),
    Check(
        "open_items_equal_events",
        "1",
        "per company and currency, the open items are not the sum of the events up to as_of",
        """
        with events as (
            select company_id, currency, sum(amount) as amount, sum(amount_base) as amount_base from by_day group by all
        ),
        items as (
            select company_id, currency, sum(open_amount) as amount, sum(open_amount_base) as amount_base
            from ar_build.marts.fct_open_items group by all
        )
        select
            coalesce(events.company_id, items.company_id) as company_id, coalesce(events.currency, items.currency) as currency,
            events.amount as events_amount, items.amount as items_amount,
            events.amount_base as events_amount_base, items.amount_base as items_amount_base
        from events full join items on items.company_id = events.company_id and items.currency = events.currency
        where coalesce(events.amount, 0) != coalesce(items.amount, 0) or coalesce(events.amount_base, 0) != coalesce(items.amount_base, 0)
        order by 1, 2
        """,
    ),
    Check(
        "each_open_item_equals_its_events",
        "1",
        "an open item is not the sum of its events up to as_of",
        """
        select
            item_id, events_customer, items_customer, amount as events_amount, open_amount as items_amount,
            amount_base as events_amount_base, open_amount_base as items_amount_base
        from suspect_items where is_other_open_item
        order by 1
        """,
    ),
    Check(
        "buckets_equal_open_items",
        "1",
        "per company, customer, currency and bucket, the aging (with `unapplied`) is not the sum of the open items",
        """
        with aging as (
            select company_id, customer_id, currency, bucket_id, sum(item_count) as items, sum(open_amount) as amount, sum(open_amount_base) as amount_base
            from marts.aging_as_of((select as_of from audited)) group by all
        ),
        items as (
            select company_id, customer_id, currency, bucket_id, count(*) as items, sum(open_amount) as amount, sum(open_amount_base) as amount_base
            from ar_build.marts.fct_open_items group by all
        )
        select
            coalesce(aging.company_id, items.company_id) as company_id, coalesce(aging.customer_id, items.customer_id) as customer_id,
            coalesce(aging.currency, items.currency) as currency, coalesce(aging.bucket_id, items.bucket_id) as bucket_id,
            aging.items as aging_items, items.items as open_items, aging.amount as aging_amount, items.amount as items_amount
        from aging full join items
            on items.company_id = aging.company_id and items.customer_id = aging.customer_id
            and items.currency = aging.currency and items.bucket_id = aging.bucket_id
        where aging.amount is distinct from items.amount or aging.amount_base is distinct from items.amount_base or aging.items is distinct from items.items
        order by 1, 2, 3, 4
        """,
    ),
    Check(
        "weekly_aging_equals_events",
        "1",
        "per company and currency, a week end's aging is not the sum of the events up to it",
        """
        with aging as (
            select week_end, company_id, currency, sum(open_amount) as amount, sum(open_amount_base) as amount_base
            from ar_build.marts.fct_aging_weekly group by all
        ),
        weeks as (select distinct week_end from aging),
        daily as (
            select company_id, currency, posting_date, sum(amount) as amount, sum(amount_base) as amount_base from by_day group by all
        ),
        events as (
            select weeks.week_end, daily.company_id, daily.currency, sum(daily.amount) as amount, sum(daily.amount_base) as amount_base
            from weeks inner join daily on daily.posting_date <= weeks.week_end group by all
        )
        select
            coalesce(events.week_end, aging.week_end) as week_end, coalesce(events.company_id, aging.company_id) as company_id,
            coalesce(events.currency, aging.currency) as currency, events.amount as events_amount, aging.amount as aging_amount,
            events.amount_base as events_amount_base, aging.amount_base as aging_amount_base
        from events full join aging
            on aging.week_end = events.week_end and aging.company_id = events.company_id and aging.currency = events.currency
        where coalesce(events.amount, 0) != coalesce(aging.amount, 0) or coalesce(events.amount_base, 0) != coalesce(aging.amount_base, 0)
        order by 1, 2, 3
        """,
    ),
    _rollforward("rollforward_closes_on_events", ""),
    _rollforward("rollforward_closes_on_events_in_base", "_base"),
    Check(
        "exchange_differences_are_revalued",
        "1",
        "per company, currency and month, the roll-forward's revalued amount is not the sum of the exchange differences and revaluations, "
        "which move base amounts only",
        """
        with months as (
            select
                company_id, currency, month_end, revalued_amount, revalued_amount_base,
                lag(month_end, 1, date '0001-01-01') over (partition by company_id, currency order by month_end) as prior_month_end
            from ar_build.marts.fct_rollforward_monthly
        )
        select
            months.company_id, months.currency, months.month_end, months.revalued_amount, months.revalued_amount_base,
            sum(daily.revalued_amount_base) as events_amount_base
        from months left join by_day as daily
            on daily.company_id = months.company_id and daily.currency = months.currency
            and daily.posting_date > months.prior_month_end and daily.posting_date <= months.month_end
        group by all
        having months.revalued_amount != 0 or months.revalued_amount_base != coalesce(sum(daily.revalued_amount_base), 0)
        order by 1, 2, 3
        """,
    ),
    Check(
        "reconciliation_adds_up",
        "1",
        "a balance of the general ledger is not the one delivered, the subledger's is not the sum of the events, their difference is not what the causes and "
        "the unexplained rest come to, or a cause is not the sum of its rows",
        """
        with sole as (select min(company_id) as company_id from ar_build.marts.dim_companies having count(*) = 1),
        delivered as (
            select
                coalesce(raw.company_id, sole.company_id) as company_id, raw.receivable_account, raw.period_end, raw.balance_kind, raw.currency,
                raw.closing_balance
            from warehouse.raw_ledger.gl_balances as raw left join sole on true
            where raw.known_from <= (select moment from audited) and raw.known_to > (select moment from audited)
                and raw.period_end <= (select as_of from audited)
        ),
        lines as (select * from ar_build.marts.rpt_gl_reconciliation),
        booked as (
            select
                lines.company_id, lines.receivable_account, lines.period_end, lines.balance_kind, lines.currency,
                sum(case lines.balance_kind when 'base_total' then daily.amount_base else daily.amount end) as amount
            from lines inner join by_day as daily
                on daily.company_id = lines.company_id and daily.receivable_account = lines.receivable_account and daily.posting_date <= lines.period_end
                and lines.currency = case lines.balance_kind when 'base_total' then daily.base_currency else daily.currency end
            group by all
        ),
        items as (
            select company_id, receivable_account, period_end, balance_kind, currency, cause, sum(amount) as amount
            from ar_build.marts.rpt_gl_reconciliation_items group by all
        ),
        causes as (
            unpivot lines
            on timing_amount, manual_journal_amount, unapplied_amount, exchange_rounding_amount, missing_document_amount, held_amount, rejected_amount
            into name cause value amount
        ),
        claimed as (
            select company_id, receivable_account, period_end, balance_kind, currency, sum(amount) as amount from causes group by all
        )
        select 'general ledger' as what, company_id, receivable_account, period_end, balance_kind, currency, closing_balance as stated, gl_amount as shown
        from delivered full join lines using (company_id, receivable_account, period_end, balance_kind, currency)
        where coalesce(closing_balance, 0) is distinct from gl_amount
        union all
        select 'subledger', company_id, receivable_account, period_end, balance_kind, currency, booked.amount, subledger_amount
        from lines left join booked using (company_id, receivable_account, period_end, balance_kind, currency)
        where coalesce(booked.amount, 0) != subledger_amount
        union all
        select
            'difference', company_id, receivable_account, period_end, balance_kind, currency, difference_amount, claimed.amount + unexplained_amount
        from lines left join claimed using (company_id, receivable_account, period_end, balance_kind, currency)
        where gl_amount - subledger_amount != difference_amount or claimed.amount + unexplained_amount != difference_amount
        union all
        select cause, company_id, receivable_account, period_end, balance_kind, currency, causes.amount, items.amount
        from (select * replace (replace(cause, '_amount', '') as cause) from causes) as causes
        full join items using (company_id, receivable_account, period_end, balance_kind, currency, cause)
        where coalesce(causes.amount, 0) != coalesce(items.amount, 0)
        order by all
        """,
    ),
    Check(
        "each_open_item_in_one_bucket",
        "5",
        "an open item stands twice, in no bucket, or in one that its days past due do not belong to",
        """
        with counted as (
            select items.*, count(*) over (partition by item_id) as times from ar_build.marts.fct_open_items as items
        )
        select
            items.item_id, items.times, items.bucket_id, items.days_past_due, buckets.days_from, buckets.days_to, items.open_amount
        from counted as items left join ar_build.marts.dim_aging_buckets as buckets on buckets.bucket_id = items.bucket_id
        where items.times != 1
            or buckets.bucket_id is null
            or (buckets.bucket_id != 'unapplied' and not (
                items.days_past_due >= coalesce(buckets.days_from, items.days_past_due)
                and items.days_past_due <= coalesce(buckets.days_to, items.days_past_due)
            ))
            or (buckets.bucket_id = 'unapplied' and items.open_amount > 0)
        order by 1
        """,
    ),
    Check(
        "content_is_repeatable",
        "3",
        "the same lake, as_of, policy and models gave other content than in the version published before",
        """
        select
            coalesce(now.table_name, before.table_name) as table_name, before.row_count as rows_before, now.row_count as rows_now,
            before.content_hash as hash_before, now.content_hash as hash_now
        from present_contents as now full join previous_contents as before on before.table_name = now.table_name
        where (select fingerprint from ar_build.meta.build_info) in (select fingerprint from previous_build)
            and now.content_hash is distinct from before.content_hash
        order by 1
        """,
    ),
    Check(
        "rows_are_accounted_for",
        "2",
        "per file, rows in must be loaded + rejected + duplicate; per feed, the lake must hold the loaded and list the rejected ones",
        """
        with files as (select * from ar_build.meta.load_audit where status = 'landed'),
        feeds as (select drop_id, system, feed, sum(rows_loaded) as rows_loaded, sum(rows_rejected) as rows_rejected from files group by all),
        rejected as (select drop_id, feed, count(*) as rows from ar_build.meta.rejects group by all)
        select drop_id, file, rows_in, rows_loaded, rows_rejected, rows_duplicate, null as rows_in_lake, null as rows_listed
        from ar_build.meta.load_audit where rows_in != rows_loaded + rows_rejected + rows_duplicate
        union all
        select feeds.drop_id, feeds.feed, null, feeds.rows_loaded, feeds.rows_rejected, null, coalesce(lake_rows.rows, 0), coalesce(rejected.rows, 0)
        from feeds
        left join lake_rows on lake_rows.drop_id = feeds.drop_id and lake_rows.system = feeds.system and lake_rows.feed = feeds.feed
        left join rejected on rejected.drop_id = feeds.drop_id and rejected.feed = feeds.feed
        where coalesce(lake_rows.rows, 0) != feeds.rows_loaded or coalesce(rejected.rows, 0) != feeds.rows_rejected
        order by 1, 2
        """,
    ),
    Check(
        "amounts_outside_are_small",
        "6",
        "rejected rows of the ledger and held documents, receipts and adjustments are more than the allowed share of the gross receivable, "
        "or of the rows where their amounts cannot be read: the figures would look complete and are not",
        """
        select
            company_id, currency, gross_receivable_amount, rejected_amount, held_amount, rejected_rows, held_rows, unreadable_rows
        from ar_build.meta.amounts_outside, limits, known_rows
        where rejected_amount + held_amount > limits.max_outside_share * cast(gross_receivable_amount as decimal(24, 3))
            or unreadable_rows > limits.max_outside_share * known_rows.rows
        order by all
        """,
        may_be_overridden=True,
    ),
    Check(
        "no_company_vanished",
        "faults 18",
        "a company that was known is missing from a full drop of several, whose manifest does not say which companies it covers: "
        "everything of it would count as deleted",
        """
        with full_drops as (
            select * from deliveries
            where feed in ('documents', 'receipts') and mode != 'incremental' and not is_scoped and drop_id not in (select drop_id from previous_drops)
        ),
        known_before as (
            select full_drops.drop_id, full_drops.feed, versions.company_id, count(*) as rows_before
            from full_drops inner join (
                select 'documents' as feed, company_id, known_from, known_to, drop_id, coalesce(open_amount, 1) as open_amount
                from warehouse.raw_ledger.documents
                union all
                select 'receipts', company_id, known_from, known_to, drop_id, 1 from warehouse.raw_ledger.receipts
            ) as versions
                on versions.feed = full_drops.feed and versions.known_from < full_drops.extracted_at and versions.known_to >= full_drops.extracted_at
                and versions.open_amount != 0
            inner join deliveries as told
                on told.drop_id = versions.drop_id and told.feed = versions.feed and told.source_id = full_drops.source_id
            where versions.company_id is not null
            group by all
        ),
        delivered as (
            select drop_id, feed, company_id from delivered_companies
            union
            select distinct drop_id, feed, company_id from ar_build.meta.rejects
        )
        select known_before.* from known_before
        where not exists (
            select 1 from delivered
            where delivered.drop_id = known_before.drop_id and delivered.feed = known_before.feed and delivered.company_id = known_before.company_id
        )
        order by all
        """,
        may_be_overridden=True,
    ),
    Check(
        "volumes_are_as_before",
        "faults 35",
        "a full drop holds half as many rows of a feed as the full drop before it, or fewer, or half as many again, or more",
        """
        with full_drops as (
            select *, lag(rows_in) over (partition by feed, source_id order by ord) as rows_before
            from deliveries where mode != 'incremental' and not is_scoped
        )
        select drop_id, feed, rows_before, rows_in as rows_now from full_drops, limits
        where drop_id not in (select drop_id from previous_drops)
            and greatest(rows_before, rows_in) >= limits.fewest_rows
            and abs(rows_in - rows_before) > limits.max_volume_change * rows_before
        order by all
        """,
        may_be_overridden=True,
    ),
    Check(
        "values_are_filled_as_before",
        "faults 35",
        "a column that used to be filled is empty in most of the rows that came since the version in force",
        """
        select feed, column_name, rows_before, empty_before, rows_since, empty_since from fillings, limits
        where rows_before >= limits.fewest_rows and rows_since >= limits.fewest_rows
            and cast(empty_since as decimal(18, 6)) * rows_before - cast(empty_before as decimal(18, 6)) * rows_since
                > limits.max_volume_change * rows_since * rows_before
        order by all
        """,
        may_be_overridden=True,
    ),
)


def run(home: Home, info: BuildInfo, previous: Path | None) -> tuple[list[Result], list[Content]]:
    """Put every check to the build; ``previous`` is the published file to compare it with, if there is one. Return the answers and the build's content."""
    with connect(spill=home.build_file.parent / "spill") as con:
        meta.attach(con, home, "warehouse", "ar_build")
        # The published table functions name `marts` without a catalog, as they must in the published file.
        con.execute("use ar_build")
        con.execute("create temp table audited as select as_of, cast($moment as timestamp) as moment from ar_build.meta.build_info", {"moment": info.moment})
        meta.deliveries(con, home)
        _prepare_limits(con, info)
        moments = {"moment": info.moment, "as_of": info.as_of}
        con.execute(PREPARATION.format(**moments))
        con.execute(SUSPECTS.format(**moments))
        _prepare_known_rows(con)
        _prepare_lake_rows(con, home)
        found = contents(con)
        _prepare_previous(con, previous, found)
        _prepare_delivered_companies(con, home)
        return [_put(con, check) for check in CHECKS], found


def contents(con: duckdb.DuckDBPyConnection) -> list[Content]:
    """Return name, row count and a hash of each table of the build's marts that does not depend on the order of its rows; frozen weeks have their own."""
    tables = con.execute(
        """
        select table_name from duckdb_tables()
        where schema_name = 'marts' and database_name = 'ar_build' and table_name != 'fct_aging_snapshots' order by 1
        """
    ).fetchall()
    found = []
    for (table,) in tables:
        row = con.execute(f"select count(*), sum(cast(hash(entry) as hugeint)) from ar_build.marts.{table} as entry").fetchone()
        rows, total = row or (0, None)
        found.append((table, rows, format(int(total or 0), "x")))
    return found


def _prepare_limits(con: duckdb.DuckDBPyConnection, info: BuildInfo) -> None:
    """Name the thresholds beyond which a person has to look, and the smallest unit of each currency."""
    policy = json.loads(info.variables)
    con.execute(
        """
        create temp table limits as
        select cast(? as decimal(9, 6)) as max_outside_share, cast(? as decimal(9, 6)) as max_volume_change, cast(? as bigint) as fewest_rows
        """,
        [policy["max_outside_share"], policy["max_volume_change"], FEWEST_ROWS],
    )
    con.execute("create temp table minor_units (currency varchar, minor_units integer)")
    con.execute("insert into minor_units select unnest(?), unnest(?)", [list(minor_units()), list(minor_units().values())])


def _prepare_known_rows(con: duckdb.DuckDBPyConnection) -> None:
    """Count the rows of the ledger that are known, where there are unreadable ones to set against them."""
    counts = " + ".join(f"(select count(*) from stated_{name})" for name in ("documents", "receipts", "adjustments", "applications"))
    [[are_wanted]] = con.execute("select count(*) > 0 from ar_build.meta.amounts_outside where unreadable_rows > 0").fetchall()
    con.execute(f"create temp table known_rows as select {counts if are_wanted else 0} as rows")


def _prepare_delivered_companies(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Name the companies in each full drop that came since the version in force."""
    con.execute("create temp table delivered_companies (drop_id varchar, feed varchar, company_id varchar)")
    for feed in ("documents", "receipts"):
        drops = con.execute(
            "select drop_id from deliveries where feed = ? and mode != 'incremental' and not is_scoped and drop_id not in (from previous_drops)", [feed]
        ).fetchall()
        files = [str(path) for (drop_id,) in drops if (path := home.lake / "ledger" / feed / f"{drop_id}.parquet").is_file()]
        if files:
            con.execute("insert into delivered_companies select distinct drop_id, $feed, company_id from read_parquet($files)", {"feed": feed, "files": files})


def _prepare_lake_rows(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Count the rows of each feed and drop as the lake's files hold them."""
    con.execute("create temp table lake_rows (system varchar, feed varchar, drop_id varchar, rows bigint)")
    files = [str(path) for path in sorted(home.lake.glob("*/*/*.parquet"))]
    if files:
        con.execute(
            """
            insert into lake_rows
            select parts[-3], parts[-2], split_part(parts[-1], '.', 1), num_rows
            from (select string_split(file_name, '/') as parts, num_rows from parquet_file_metadata($files))
            """,
            {"files": files},
        )


def _prepare_previous(con: duckdb.DuckDBPyConnection, previous: Path | None, present: list[Content]) -> None:
    """Name what was published before, and the build's own content, for the checks that compare the two."""
    con.execute("create temp table previous_build (fingerprint varchar)")
    con.execute("create temp table previous_contents (table_name varchar, row_count bigint, content_hash varchar)")
    con.execute("create temp table present_contents (table_name varchar, row_count bigint, content_hash varchar)")
    con.execute("create temp table previous_drops (drop_id varchar)")
    for row in present:
        con.execute("insert into present_contents values (?, ?, ?)", list(row))
    con.execute(
        "create temp table fillings (feed varchar, column_name varchar, rows_before bigint, empty_before bigint, rows_since bigint, empty_since bigint)"
    )
    if previous:
        con.execute(f"attach '{str(previous).replace(chr(39), chr(39) * 2)}' as previous (read_only)")
        con.execute("insert into previous_build select fingerprint from previous.meta.build_info")
        con.execute("insert into previous_contents select table_name, row_count, content_hash from previous.meta.contents")
        con.execute("insert into previous_drops select drop_id from previous.meta.drops")
        con.execute("create temp table before as select known_at from previous.meta.build_info")
        for name in WATCHED_FEEDS:
            _count_fillings(con, name)


def _count_fillings(con: duckdb.DuckDBPyConnection, feed: str) -> None:
    """Count the empty values of each column in what was known before, and in what came since."""
    columns = feeds()[feed].column_names
    counts = [f"count({column}) filter (where {which})" for which in ("was_known", "is_new") for column in columns]
    row = con.execute(
        f"""
        select count(*) filter (where was_known), count(*) filter (where is_new), {", ".join(counts)}
        from (
            select *, known_from <= before.known_at and known_to > before.known_at as was_known, known_from > before.known_at as is_new
            from warehouse.raw_ledger.{feed}, before
        )
        """
    ).fetchone()
    before, since, *filled = row or (0, 0)
    for column, filled_before, filled_since in zip(columns, filled[: len(columns)], filled[len(columns) :], strict=True):
        said = [feed, column, before, before - filled_before, since, since - filled_since]
        con.execute("insert into fillings values (?, ?, ?, ?, ?, ?)", said)


def _put(con: duckdb.DuckDBPyConnection, check: Check) -> Result:
    con.execute(f"create or replace temp table found as {check.sql}")
    (rows,) = con.execute("select count(*) from found").fetchone() or (0,)
    cursor = con.execute("select * from found")
    names = [column[0] for column in cursor.description or []]
    examples = tuple(", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True) if value is not None) for row in cursor.fetchmany(EXAMPLES))
    return Result(check, rows, examples)
