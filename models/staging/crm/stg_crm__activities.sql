select
    activity_id,
    account_id,
    document_id,
    user_id,
    occurred_at,
    channel,
    coalesce(direction, 'outbound') as direction,
    outcome,
    next_action_on,
    note,
    is_flagged,
    known_from,
    known_to
from {{ source('crm', 'activities') }}
