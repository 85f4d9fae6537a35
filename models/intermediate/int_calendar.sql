-- Every day from the first posting's month to the end of the year after as_of, with its week end and its month as the marts count them.
with bounds as (

    select
        {{ month_start('coalesce(min(posting_date), ' ~ as_of() ~ ')') }} as first_day,
        make_date(cast(extract(year from {{ as_of() }}) as integer) + 1, 12, 31) as last_day

    from {{ ref('fct_ar_events') }}

    where {{ is_known() }}
        and posting_date <= {{ as_of() }}

),

days as (

    {{ date_series('bounds', 'first_day', 'last_day') }}

),

with_months as (

    select
        date_day,
        {{ add_days('date_day', '(' ~ var('week_end_day') ~ ' - ' ~ iso_weekday('date_day') ~ ' + 7) % 7') }} as week_end,
        {{ month_start('date_day') }} as month_start,
        last_day(date_day) as month_end,
        {{ month_index('date_day') }} as month_index

    from days

)

select
    date_day,
    week_end,
    month_start,
    month_end,
    month_index,
    -- The month that as_of lies in is unfinished: it ends at as_of, and has the days up to it.
    case when month_start <= {{ as_of() }} then least(month_end, {{ as_of() }}) else month_end end as period_end,
    {{ days_between('case when month_start <= ' ~ as_of() ~ ' then least(month_end, ' ~ as_of() ~ ') else month_end end', 'month_start') }} + 1 as period_days

from with_months
