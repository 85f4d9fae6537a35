-- The ledger as known now, summed by day and kind of movement: small enough that every monthly mart is a sum over it, so the events are read once.
with events as (

    select * from {{ ref('fct_ar_events') }}
    where {{ is_known() }}
        and posting_date <= {{ as_of() }}

),

intercompany_customers as (

    select customer_id from {{ intercompany_customers() }} as customers

),

{%- if var('sales_basis') == 'net' %}

documents as (

    select document_id, gross_amount, coalesce(tax_amount, 0) as tax_amount
    from {{ ref('stg_ledger__documents') }}
    where {{ is_known() }}

),

{%- endif %}

classified as (

    select
        events.*,
        intercompany_customers.customer_id is not null as is_intercompany,
        -- Credit sales: what was invoiced, less credit memos, less voids; a void counts in the month of the void.
        case
            when events.event_type in ('document', 'void') and events.event_subtype in ('invoice', 'debit_memo', 'credit_memo')
                {% if var('sales_basis') == 'net' -%}
                then {{ prorate('(documents.gross_amount - documents.tax_amount)', 'events.amount_base', 'documents.gross_amount', 3) }}
                {%- else -%}
                then events.amount_base
                {%- endif %}
            else 0
        end as sales_amount_base

    from events

    left join intercompany_customers
        on intercompany_customers.customer_id = events.customer_id

    {%- if var('sales_basis') == 'net' %}

    left join documents
        on documents.document_id = events.document_id
        and events.event_type in ('document', 'void')

    {%- endif %}

)

select
    company_id,
    receivable_account,
    currency,
    base_currency,
    posting_date,
    event_type,
    event_subtype,
    movement,
    is_intercompany,
    count(*) as event_count,
    sum(amount) as amount,
    sum(amount_base) as amount_base,
    sum(coalesce(sales_amount_base, 0)) as sales_amount_base

from classified

group by 1, 2, 3, 4, 5, 6, 7, 8, 9
