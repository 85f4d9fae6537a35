select
    promise_id,
    account_id,
    document_id,
    user_id,
    created_at,
    promised_on,
    currency,
    amount,
    coalesce(status, 'open') as status,
    superseded_by,
    is_flagged,
    known_from,
    known_to
from {{ source('crm', 'promises') }}
