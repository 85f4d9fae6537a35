-- A row without a company belongs to the only one.
select
    raw.order_id,
    coalesce(raw.company_id, sole.company_id) as company_id,
    raw.customer_id, raw.order_date, raw.currency, raw.amount,
    raw.is_flagged, raw.known_from, raw.known_to
from {{ source('ledger', 'open_orders') }} as raw
left join {{ ref('stg_ledger__companies') }} as sole on sole.is_only_company
