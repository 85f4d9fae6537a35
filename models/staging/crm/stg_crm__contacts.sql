select
    contact_id,
    account_id,
    name,
    role,
    email,
    phone,
    preferred_channel,
    coalesce(opted_out, false) as opted_out,
    is_flagged,
    known_from,
    known_to
from {{ source('crm', 'contacts') }}
