{{ config(materialized=family_table()) }}

-- Per document with installments and stretch of knowledge: do they add up to the document, in amounts of its currency? Only then does each become an open item of its own.
with installments as (

    select * from {{ touched(ref('stg_ledger__installments'), 'changed') }}

),

documents as (

    select documents.document_id, documents.gross_amount, currencies.minor_units, documents.known_from, documents.known_to
    from {{ touched(ref('stg_ledger__documents'), 'changed') }} as documents
    left join {{ ref('currencies') }} as currencies on currencies.code = documents.currency
    where document_id in (select document_id from installments)

),

moments as (

    select document_id, known_from as moment from installments
    union
    select document_id, known_to as moment from installments where known_to < {{ open_end() }}
    union
    select document_id, known_from as moment from documents
    union
    select document_id, known_to as moment from documents where known_to < {{ open_end() }}

),

spans as (

    select
        document_id,
        moment as known_from,
        lead(moment, 1, {{ open_end() }}) over (partition by document_id order by moment) as known_to
    from moments

),

totals as (

    select
        spans.document_id, spans.known_from, spans.known_to,
        sum(installments.amount) as installment_total,
        max({{ decimals_of('installments.amount') }}) as decimals,
        max(installments.installment_sequence) as last_sequence
    from spans
    inner join installments
        on installments.document_id = spans.document_id
        and installments.known_from <= spans.known_from
        and installments.known_to > spans.known_from
    group by spans.document_id, spans.known_from, spans.known_to

)

select
    totals.document_id,
    totals.known_from,
    totals.known_to,
    cast(totals.installment_total as decimal(18, 3)) as installment_total,
    totals.last_sequence,
    documents.gross_amount,
    coalesce(totals.installment_total = documents.gross_amount and totals.decimals <= documents.minor_units, false) as is_valid
from totals
left join documents
    on documents.document_id = totals.document_id
    and documents.known_from <= totals.known_from
    and documents.known_to > totals.known_from
