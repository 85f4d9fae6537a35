{%- set sums = [
    'payment_count', 'dated_count', 'late_count', 'paid_amount', 'late_amount', 'paid_amount_days', 'late_amount_days', 'discount_taken_amount',
    'discount_missed_amount'
] -%}
{{ config(materialized=sums_table(), keys=['customer_id', 'currency', 'month_index'], sums=sums, counted='payment_count') }}
{#- What is looked at: its sign, applications and items, and the date the books are read at. -#}
{%- set looked_at = [(1, touched(ref('int_settlements'), 'changed'), ref('dim_item_versions'), as_of())] -%}
{%- if follows() -%}
    {%- do looked_at.append((-1, before(ref('int_settlements')), was(ref('dim_item_versions')), was_as_of())) -%}
{%- endif %}

-- How customers pay: cash applied by month of application, still in force at as_of. Credits, derived settlements and reversed applications do not count.
with payments as (

    {% for sign, settlements, items, day in looked_at -%}
    select
        {{ sign }} as sign,
        targets.customer_id,
        targets.currency,
        settlements.effective_on,
        sources.document_date as receipt_date,
        targets.document_date,
        targets.due_date,
        targets.payment_terms_id,
        settlements.amount,
        settlements.discount_amount

    from {{ settlements }} as settlements

    inner join {{ items }} as targets
        on targets.item_id = settlements.target_item_id
        and {{ is_known('targets') }}

    inner join {{ items }} as sources
        on sources.item_id = settlements.source_item_id
        and {{ is_known('sources') }}

    where {{ is_known('settlements') }}
        and settlements.source_kind = 'receipt'
        and not settlements.is_derived
        and settlements.effective_on <= {{ day }}
        and settlements.ended_on > {{ day }}
    {%- if not loop.last %}

    union all

    {% endif -%}
    {%- endfor %}

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
        sign,
        customer_id,
        currency,
        {{ month_index('effective_on') }} as month_index,
        count(*) as payment_count,
        count(days_late) as dated_count,
        sum(case when days_late > 0 then 1 else 0 end) as late_count,
        sum(amount) as paid_amount,
        sum(case when days_late > 0 then amount else 0 end) as late_amount,
        sum(cast(amount as decimal(24, 3)) * days_to_pay) as paid_amount_days,
        coalesce(sum(cast(amount as decimal(24, 3)) * days_late), 0) as late_amount_days,
        sum(discount_amount) as discount_taken_amount,
        sum(discount_missed_amount) as discount_missed_amount

    from timed

    group by 1, 2, 3, 4

)

select
    customer_id,
    currency,
    month_index,
    {% for sum in sums -%}
    {%- set total = 'sum(case when sign > 0 then ' ~ sum ~ ' else -' ~ sum ~ ' end)' -%}
    {% if sum.endswith('_count') -%} cast({{ total }} as bigint) {%- else -%} {{ total }} {%- endif %} as {{ sum }}{% if not loop.last %},{% endif %}
    {% endfor %}

from paid

group by 1, 2, 3
