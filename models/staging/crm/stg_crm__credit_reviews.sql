select
    review_id,
    customer_id,
    reviewed_on,
    next_review_on,
    score,
    risk_class,
    old_limit as old_limit_amount,
    new_limit as new_limit_amount,
    insured_amount,
    insurer,
    specific_reserve as specific_reserve_amount,
    reviewer_id,
    is_flagged,
    known_from,
    known_to
from {{ source('crm', 'credit_reviews') }}
