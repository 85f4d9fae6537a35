-- How customers pay: cash applied by month of application, still in force at as_of. Credits, derived settlements and reversed applications do not count.
with paid as (

    -- Where no payment is of an item with a due date, how late they were is unknown, not zero.
    select
        customer_id,
        currency,
        month_index,
        payment_count,
        late_count,
        paid_amount,
        late_amount,
        paid_amount_days,
        case when dated_count > 0 then late_amount_days end as late_amount_days,
        discount_taken_amount,
        discount_missed_amount

    from {{ ref('int_payments_monthly') }}

),

-- Discounts given by an adjustment count in the month in which they were posted.
discount_adjustments as (

    select
        customer_id,
        currency,
        {{ month_index('posting_date') }} as month_index,
        -sum(amount) as discount_taken_amount

    from {{ ref('fct_ar_events') }}

    where {{ is_known() }}
        and posting_date <= {{ as_of() }}
        and event_type = 'adjustment'
        and movement = 'discount'

    group by 1, 2, 3

),

combined as (

    select * from paid
    union all
    select customer_id, currency, month_index, 0, 0, 0, 0, 0, 0, discount_taken_amount, 0 from discount_adjustments

),

monthly as (

    select
        customer_id,
        currency,
        month_index,
        sum(payment_count) as payment_count,
        sum(late_count) as late_count,
        sum(paid_amount) as paid_amount,
        sum(late_amount) as late_amount,
        sum(paid_amount_days) as paid_amount_days,
        sum(late_amount_days) as late_amount_days,
        sum(discount_taken_amount) as discount_taken_amount,
        sum(discount_missed_amount) as discount_missed_amount

    from combined

    group by 1, 2, 3

)

select
    least(last_day({{ month_from_index('monthly.month_index') }}), {{ as_of() }}) as month_end,
    monthly.customer_id,
    monthly.currency,
    cast(monthly.payment_count as bigint) as payment_count,
    cast(monthly.late_count as bigint) as late_count,
    {{ safe_divide('monthly.late_count', 'monthly.payment_count', 6) }} as late_count_ratio,
    cast(monthly.paid_amount as decimal(18, 3)) as paid_amount,
    cast(monthly.paid_amount_days as decimal(30, 3)) as paid_amount_days,
    {{ divide_days('monthly.paid_amount_days', 'monthly.paid_amount') }} as weighted_days_to_pay,
    cast(monthly.late_amount_days as decimal(30, 3)) as late_amount_days,
    {{ divide_days('monthly.late_amount_days', 'monthly.paid_amount') }} as weighted_days_late,
    cast(monthly.late_amount as decimal(18, 3)) as late_amount,
    {{ safe_divide('monthly.late_amount', 'monthly.paid_amount', 6) }} as late_amount_ratio,
    cast(monthly.discount_taken_amount as decimal(18, 3)) as discount_taken_amount,
    {{ round_money('monthly.discount_missed_amount', 'currencies.minor_units') }} as discount_missed_amount,
    case when monthly.paid_amount <= 0 then 'nothing_paid' end as null_reason

from monthly

inner join {{ ref('currencies') }} as currencies
    on currencies.code = monthly.currency
