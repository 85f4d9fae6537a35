{{ config(materialized=family_table(), post_hook="{{ touch_new_items(this) }}") }}

select
    item_id, item_type, company_id, customer_id, receivable_account, document_id, document_number, installment_sequence,
    document_date, posting_date, due_date, ended_on, currency, original_amount, base_currency, base_minor_units, original_amount_base, exchange_rate,
    is_at_risk, payment_terms_id, original_document_id, salesperson_id, product_line, reference, known_from, known_to
from {{ ref('int_items') }}
