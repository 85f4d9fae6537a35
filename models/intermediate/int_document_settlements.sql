-- Ledgers that only export what is open: each fall of a document's open amount is a settlement, known from the drop that showed it, on the date that stands in
-- for it (`settled_on`, else the drop's books_through). A rise is a settlement taken back.
with versions as (

    select
        document_id,
        known_from,
        coalesce(settled_on, books_through) as settled_on,
        gross_amount - open_amount as settled_amount
    from {{ touched(ref('stg_ledger__documents'), 'valued') }}
    where load_mode = 'open_items' and open_amount is not null

),

steps as (

    select
        document_id,
        known_from,
        settled_on,
        settled_amount - coalesce(lag(settled_amount) over (partition by document_id order by known_from), 0) as amount
    from versions

)

select
    steps.document_id,
    'document:' || steps.document_id as side_key,
    steps.document_id || '|' || cast(steps.known_from as {{ dbt.type_string() }}) as settlement_id,
    documents.direction,
    cast(steps.amount as decimal(18, 3)) as amount,
    greatest(steps.settled_on, documents.posting_date) as posting_date,
    documents.known_from,
    documents.known_to
from steps
inner join {{ touched(ref('int_documents'), 'valued') }} as documents
    on documents.document_id = steps.document_id
    and documents.known_from >= steps.known_from
    and documents.open_amount is not null
    and documents.held_reason is null
where steps.amount != 0
