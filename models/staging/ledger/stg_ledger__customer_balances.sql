-- A row without a company belongs to the only one.
select
    coalesce(raw.company_id, sole.company_id) as company_id,
    raw.customer_id, raw.currency, raw.as_of_date,
    raw.balance as balance_amount,
    raw.is_flagged, raw.known_from, raw.known_to
from {{ source('ledger', 'customer_balances') }} as raw
left join {{ ref('stg_ledger__companies') }} as sole on sole.is_only_company
