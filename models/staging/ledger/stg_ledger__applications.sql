select
    application_id,
    case when source_type = 'credit_memo' then 'document' else source_type end as source_kind,
    source_id, document_id, installment_sequence, applied_on, amount, amount_in_source_currency,
    coalesce(discount_amount, 0) as discount_amount,
    reversed_on, known_from, known_to
from {{ source('ledger', 'applications') }}
