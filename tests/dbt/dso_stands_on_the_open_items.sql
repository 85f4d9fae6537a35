-- Detects: a company whose net, gross or past-due receivable of the last month is not that of its open items without intercompany.
-- Means:   the running sums behind DSO, turnover and collection lost a movement, or a due date.
-- Each row: one company with both sides.
with monthly as (

    select company_id, closing_amount, gross_amount, past_due_amount, over_90_amount
    from {{ ref('int_receivable_monthly') }}
    where month_end = {{ as_of() }}
        and company_id != 'ALL'

),

open_items as (

    select
        open_items.company_id,
        sum(open_items.open_amount_base) as net,
        sum(case when open_items.bucket_id != 'unapplied' then open_items.open_amount_base else 0 end) as gross,
        sum(case when open_items.bucket_id != 'unapplied' and open_items.days_past_due > 0 then open_items.open_amount_base else 0 end) as past_due,
        sum(case when open_items.bucket_id != 'unapplied' and open_items.days_past_due > 90 then open_items.open_amount_base else 0 end) as over_90

    from {{ ref('fct_open_items') }} as open_items

    inner join {{ ref('dim_customers') }} as customers
        on customers.customer_id = open_items.customer_id
        and not customers.is_intercompany

    group by 1

)

select monthly.*, open_items.net, open_items.gross, open_items.past_due, open_items.over_90

from monthly

left join open_items
    on open_items.company_id = monthly.company_id

where monthly.closing_amount != coalesce(open_items.net, 0)
    {%- if not var('credits_aged') %}
    or monthly.gross_amount != coalesce(open_items.gross, 0)
    or monthly.past_due_amount != coalesce(open_items.past_due, 0)
    or monthly.over_90_amount != coalesce(open_items.over_90, 0)
    {%- endif %}
