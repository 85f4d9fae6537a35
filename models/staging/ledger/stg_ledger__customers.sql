select
    customer_id, parent_customer_id, name, country, region, customer_group, currency, payment_terms_id,
    credit_limit as credit_limit_amount,
    coalesce(on_hold, false) as on_hold,
    opened_on,
    coalesce(is_intercompany, false) as is_intercompany,
    coalesce(application_rule, 'explicit') as application_rule,
    is_flagged, known_from, known_to
from {{ source('ledger', 'customers') }}
