select
    payment_terms_id, description, net_days, discount_days, discount_percent,
    coalesce(end_of_month, false) as end_of_month,
    fixed_day, known_from, known_to
from {{ source('ledger', 'payment_terms') }}
