select
    user_id,
    name,
    email,
    team,
    role,
    manager_id,
    is_flagged,
    known_from,
    known_to
from {{ source('crm', 'users') }}
