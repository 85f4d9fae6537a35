{{ config(materialized=family_table()) }}

select
    item_id, item_type, company_id, customer_id, receivable_account, document_id, document_number, installment_sequence,
    document_date, posting_date, due_date, ended_on, currency, original_amount, base_currency, original_amount_base, exchange_rate,
    is_at_risk, payment_terms_id, original_document_id, salesperson_id, product_line, reference, known_from, known_to
from {{ touched(ref('int_items'), 'changed') }}
