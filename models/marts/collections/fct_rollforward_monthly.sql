{%- set movements = ['billed', 'finance_charge', 'credited', 'collected', 'discount', 'written_off', 'refunded', 'transferred', 'revalued', 'other'] -%}
-- Every company and currency, intercompany too. The closing balance is the sum of all events, whatever their movement: that the listed movements explain it is tested.
with months as (

    select distinct month_index, period_end as month_end
    from {{ ref('int_calendar') }}
    where month_start <= {{ as_of() }}

),

daily as (

    select *, {{ month_index('posting_date') }} as month_index
    from {{ ref('int_ledger_daily') }}

),

first_months as (

    select company_id, min(month_index) as first_month
    from daily
    group by 1

),

grid as (

    select currencies.company_id, currencies.currency, currencies.base_currency, months.month_index, months.month_end
    from (select distinct company_id, currency, base_currency from daily) as currencies
    inner join first_months on first_months.company_id = currencies.company_id
    inner join months on months.month_index >= first_months.first_month

),

monthly as (

    select
        company_id,
        currency,
        month_index,
        sum(amount) as amount,
        sum(amount_base) as amount_base
        {%- for movement in movements %},
        sum(case when movement = '{{ movement }}' then amount else 0 end) as {{ movement }}_amount,
        sum(case when movement = '{{ movement }}' then amount_base else 0 end) as {{ movement }}_amount_base
        {%- endfor %}

    from daily

    group by 1, 2, 3

),

running as (

    select
        grid.company_id,
        grid.currency,
        grid.base_currency,
        grid.month_end,
        monthly.* except (company_id, currency, month_index),
        coalesce(sum(monthly.amount) over so_far, 0) as closing_amount,
        coalesce(sum(monthly.amount_base) over so_far, 0) as closing_amount_base

    from grid

    left join monthly
        on monthly.company_id = grid.company_id
        and monthly.currency = grid.currency
        and monthly.month_index = grid.month_index

    window so_far as (partition by grid.company_id, grid.currency order by grid.month_index rows between unbounded preceding and current row)

)

select
    month_end,
    company_id,
    currency,
    cast(closing_amount - coalesce(amount, 0) as decimal(18, 3)) as opening_amount,
    {%- for movement in movements %}
    cast(coalesce({{ movement }}_amount, 0) as decimal(18, 3)) as {{ movement }}_amount,
    {%- endfor %}
    cast(closing_amount as decimal(18, 3)) as closing_amount,
    base_currency,
    cast(closing_amount_base - coalesce(amount_base, 0) as decimal(18, 3)) as opening_amount_base,
    {%- for movement in movements %}
    cast(coalesce({{ movement }}_amount_base, 0) as decimal(18, 3)) as {{ movement }}_amount_base,
    {%- endfor %}
    cast(closing_amount_base as decimal(18, 3)) as closing_amount_base

from running
