-- Detects: a company and currency whose roll-forward does not close on its open items at as_of, in either currency.
-- Means:   a movement was dropped or doubled between the ledger and the roll-forward.
-- Each row: one company and currency with both sides.
with rollforward as (

    select company_id, currency, closing_amount, closing_amount_base
    from {{ ref('fct_rollforward_monthly') }}
    where month_end = {{ as_of() }}

),

open_items as (

    select company_id, currency, sum(open_amount) as open_amount, sum(open_amount_base) as open_amount_base
    from {{ ref('fct_open_items') }}
    group by 1, 2

)

select
    coalesce(rollforward.company_id, open_items.company_id) as company_id,
    coalesce(rollforward.currency, open_items.currency) as currency,
    rollforward.closing_amount,
    open_items.open_amount,
    rollforward.closing_amount_base,
    open_items.open_amount_base

from rollforward

full outer join open_items
    on open_items.company_id = rollforward.company_id
    and open_items.currency = rollforward.currency

where coalesce(rollforward.closing_amount, 0) != coalesce(open_items.open_amount, 0)
    or coalesce(rollforward.closing_amount_base, 0) != coalesce(open_items.open_amount_base, 0)
