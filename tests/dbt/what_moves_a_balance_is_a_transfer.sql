-- Detects: an application within one account that calls itself a transfer, or one between accounts that does not.
-- Means:   money went from one customer, company, account or currency to another and the roll-forward does not show it, or shows one that never was.
-- Each row: one event of an application with both its sides. A build that follows the last one looks at the events that it derived again.
with sides as (

    select item_id, company_id, customer_id, receivable_account, currency, known_from, known_to
    from {{ ref('dim_item_versions') }}

)

select events.event_id, events.movement, events.item_id, events.counterpart_item_id, events.customer_id, sides.customer_id as counterpart_customer_id
from {{ touched(ref('fct_ar_events'), 'moved') }} as events
inner join sides
    on sides.item_id = events.counterpart_item_id
    and sides.known_from <= events.known_from
    and sides.known_to > events.known_from
where events.event_type in ('application', 'application_reversal')
    and (events.movement = 'application') != (
        events.company_id = sides.company_id
        and events.customer_id = sides.customer_id
        and events.receivable_account = sides.receivable_account
        and events.currency = sides.currency
    )
