-- Detects: a customer whose past-due items are not all counted in the worklist, or who is missing there.
-- Means:   nobody would chase that money.
-- Each row: one customer with both counts.
with past_due as (

    select open_items.customer_id, count(*) as items
    from {{ ref('fct_open_items') }} as open_items
    inner join {{ ref('dim_customers') }} as customers
        on customers.customer_id = open_items.customer_id
        and not customers.is_intercompany
    where open_items.open_amount > 0
        and open_items.days_past_due > 0
    group by 1

)

select
    coalesce(past_due.customer_id, worklist.customer_id) as customer_id,
    past_due.items,
    worklist.past_due_item_count

from past_due

full outer join {{ ref('rpt_collector_worklist') }} as worklist
    on worklist.customer_id = past_due.customer_id

where past_due.items is distinct from worklist.past_due_item_count
