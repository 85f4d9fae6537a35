select
    plan_id,
    sequence as plan_sequence,
    account_id,
    due_on,
    currency,
    amount,
    status,
    is_flagged,
    known_from,
    known_to
from {{ source('crm', 'payment_plans') }}
