{{ config(materialized=family_table()) }}

-- Due dates that follow from payment terms, for documents that bring none: the document's terms, else the customer's, each as known at the time.
with documents as (

    select document_id, customer_id, document_date, payment_terms_id, known_from, known_to
    from {{ touched(ref('stg_ledger__documents'), 'changed') }}
    where due_date is null

),

customer_terms as (

    {{ complete_timeline(ref('stg_ledger__customers'), 'customer_id', ['payment_terms_id']) }}

),

terms as (

    {{ complete_timeline(ref('stg_ledger__payment_terms'), 'payment_terms_id', ['net_days', 'discount_days', 'discount_percent', 'end_of_month', 'fixed_day']) }}

),

with_terms as (

    select
        documents.document_id,
        documents.document_date,
        coalesce(documents.payment_terms_id, customer_terms.payment_terms_id) as payment_terms_id,
        documents.known_from as document_known_from,
        greatest(documents.known_from, coalesce(customer_terms.known_from, documents.known_from)) as known_from,
        least(documents.known_to, coalesce(customer_terms.known_to, documents.known_to)) as known_to
    from documents
    left join customer_terms
        on documents.payment_terms_id is null
        and customer_terms.customer_id = documents.customer_id
        and {{ known_together('customer_terms', 'documents') }}

),

with_days as (

    select
        with_terms.document_id,
        with_terms.document_known_from,
        with_terms.document_date,
        with_terms.payment_terms_id,
        {{ add_days('with_terms.document_date', 'coalesce(terms.net_days, 0)') }} as net_date,
        coalesce(terms.end_of_month, false) as end_of_month,
        terms.fixed_day,
        with_terms.payment_terms_id is not null and terms.net_days is null as has_unknown_terms,
        greatest(with_terms.known_from, coalesce(terms.known_from, with_terms.known_from)) as known_from,
        least(with_terms.known_to, coalesce(terms.known_to, with_terms.known_to)) as known_to
    from with_terms
    left join terms
        on terms.payment_terms_id = with_terms.payment_terms_id
        and {{ known_together('terms', 'with_terms') }}

),

with_next_month as (

    select *, {{ add_days('last_day(net_date)', 1) }} as next_month_start
    from with_days

)

select
    document_id,
    document_known_from,
    payment_terms_id,
    case
        -- A fixed day beyond the month's end is its last day.
        when fixed_day is not null
            then {{ add_days('next_month_start', 'least(fixed_day, cast(extract(day from last_day(next_month_start)) as integer)) - 1') }}
        when end_of_month then last_day(net_date)
        else net_date
    end as due_date,
    has_unknown_terms,
    known_from,
    known_to
from with_next_month
