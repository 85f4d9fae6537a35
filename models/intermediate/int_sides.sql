{{ config(materialized=family_table()) }}

-- What an application can settle or draw on: documents, receipts and stand-alone adjustments, each version. Held ones too, so that what refers to them can say why.
with customers as (

    select customer_id, application_rule, known_from, known_to
    from {{ ref('stg_ledger__customers') }}
    where customer_id in (select customer_id from {{ ref('stg_ledger__customers') }} where application_rule = 'oldest_first')

),

rules as (

    {{ complete_timeline('customers', 'customer_id', ['application_rule']) }}

),

sides as (

    select
        'document:' || document_id as side_key, 'document' as side_kind, document_id as side_id, document_type as side_type,
        direction, gross_amount as magnitude, company_id, customer_id, receivable_account, currency, base_currency,
        document_date, posting_date, due_date, ended_on, held_reason, has_installments, known_from, known_to
    from {{ touched(ref('int_documents'), 'changed') }}

    union all

    select
        'receipt:' || receipt_id as side_key, 'receipt' as side_kind, receipt_id as side_id, 'receipt' as side_type,
        -1 as direction, amount as magnitude, company_id, customer_id, receivable_account, currency, base_currency,
        receipt_date as document_date, posting_date, cast(null as date) as due_date, ended_on, held_reason, false as has_installments, known_from, known_to
    from {{ touched(ref('int_receipts'), 'changed') }}

    union all

    select
        side_key, 'adjustment' as side_kind, adjustment_id as side_id, adjustment_type as side_type,
        case when stated_amount < 0 then -1 else 1 end as direction, abs(amount) as magnitude,
        company_id, customer_id, receivable_account, currency, base_currency,
        posting_date as document_date, posting_date, posting_date as due_date, {{ open_date() }} as ended_on, held_reason, false as has_installments, known_from, known_to
    from {{ touched(ref('int_adjustments'), 'changed') }}
    where moves = 'none'

)

select
    sides.* except (known_from, known_to),
    -- The balance-forward account that the side belongs to, where its customer's cash settles the oldest due item.
    case when rules.application_rule = 'oldest_first' and sides.held_reason is null
        then sides.company_id || '|' || sides.customer_id || '|' || sides.receivable_account || '|' || sides.currency
    end as pool,
    greatest(sides.known_from, coalesce(rules.known_from, sides.known_from)) as known_from,
    least(sides.known_to, coalesce(rules.known_to, sides.known_to)) as known_to
from sides
left join rules
    on rules.customer_id = sides.customer_id
    and {{ known_together('rules', 'sides') }}
