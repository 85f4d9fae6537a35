select
    dispute_id,
    document_id,
    opened_on,
    closed_on,
    reason,
    root_cause,
    currency,
    disputed_amount,
    resolution,
    resolved_amount,
    owner_id,
    is_flagged,
    known_from,
    known_to
from {{ source('crm', 'disputes') }}
