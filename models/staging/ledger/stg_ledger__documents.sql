-- A row without a company belongs to the only one, a row without an account to its company's first; an empty status is posted.
with documents as (

    select
        raw.*,
        coalesce(raw.company_id, sole.company_id) as resolved_company_id
    from {{ source('ledger', 'documents') }} as raw
    left join {{ ref('stg_ledger__companies') }} as sole on sole.is_only_company

)

select
    documents.document_id,
    documents.resolved_company_id as company_id,
    documents.customer_id,
    coalesce(documents.receivable_account, accounts.receivable_account) as receivable_account,
    documents.document_number, documents.document_type, documents.document_date, documents.posting_date, documents.due_date,
    documents.payment_terms_id, documents.currency, documents.exchange_rate,
    documents.gross_amount, documents.tax_amount, documents.gross_amount_base, documents.open_amount, documents.settled_on,
    documents.original_document_id,
    coalesce(documents.status, 'posted') as status,
    documents.voided_on, documents.salesperson_id, documents.product_line, documents.reference,
    documents.load_mode, documents.books_through, documents.is_flagged, documents.known_from, documents.known_to
from documents
left join {{ ref('stg_ledger__receivable_accounts') }} as accounts on accounts.company_id = documents.resolved_company_id
