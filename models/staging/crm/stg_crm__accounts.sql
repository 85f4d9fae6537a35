select
    account_id,
    customer_id,
    segment,
    industry,
    risk_class,
    collector_id,
    account_owner_id,
    preferred_channel,
    coalesce(do_not_contact, false) as do_not_contact,
    is_flagged,
    known_from,
    known_to
from {{ source('crm', 'accounts') }}
