-- From the prior month's DSO to this month's, in this order, each with the others held: sales volume (and days), terms mix (what is not past due), delinquency
-- (past due, undisputed), disputes (past due, disputed). The last step takes the rounding, so that the four add up.
with monthly as (

    select
        month_end,
        company_id,
        currency,
        days,
        dso_days,
        receivable_amount,
        current_amount,
        past_due_amount - disputed_past_due_amount as delinquent_amount,
        credit_sales_amount,
        lag(dso_days) over (partition by company_id order by month_end) as prior_dso_days,
        lag(receivable_amount) over (partition by company_id order by month_end) as prior_receivable_amount,
        lag(current_amount) over (partition by company_id order by month_end) as prior_current_amount,
        lag(past_due_amount - disputed_past_due_amount) over (partition by company_id order by month_end) as prior_delinquent_amount

    from {{ ref('fct_dso_monthly') }}

),

steps as (

    select
        *,
        {{ divide_days('cast(prior_receivable_amount as decimal(24, 3)) * days', 'credit_sales_amount') }} - prior_dso_days as sales_volume_days,
        {{ divide_days('cast(current_amount - prior_current_amount as decimal(24, 3)) * days', 'credit_sales_amount') }} as terms_mix_days,
        {{ divide_days('cast(delinquent_amount - prior_delinquent_amount as decimal(24, 3)) * days', 'credit_sales_amount') }} as delinquency_days

    from monthly

)

select
    month_end,
    company_id,
    currency,
    prior_dso_days,
    cast(sales_volume_days as decimal(12, 2)) as sales_volume_days,
    terms_mix_days,
    delinquency_days,
    cast(dso_days - prior_dso_days - sales_volume_days - terms_mix_days - delinquency_days as decimal(12, 2)) as dispute_days,
    dso_days,
    case
        when dso_days is null then 'no_dso'
        when prior_dso_days is null then 'no_prior_dso'
    end as null_reason

from steps
