-- How customers pay: cash applied by month of application, still in force at as_of. Credits, derived settlements and reversed applications do not count.
with payments as (

    select
        targets.customer_id,
        targets.currency,
        settlements.effective_on,
        sources.document_date as receipt_date,
        targets.document_date,
        targets.due_date,
        targets.payment_terms_id,
        settlements.amount,
        settlements.discount_amount

    from {{ ref('int_settlements') }} as settlements

    inner join {{ ref('int_items') }} as targets
        on targets.item_id = settlements.target_item_id
        and {{ is_known('targets') }}

    inner join {{ ref('int_items') }} as sources
        on sources.item_id = settlements.source_item_id
        and {{ is_known('sources') }}

    where {{ is_known('settlements') }}
        and settlements.source_kind = 'receipt'
        and not settlements.is_derived
        and settlements.effective_on <= {{ as_of() }}
        and settlements.ended_on > {{ as_of() }}

),

timed as (

    select
        payments.*,
        {{ days_between('payments.receipt_date', 'payments.document_date') }} as days_to_pay,
        {{ days_between('payments.receipt_date', 'payments.due_date') }} as days_late,
        -- What the terms offered, on cash that came after the discount date and took none.
        case
            when terms.discount_percent > 0
                and payments.discount_amount = 0
                and payments.receipt_date > {{ add_days('payments.document_date', 'coalesce(terms.discount_days, 0)') }}
                then cast(payments.amount as decimal(24, 3)) * cast(terms.discount_percent as decimal(12, 6)) * cast(0.01 as decimal(3, 2))
            else 0
        end as discount_missed_amount

    from payments

    left join {{ ref('stg_ledger__payment_terms') }} as terms
        on terms.payment_terms_id = payments.payment_terms_id
        and {{ is_known('terms') }}

),

paid as (

    select
        customer_id,
        currency,
        {{ month_index('effective_on') }} as month_index,
        count(*) as payment_count,
        sum(case when days_late > 0 then 1 else 0 end) as late_count,
        sum(amount) as paid_amount,
        sum(case when days_late > 0 then amount else 0 end) as late_amount,
        sum(cast(amount as decimal(24, 3)) * days_to_pay) as paid_amount_days,
        sum(cast(amount as decimal(24, 3)) * days_late) as late_amount_days,
        sum(discount_amount) as discount_taken_amount,
        sum(discount_missed_amount) as discount_missed_amount

    from timed

    group by 1, 2, 3

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
