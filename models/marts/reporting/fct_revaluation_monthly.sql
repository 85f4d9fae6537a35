-- What is open in each currency at each month's end, at book rate and at the month end's own rate, and the exchange differences of the month. Every company and
-- currency of the roll-forward, intercompany too. The net balance is converted as one sum (rounding is last), as a general ledger revalues it.
with balances as (

    select month_end, company_id, currency, base_currency, closing_amount, closing_amount_base
    from {{ ref('fct_rollforward_monthly') }}

),

reporting as (

    select {{ reporting_currency() }} as reporting_currency

),

needs as (

    select currency as from_currency, base_currency as to_currency, month_end as rate_on
    from balances
    union
    select balances.currency as from_currency, reporting.reporting_currency as to_currency, balances.month_end as rate_on
    from balances
    cross join reporting

),

rates as (

    select from_currency, to_currency, rate_on, rate, rate_date
    from {{ resolve_rates('needs') }} as resolved
    where {{ is_known('resolved') }}
    union all
    select from_currency, to_currency, rate_on, cast(1 as decimal(18, 9)) as rate, rate_on as rate_date
    from needs
    where from_currency = to_currency

),

differences as (

    select
        company_id,
        currency,
        least(last_day(posting_date), {{ as_of() }}) as month_end,
        sum(case when event_type = 'exchange_difference' then amount_base else 0 end) as realised_amount_base,
        sum(case when event_type = 'adjustment' and event_subtype = 'revaluation' then amount_base else 0 end) as booked_revaluation_amount_base

    from {{ ref('int_ledger_daily') }}

    where event_type in ('exchange_difference', 'adjustment')

    group by 1, 2, 3

),

revalued as (

    select
        balances.*,
        reporting.reporting_currency,
        to_base.rate as revaluation_rate,
        to_base.rate_date as revaluation_rate_date,
        {{ convert('balances.closing_amount', 'to_base.rate', 'base_units.minor_units') }} as revalued_base_amount,
        to_reporting.rate as reporting_rate,
        to_reporting.rate_date as reporting_rate_date,
        {{ convert('balances.closing_amount', 'to_reporting.rate', 'reporting_units.minor_units') }} as reporting_amount,
        coalesce(differences.realised_amount_base, 0) as realised_amount_base,
        coalesce(differences.booked_revaluation_amount_base, 0) as booked_revaluation_amount_base

    from balances

    cross join reporting

    inner join {{ ref('dim_currencies') }} as base_units
        on base_units.currency = balances.base_currency

    inner join {{ ref('dim_currencies') }} as reporting_units
        on reporting_units.currency = reporting.reporting_currency

    left join rates as to_base
        on to_base.from_currency = balances.currency
        and to_base.to_currency = balances.base_currency
        and to_base.rate_on = balances.month_end

    left join rates as to_reporting
        on to_reporting.from_currency = balances.currency
        and to_reporting.to_currency = reporting.reporting_currency
        and to_reporting.rate_on = balances.month_end

    left join differences
        on differences.company_id = balances.company_id
        and differences.currency = balances.currency
        and differences.month_end = balances.month_end

)

select
    month_end,
    company_id,
    currency,
    closing_amount as open_amount,
    base_currency,
    closing_amount_base as open_amount_base,
    revaluation_rate,
    revaluation_rate_date,
    -- Nothing open needs no rate.
    case when closing_amount = 0 then cast(0 as decimal(18, 3)) else revalued_base_amount end as revalued_base_amount_reporting,
    cast(
        case when closing_amount = 0 then cast(0 as decimal(18, 3)) else revalued_base_amount end - closing_amount_base as decimal(18, 3)
    ) as unrealised_base_amount_reporting,
    cast(realised_amount_base as decimal(18, 3)) as realised_amount_base,
    cast(booked_revaluation_amount_base as decimal(18, 3)) as booked_revaluation_amount_base,
    case when closing_amount = 0 then cast(0 as decimal(18, 3)) else reporting_amount end as open_amount_reporting,
    reporting_currency,
    reporting_rate,
    reporting_rate_date,
    case when closing_amount != 0 and (revaluation_rate is null or reporting_rate is null) then 'no_exchange_rate' end as null_reason

from revalued
