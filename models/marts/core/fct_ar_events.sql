{{ config(materialized=family_table()) }}

select
    event_id, event_type, event_subtype, movement, company_id, customer_id, receivable_account, item_id, document_id, posting_date,
    known_from, known_to, currency, amount, base_currency, amount_base, is_derived, application_id, counterpart_item_id, counterpart_kind
from {{ ref('int_ar_events') }}
