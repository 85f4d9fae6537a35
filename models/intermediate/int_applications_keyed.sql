-- Applications with the keys of the two sides that they join. A target is a document; where no document has that id, it may be a stand-alone adjustment.
with document_ids as (

    select distinct document_id from {{ touched(ref('stg_ledger__documents'), 'moved') }}

),

stand_alone_ids as (

    select distinct adjustment_id
    from {{ touched(ref('stg_ledger__adjustments'), 'moved') }}
    where document_id is null and receipt_id is null

)

select
    applications.*,
    case
        when document_ids.document_id is null and stand_alone_ids.adjustment_id is not null then 'adjustment:' || applications.document_id
        else 'document:' || applications.document_id
    end as target_key,
    applications.source_kind || ':' || applications.source_id as source_key
from {{ touched(ref('stg_ledger__applications'), 'changed') }} as applications
left join document_ids on document_ids.document_id = applications.document_id
left join stand_alone_ids on stand_alone_ids.adjustment_id = applications.document_id
