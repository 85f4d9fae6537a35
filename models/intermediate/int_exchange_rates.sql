-- The rates that the ledger's rows need to come to base currency where they bring neither rate nor base amount.
with needs as (

    select documents.currency as from_currency, companies.base_currency as to_currency, documents.posting_date as rate_on
    from {{ ref('stg_ledger__documents') }} as documents
    inner join {{ ref('stg_ledger__companies') }} as companies on companies.company_id = documents.company_id
    where documents.gross_amount_base is null
        and coalesce(documents.exchange_rate, 0) <= 0
        and documents.currency != companies.base_currency
    union
    select receipts.currency as from_currency, companies.base_currency as to_currency, receipts.posting_date as rate_on
    from {{ ref('stg_ledger__receipts') }} as receipts
    inner join {{ ref('stg_ledger__companies') }} as companies on companies.company_id = receipts.company_id
    where receipts.amount_base is null
        and coalesce(receipts.exchange_rate, 0) <= 0
        and receipts.currency != companies.base_currency
    union
    select adjustments.currency as from_currency, companies.base_currency as to_currency, adjustments.posting_date as rate_on
    from {{ ref('stg_ledger__adjustments') }} as adjustments
    inner join {{ ref('stg_ledger__companies') }} as companies on companies.company_id = adjustments.company_id
    where adjustments.amount_base is null
        and adjustments.document_id is null
        and adjustments.receipt_id is null
        and adjustments.currency != companies.base_currency

)

select * from {{ resolve_rates('needs') }} as rates
