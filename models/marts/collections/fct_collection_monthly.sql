{%- set window = var('dso_window_months') | int -%}
with monthly as (

    select
        *,
        closing_amount - past_due_amount as closing_current_amount,
        -- A month or a sum that has no rate stays unknown, also as part of a longer period.
        case when count(credit_sales_amount) over trailing_months = count(*) over trailing_months
            then sum(credit_sales_amount) over trailing_months
        end as period_sales_amount,
        case when count(opening_balances_amount) over trailing_months = count(*) over trailing_months
            then sum(opening_balances_amount) over trailing_months
        end as period_opening_balances_amount,
        first_value(opening_amount) over trailing_months as period_opening_amount,
        first_value(month_start) over trailing_months as period_start,
        count(*) over trailing_months as period_months

    from {{ ref('int_receivable_monthly') }}

    window trailing_months as (
        partition by company_id order by month_index rows between {{ window - 1 }} preceding and current row
    )

),

effectiveness as (

    select
        *,
        opening_amount + opening_balances_amount + credit_sales_amount - closing_amount as collected_by_balance_amount,
        opening_amount + opening_balances_amount + credit_sales_amount - closing_current_amount as collectable_amount,
        {% if var('cei_sales') == 'total' -%}
        period_opening_amount + period_opening_balances_amount + period_sales_amount - closing_amount as period_collected_amount,
        period_opening_amount + period_opening_balances_amount + period_sales_amount - closing_current_amount as period_collectable_amount
        {%- else -%}
        -- Sales ÷ months, with both sides of the ratio multiplied by the months so that nothing is rounded before the division.
        period_months * (period_opening_amount + period_opening_balances_amount - closing_amount) + period_sales_amount as period_collected_amount,
        period_months * (period_opening_amount + period_opening_balances_amount - closing_current_amount) + period_sales_amount as period_collectable_amount
        {%- endif %}

    from monthly

)

select
    month_end,
    company_id,
    currency,
    {{ round_money('opening_amount', 'minor_units') }} as opening_amount,
    {{ round_money('opening_balances_amount', 'minor_units') }} as opening_balances_amount,
    {{ round_money('billed_amount', 'minor_units') }} as billed_amount,
    {{ round_money('credit_sales_amount', 'minor_units') }} as credit_sales_amount,
    {{ round_money('due_amount', 'minor_units') }} as due_amount,
    {{ round_money('collected_amount', 'minor_units') }} as collected_amount,
    {{ round_money('closing_amount', 'minor_units') }} as closing_amount,
    {{ round_money('closing_current_amount', 'minor_units') }} as closing_current_amount,
    {{ safe_divide('collected_amount', 'due_amount', 6) }} as collection_rate,
    {{ round_money('collected_by_balance_amount', 'minor_units') }} as collected_by_balance_amount,
    {{ round_money('collectable_amount', 'minor_units') }} as collectable_amount,
    {{ safe_divide('collected_by_balance_amount', 'collectable_amount', 6) }} as collection_effectiveness_index,
    {{ safe_divide('collected_amount', 'collectable_amount', 6) }} as cei_cash,
    period_start,
    {{ safe_divide('period_collected_amount', 'period_collectable_amount', 6) }} as period_collection_effectiveness_index,
    {{ safe_divide('collected_amount', 'credit_sales_amount', 6) }} as cash_to_sales_ratio,
    {{ join_reasons([
        "case when due_amount is null or collected_amount is null or collectable_amount is null or period_collectable_amount is null then 'no_exchange_rate' end",
        "case when due_amount <= 0 then 'nothing_due' end",
        "case when collectable_amount <= 0 then 'nothing_collectable' end",
        "case when period_collectable_amount <= 0 then 'nothing_collectable_in_period' end",
        "case when credit_sales_amount <= 0 then 'credit_sales_not_positive' end"
    ]) }} as null_reason

from effectiveness
