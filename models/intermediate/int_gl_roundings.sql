-- How many movements in other currencies the open items of an account have, where its base total differs: each is rounded to a minor unit by itself, so that so
-- many halves of one are the most that two ledgers can come apart by rounding.
with open_items as (

    select lines.line_id, lines.period_end, balances.item_id
    from {{ ref('int_gl_differences') }} as lines
    inner join {{ ref('int_item_balances') }} as balances
        on balances.company_id = lines.company_id
        and balances.receivable_account = lines.receivable_account
        and balances.valid_from <= lines.period_end
        and balances.valid_to > lines.period_end
        and balances.currency != balances.base_currency
    where lines.balance_kind = 'base_total' and lines.difference_amount != 0

)

select open_items.line_id, count(*) as movements
from open_items
inner join {{ ref('fct_ar_events') }} as events
    on events.item_id = open_items.item_id
    and events.posting_date <= open_items.period_end
    and {{ is_known('events') }}
    and events.event_type != 'exchange_difference'
group by open_items.line_id
