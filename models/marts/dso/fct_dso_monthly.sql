{%- set window = var('dso_window_months') | int -%}
with monthly as (

    select * from {{ ref('int_receivable_monthly') }}

),

-- Always whole calendar months, also where the company's history is shorter; a month whose flows have no rate makes the window's sales unknown, not smaller.
windowed as (

    select
        *,
        closing_amount - past_due_amount as current_amount,
        case when count(credit_sales_amount) over trailing_months = count(*) over trailing_months
            then sum(credit_sales_amount) over trailing_months
        end as window_sales_amount,
        {{ days_between('month_end', month_from_index('month_index - ' ~ (window - 1))) }} + 1 as window_days

    from monthly

    window trailing_months as (
        partition by company_id order by month_index rows between {{ window - 1 }} preceding and current row
    )

),

-- Count-back: every month of the history against every later month end, newest first.
countback_months as (

    select
        monthly.company_id,
        monthly.month_index,
        monthly.closing_amount as receivable_amount,
        history.month_index as sales_month_index,
        history.days,
        history.credit_sales_amount as sales_amount,
        sum(greatest(history.credit_sales_amount, 0)) over (
            partition by monthly.company_id, monthly.month_index
            order by history.month_index desc rows between unbounded preceding and current row
        ) - greatest(history.credit_sales_amount, 0) as covered_amount,
        count(case when history.credit_sales_amount is null then 1 end) over (
            partition by monthly.company_id, monthly.month_index
            order by history.month_index desc rows between unbounded preceding and current row
        ) > 0 as is_unknown

    from monthly

    inner join monthly as history
        on history.company_id = monthly.company_id
        and history.month_index <= monthly.month_index
        and history.is_in_history

    where monthly.closing_amount > 0

),

-- A month counts as long as something is left before it: whole when it has no sales or less than what is left, else pro rata.
counted_months as (

    select
        *,
        case
            when sales_amount > receivable_amount - covered_amount
                then {{ safe_divide('(receivable_amount - covered_amount) * days', 'sales_amount', 2) }}
            else days
        end as counted_days

    from countback_months

    where covered_amount < receivable_amount

),

countback as (

    select
        company_id,
        month_index,
        sum(counted_days) as countback_days,
        max(receivable_amount) > sum(greatest(sales_amount, 0)) as is_truncated,
        max(case when is_unknown then 1 else 0 end) = 1 as is_unknown

    from counted_months

    group by 1, 2

)

select
    windowed.month_end,
    windowed.company_id,
    windowed.currency,
    {{ round_money('windowed.closing_amount', 'windowed.minor_units') }} as receivable_amount,
    {{ round_money('windowed.gross_amount', 'windowed.minor_units') }} as gross_receivable_amount,
    {{ round_money('windowed.current_amount', 'windowed.minor_units') }} as current_amount,
    {{ round_money('windowed.past_due_amount', 'windowed.minor_units') }} as past_due_amount,
    {{ round_money('windowed.window_sales_amount', 'windowed.minor_units') }} as credit_sales_amount,
    windowed.window_days as days,
    {{ divide_days('windowed.closing_amount * windowed.window_days', 'windowed.window_sales_amount') }} as dso_days,
    cast(case
        when windowed.closing_amount <= 0 then 0
        when not coalesce(countback.is_unknown, true) then countback.countback_days
    end as decimal(12, 2)) as dso_countback_days,
    case
        when windowed.closing_amount <= 0 then false
        when not coalesce(countback.is_unknown, true) then countback.is_truncated
    end as is_countback_truncated,
    {{ divide_days('windowed.current_amount * windowed.window_days', 'windowed.window_sales_amount') }} as best_possible_dso_days,
    {{ divide_days('windowed.past_due_amount * windowed.window_days', 'windowed.window_sales_amount') }} as average_days_delinquent,
    {{ round_money('windowed.disputed_amount', 'windowed.minor_units') }} as disputed_amount,
    {{ divide_days('(windowed.closing_amount - windowed.disputed_amount) * windowed.window_days', 'windowed.window_sales_amount') }} as dso_days_ex_dispute,
    {{ round_money('windowed.disputed_past_due_amount', 'windowed.minor_units') }} as disputed_past_due_amount,
    {{ divide_days('(windowed.past_due_amount - windowed.disputed_past_due_amount) * windowed.window_days', 'windowed.window_sales_amount') }} as average_days_delinquent_ex_dispute,
    cast(round(windowed.open_amount_days, 3) as decimal(30, 3)) as open_amount_days,
    {{ divide_days('windowed.open_amount_days', 'windowed.gross_amount') }} as true_dso_days,
    cast(round(windowed.past_due_amount_days, 3) as decimal(30, 3)) as past_due_amount_days,
    {{ divide_days('windowed.past_due_amount_days', 'windowed.gross_amount') }} as weighted_debt_age_days,
    {{ join_reasons([
        "case when windowed.closing_amount is null or windowed.window_sales_amount is null or coalesce(countback.is_unknown, false) then 'no_exchange_rate' end",
        "case when windowed.window_sales_amount <= 0 then 'credit_sales_not_positive' end",
        "case when windowed.window_sales_amount > 0 and abs(windowed.closing_amount) * windowed.window_days >= windowed.window_sales_amount * cast(10000000000 as decimal(18, 0)) then 'out_of_range' end",
        "case when windowed.gross_amount <= 0 then 'nothing_open' end"
    ]) }} as null_reason

from windowed

left join countback
    on countback.company_id = windowed.company_id
    and countback.month_index = windowed.month_index
