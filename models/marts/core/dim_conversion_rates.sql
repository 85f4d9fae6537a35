-- The rates that the marts convert with, so that a converted figure can be opened: every base currency into the reporting currency on every day up to as_of, and, at
-- as_of, base and order currencies into those of the credit limits.
with companies as (

    select distinct base_currency
    from {{ ref('stg_ledger__companies') }}

),

reporting as (

    select {{ reporting_currency() }} as reporting_currency

),

days as (

    select date_day
    from {{ ref('int_calendar') }}
    where date_day <= {{ as_of() }}

),

exposed_currencies as (

    select base_currency as currency
    from companies
    union
    select currency
    from {{ ref('fct_open_orders') }}

),

limit_currencies as (

    select distinct currency
    from {{ ref('dim_customers') }}

),

needs as (

    select companies.base_currency as from_currency, reporting.reporting_currency as to_currency, days.date_day as rate_on
    from companies
    cross join reporting
    cross join days
    union
    select exposed_currencies.currency as from_currency, limit_currencies.currency as to_currency, {{ as_of() }} as rate_on
    from exposed_currencies
    cross join limit_currencies

)

select
    from_currency,
    to_currency,
    rate_on,
    cast(rate as decimal(18, 9)) as rate,
    rate_date,
    case when rate is null then 'no_exchange_rate' end as null_reason

from {{ resolve_rates('needs') }} as resolved

where {{ is_known('resolved') }}

union all

select
    from_currency,
    to_currency,
    rate_on,
    cast(1 as decimal(18, 9)) as rate,
    rate_on as rate_date,
    null as null_reason

from needs

where from_currency = to_currency
