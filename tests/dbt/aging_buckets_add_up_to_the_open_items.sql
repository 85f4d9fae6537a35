-- Detects: a company and currency whose buckets plus unapplied credits, at the last week end, are not its open items.
-- Means:   the aging lost an item or counted it twice.
-- Each row: one company and currency with both sums.
with last_week as (

    select max(week_end) as week_end
    from {{ ref('int_calendar') }}
    where week_end <= {{ as_of() }}

),

aging as (

    select aging.company_id, aging.currency, sum(aging.open_amount) as amount, sum(aging.open_amount_base) as amount_base, sum(aging.item_count) as items
    from {{ ref('fct_aging_weekly') }} as aging
    inner join last_week on last_week.week_end = aging.week_end
    group by 1, 2

),

open_items as (

    select balances.company_id, balances.currency, sum(balances.open_amount) as amount, sum(balances.open_amount_base) as amount_base, count(*) as items
    from {{ ref('int_item_balances') }} as balances
    inner join last_week on balances.valid_from <= last_week.week_end and balances.valid_to > last_week.week_end
    group by 1, 2

)

select
    coalesce(aging.company_id, open_items.company_id) as company_id,
    coalesce(aging.currency, open_items.currency) as currency,
    aging.amount as aging_amount,
    open_items.amount as open_items_amount,
    aging.items as aging_items,
    open_items.items as open_items

from aging

full outer join open_items
    on open_items.company_id = aging.company_id
    and open_items.currency = aging.currency

where aging.amount is distinct from open_items.amount
    or aging.amount_base is distinct from open_items.amount_base
    or aging.items is distinct from open_items.items
