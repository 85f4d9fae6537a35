-- Company, customer and account of an adjustment that moves a document or receipt are that item's; only a stand-alone one needs its own.
with adjustments as (

    select
        raw.*,
        coalesce(raw.company_id, sole.company_id) as resolved_company_id
    from {{ source('ledger', 'adjustments') }} as raw
    left join {{ ref('stg_ledger__companies') }} as sole on sole.is_only_company

)

select
    adjustments.adjustment_id, adjustments.document_id, adjustments.receipt_id,
    adjustments.resolved_company_id as company_id,
    adjustments.customer_id,
    coalesce(adjustments.receivable_account, accounts.receivable_account) as receivable_account,
    adjustments.adjustment_type, adjustments.posting_date, adjustments.currency, adjustments.amount, adjustments.amount_base,
    adjustments.reason, adjustments.approved_by, adjustments.known_from, adjustments.known_to
from adjustments
left join {{ ref('stg_ledger__receivable_accounts') }} as accounts on accounts.company_id = adjustments.resolved_company_id
