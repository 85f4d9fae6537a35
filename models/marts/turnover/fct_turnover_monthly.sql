with monthly as (

    select
        *,
        opening_amount + closing_amount as twice_the_mean_amount

    from {{ ref('int_receivable_monthly') }}

)

select
    month_end,
    company_id,
    currency,
    {{ round_money('opening_amount', 'minor_units') }} as opening_amount,
    {{ round_money('closing_amount', 'minor_units') }} as closing_amount,
    cast(round(twice_the_mean_amount * cast(0.5 as decimal(2, 1)), 3) as decimal(18, 3)) as average_receivable_amount,
    {{ round_money('credit_sales_amount', 'minor_units') }} as credit_sales_amount,
    days,
    {{ safe_divide('2 * credit_sales_amount', 'twice_the_mean_amount', 6) }} as turnover_ratio,
    {{ safe_divide('2 * 365 * credit_sales_amount', 'twice_the_mean_amount * days', 6) }} as turnover_annualized_ratio,
    case when twice_the_mean_amount > 0 then {{ divide_days('twice_the_mean_amount * days', '2 * credit_sales_amount') }} end as average_collection_days,
    case
        when twice_the_mean_amount is null or credit_sales_amount is null then 'no_exchange_rate'
        when twice_the_mean_amount <= 0 then 'mean_receivable_not_positive'
        when credit_sales_amount <= 0 then 'credit_sales_not_positive'
        when twice_the_mean_amount * days >= 2 * credit_sales_amount * cast(10000000000 as decimal(18, 0)) then 'out_of_range'
    end as null_reason

from monthly
