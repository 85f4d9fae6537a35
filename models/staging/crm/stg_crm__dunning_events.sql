select
    dunning_id,
    account_id,
    document_id,
    level as dunning_level,
    channel,
    sent_at,
    fee,
    is_flagged,
    known_from,
    known_to
from {{ source('crm', 'dunning_events') }}
