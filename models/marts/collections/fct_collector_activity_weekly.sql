{%- set days_after_touch = var('touch_credit_days') -%}
{#- Stretches of as many days as a touch counts for: cash follows touches of its own stretch and of the one before. -#}
{%- set stretch_days = days_after_touch + 1 -%}
-- What collectors did each week and what it brought, in the reporting currency; the week that as_of lies in ends at as_of. Cash counts for the week of the touch that
-- it followed within some days: once for whoever touched the customer last, and beside it for everybody who did.
with accounts as (

    select account_id, max_by(customer_id, known_from) as customer_id
    from {{ ref('stg_crm__accounts') }}
    where {{ was_ever_known() }}
    group by 1

),

touches as (

    select
        activities.activity_id,
        activities.occurred_at,
        cast(activities.occurred_at as date) as touched_on,
        accounts.customer_id,
        coalesce(activities.user_id, assignments.collector_id) as collector_id,
        coalesce(activities.outcome, '') in ('contacted', 'promise', 'dispute', 'refused', 'claims_paid') as is_contact

    from {{ ref('stg_crm__activities') }} as activities

    left join accounts
        on accounts.account_id = activities.account_id

    left join {{ ref('dim_collector_assignments') }} as assignments
        on assignments.customer_id = accounts.customer_id
        and {{ is_known('assignments') }}

    where {{ is_known('activities') }}
        and activities.direction = 'outbound'
        and cast(activities.occurred_at as date) <= {{ as_of() }}

),

promises as (

    select
        promises.collector_id,
        cast(promises.created_at as date) as promised_at_day,
        promises.currency,
        promises.promised_amount

    from {{ ref('fct_promises') }} as promises

    where promises.collector_id is not null

),

cash as (

    select
        customer_id,
        document_date as received_on,
        base_currency,
        sum(-original_amount_base) as amount_base

    from {{ ref('dim_item_versions') }}

    where {{ is_known() }}
        and item_type = 'receipt'
        and posting_date <= {{ as_of() }}
        and ended_on > {{ as_of() }}
        and customer_id in (select customer_id from touches)

    group by 1, 2, 3

),

-- Of a collector's touches of a day the last is enough to tell which touch of the customer was the last.
touched_days as (

    select
        customer_id,
        collector_id,
        touched_on,
        max(place) as place,
        {{ days_between('touched_on', "date '2000-01-01'") }} as day_number

    from (
        select touches.*, row_number() over (partition by customer_id order by occurred_at, activity_id) as place
        from touches
    ) as placed

    group by 1, 2, 3

),

cash_days as (

    select cash.*, {{ days_between('received_on', "date '2000-01-01'") }} as day_number
    from cash

),

looks_at as (

    select *, day_number - day_number % {{ stretch_days }} as stretch from cash_days
    union all
    select *, day_number - day_number % {{ stretch_days }} - {{ stretch_days }} as stretch from cash_days

),

followed_by_collector as (

    select
        cash.customer_id,
        cash.received_on,
        cash.base_currency,
        touches.collector_id,
        max(cash.amount_base) as amount_base,
        max(touches.place) as place,
        max(touches.touched_on) as touched_on

    from looks_at as cash

    -- Not by customer alone: one who is touched and pays daily would be compared with all his days.
    inner join touched_days as touches
        on touches.customer_id = cash.customer_id
        and touches.day_number - touches.day_number % {{ stretch_days }} = cash.stretch
        and touches.touched_on <= cash.received_on
        and {{ add_days('touches.touched_on', days_after_touch) }} >= cash.received_on

    group by 1, 2, 3, 4

),

followed as (

    select
        followed_by_collector.*,
        row_number() over (partition by customer_id, received_on, base_currency order by place desc) as recency

    from followed_by_collector

),

reporting as (

    select {{ reporting_currency() }} as reporting_currency

),

needs as (

    select promises.currency as from_currency, reporting.reporting_currency as to_currency, promises.promised_at_day as rate_on
    from promises cross join reporting
    where promises.currency != reporting.reporting_currency
    union
    select followed.base_currency as from_currency, reporting.reporting_currency as to_currency, followed.received_on as rate_on
    from followed cross join reporting
    where followed.base_currency != reporting.reporting_currency

),

rates as (

    select from_currency, rate_on, rate
    from {{ resolve_rates('needs') }} as resolved
    where {{ is_known('resolved') }}

),

-- One row per deed. Money without a rate makes the week's sum unknown, not smaller.
deeds as (

    select
        collector_id, touched_on as done_on,
        1 as touches, case when is_contact then 1 else 0 end as contacts, 0 as promises,
        0 as promised_amount, 0 as collected_after_touch_amount, 0 as collected_after_any_touch_amount, false as is_rate_missing
    from touches

    union all

    select
        promises.collector_id, promises.promised_at_day,
        0, 0, 1,
        cast(promises.promised_amount as decimal(29, 3)) * case when promises.currency = reporting.reporting_currency then 1 else rates.rate end, 0, 0,
        promises.currency != reporting.reporting_currency and rates.rate is null
    from promises
    cross join reporting
    left join rates on rates.from_currency = promises.currency and rates.rate_on = promises.promised_at_day

    union all

    select
        followed.collector_id, followed.touched_on,
        0, 0, 0,
        0,
        case when followed.recency = 1 then cast(followed.amount_base as decimal(29, 3)) * case when followed.base_currency = reporting.reporting_currency then 1 else rates.rate end else 0 end,
        cast(followed.amount_base as decimal(29, 3)) * case when followed.base_currency = reporting.reporting_currency then 1 else rates.rate end,
        followed.base_currency != reporting.reporting_currency and rates.rate is null
    from followed
    cross join reporting
    left join rates on rates.from_currency = followed.base_currency and rates.rate_on = followed.received_on

),

weekly as (

    select
        least(calendar.week_end, {{ as_of() }}) as week_end,
        deeds.collector_id,
        sum(deeds.touches) as touches,
        sum(deeds.contacts) as contacts,
        sum(deeds.promises) as promises,
        sum(deeds.promised_amount) as promised_amount,
        sum(deeds.collected_after_touch_amount) as collected_after_touch_amount,
        sum(deeds.collected_after_any_touch_amount) as collected_after_any_touch_amount,
        max(case when deeds.is_rate_missing then 1 else 0 end) = 1 as is_rate_missing

    from deeds

    inner join {{ ref('int_calendar') }} as calendar
        on calendar.date_day = deeds.done_on

    -- A touch that names no user, of a customer without a collector, is nobody's.
    where deeds.collector_id is not null

    group by 1, 2

)

select
    weekly.week_end,
    weekly.collector_id,
    reporting.reporting_currency as currency,
    cast(weekly.touches as bigint) as touches,
    cast(weekly.contacts as bigint) as contacts,
    {{ safe_divide('weekly.contacts', 'weekly.touches', 6) }} as contact_rate,
    cast(weekly.promises as bigint) as promises,
    {{ safe_divide('weekly.promises', 'weekly.contacts', 6) }} as promise_conversion_rate,
    case when not weekly.is_rate_missing then {{ round_money('weekly.promised_amount', 'currencies.minor_units') }} end as promised_amount,
    case when not weekly.is_rate_missing then {{ round_money('weekly.collected_after_touch_amount', 'currencies.minor_units') }} end as collected_after_touch_amount,
    case when not weekly.is_rate_missing then {{ round_money('weekly.collected_after_any_touch_amount', 'currencies.minor_units') }} end as collected_after_any_touch_amount,
    {{ join_reasons([
        "case when weekly.is_rate_missing then 'no_exchange_rate' end",
        "case when weekly.touches <= 0 then 'no_touches' end",
        "case when weekly.contacts <= 0 then 'no_contacts' end"
    ]) }} as null_reason

from weekly

cross join reporting

inner join {{ ref('currencies') }} as currencies
    on currencies.code = reporting.reporting_currency
