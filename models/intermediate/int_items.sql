{{ config(materialized="view") }}

-- Every version of every open item: a document or one installment of it, a receipt, a stand-alone adjustment. Amounts are signed: + the customer owes.
-- A view, written down once as dim_item_versions, which is what all models read (decision 0016).
with documents as (

    select * from {{ touched(ref('int_documents'), 'changed') }} where held_reason is null

),

installments as (

    select
        installments.document_id, installments.installment_sequence, installments.due_date, installments.amount,
        installments.installment_sequence = plans.last_sequence as is_last,
        greatest(installments.known_from, plans.known_from) as known_from,
        least(installments.known_to, plans.known_to) as known_to
    from {{ touched(ref('stg_ledger__installments'), 'changed') }} as installments
    inner join {{ touched(ref('int_installment_plans'), 'changed') }} as plans
        on plans.document_id = installments.document_id
        and plans.is_valid
        and {{ known_together('plans', 'installments') }}

),

parts as (

    select
        documents.* except (due_date, known_from, known_to),
        installments.installment_sequence, installments.due_date, installments.amount, installments.is_last,
        {{ prorate('installments.amount', 'documents.gross_amount_base', 'documents.gross_amount', 'documents.base_minor_units') }} as share_base,
        greatest(documents.known_from, installments.known_from) as known_from,
        least(documents.known_to, installments.known_to) as known_to
    from documents
    inner join installments
        on documents.has_installments
        and installments.document_id = documents.document_id
        and {{ known_together('installments', 'documents') }}

),

shares as (

    -- The last installment takes the rest of the base amount.
    select
        parts.*,
        case when is_last
            then gross_amount_base - (sum(share_base) over (partition by document_id, known_from) - share_base)
            else share_base
        end as amount_base
    from parts

),

items as (

    select
        'document:' || document_id as item_id, document_type as item_type,
        company_id, customer_id, receivable_account, document_id, document_number, cast(null as integer) as installment_sequence,
        document_date, posting_date, due_date, ended_on, currency, direction * gross_amount as original_amount,
        base_currency, base_minor_units, direction * gross_amount_base as original_amount_base, exchange_rate,
        false as is_at_risk, payment_terms_id, original_document_id, salesperson_id, product_line, reference, known_from, known_to
    from documents
    where not has_installments

    union all

    select
        'document:' || document_id || ':' || cast(installment_sequence as {{ dbt.type_string() }}) as item_id, document_type as item_type,
        company_id, customer_id, receivable_account, document_id, document_number, installment_sequence,
        document_date, posting_date, due_date, ended_on, currency, direction * amount as original_amount,
        base_currency, base_minor_units, direction * amount_base as original_amount_base, exchange_rate,
        false as is_at_risk, payment_terms_id, original_document_id, salesperson_id, product_line, reference, known_from, known_to
    from shares

    union all

    select
        'receipt:' || receipt_id as item_id, 'receipt' as item_type,
        company_id, customer_id, receivable_account, receipt_id as document_id, cast(null as {{ dbt.type_string() }}) as document_number,
        cast(null as integer) as installment_sequence,
        receipt_date as document_date, posting_date, cast(null as date) as due_date, ended_on, currency, -1 * amount as original_amount,
        base_currency, base_minor_units, -1 * amount_base as original_amount_base, exchange_rate,
        status = 'at_risk' as is_at_risk, cast(null as {{ dbt.type_string() }}) as payment_terms_id,
        cast(null as {{ dbt.type_string() }}) as original_document_id, cast(null as {{ dbt.type_string() }}) as salesperson_id,
        cast(null as {{ dbt.type_string() }}) as product_line, reference, known_from, known_to
    from {{ touched(ref('int_receipts'), 'changed') }}
    where held_reason is null

    union all

    select
        side_key as item_id, 'adjustment' as item_type,
        company_id, customer_id, receivable_account, adjustment_id as document_id, cast(null as {{ dbt.type_string() }}) as document_number,
        cast(null as integer) as installment_sequence,
        posting_date as document_date, posting_date, posting_date as due_date, {{ open_date() }} as ended_on, currency, amount as original_amount,
        base_currency, base_minor_units, amount_base as original_amount_base, exchange_rate,
        false as is_at_risk, cast(null as {{ dbt.type_string() }}) as payment_terms_id,
        cast(null as {{ dbt.type_string() }}) as original_document_id, cast(null as {{ dbt.type_string() }}) as salesperson_id,
        cast(null as {{ dbt.type_string() }}) as product_line, cast(null as {{ dbt.type_string() }}) as reference, known_from, known_to
    from {{ touched(ref('int_adjustments'), 'changed') }}
    where held_reason is null and moves = 'none'

)

select
    item_id, item_type, company_id, customer_id, receivable_account, document_id, document_number, installment_sequence,
    document_date, posting_date, due_date, ended_on, currency,
    cast(original_amount as decimal(18, 3)) as original_amount,
    base_currency, base_minor_units,
    cast(original_amount_base as decimal(18, 3)) as original_amount_base,
    exchange_rate, is_at_risk, payment_terms_id, original_document_id, salesperson_id, product_line, reference, known_from, known_to
from items
