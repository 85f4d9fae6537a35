-- Orders that are not invoiced yet: they count against the credit limit, not in the receivable.
select
    order_id,
    company_id,
    customer_id,
    order_date,
    currency,
    amount as order_amount

from {{ ref('stg_ledger__open_orders') }}

where {{ is_known() }}
    and order_date <= {{ as_of() }}
