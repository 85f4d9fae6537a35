-- Cash that names no customer is unidentified; an empty status is cleared.
with receipts as (

    select
        raw.*,
        coalesce(raw.company_id, sole.company_id) as resolved_company_id
    from {{ source('ledger', 'receipts') }} as raw
    left join {{ ref('stg_ledger__companies') }} as sole on sole.is_only_company

)

select
    receipts.receipt_id,
    receipts.resolved_company_id as company_id,
    coalesce(receipts.customer_id, 'UNIDENTIFIED') as customer_id,
    coalesce(receipts.receivable_account, accounts.receivable_account) as receivable_account,
    receipts.receipt_date, receipts.posting_date, receipts.method, receipts.currency, receipts.exchange_rate,
    receipts.amount, receipts.amount_base,
    coalesce(receipts.status, 'cleared') as status,
    receipts.reversed_on, receipts.reversal_reason, receipts.reference, receipts.is_flagged,
    receipts.known_from, receipts.known_to
from receipts
left join {{ ref('stg_ledger__receivable_accounts') }} as accounts on accounts.company_id = receipts.resolved_company_id
