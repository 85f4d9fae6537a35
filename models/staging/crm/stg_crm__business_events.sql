select
    event_id,
    company_id,
    event_date,
    category,
    title,
    customer_group,
    is_flagged,
    known_from,
    known_to
from {{ source('crm', 'business_events') }}
