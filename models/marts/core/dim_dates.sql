-- The group's fiscal year is that of its lowest company_id, and is named after the calendar year that it ends in.
with fiscal_start as (

    select coalesce(min_by(fiscal_year_start_month, company_id), {{ var('fiscal_year_start_month') }}) as start_month
    from {{ ref('stg_ledger__companies') }}

)

select
    calendar.date_day,
    calendar.week_end,
    calendar.month_start,
    calendar.month_end,
    cast(
        extract(year from calendar.date_day)
        + case when fiscal_start.start_month > 1 and extract(month from calendar.date_day) >= fiscal_start.start_month then 1 else 0 end
    as integer) as fiscal_year,
    cast((extract(month from calendar.date_day) - fiscal_start.start_month + 12) % 12 + 1 as integer) as fiscal_period

from {{ ref('int_calendar') }} as calendar

cross join fiscal_start
