-- Every movement of every open item in its own currency, one union of one model per kind. Base amounts follow in int_ar_events.
select * from {{ ref('int_documents_to_ar_events') }}
union all
select * from {{ ref('int_receipts_to_ar_events') }}
union all
select * from {{ ref('int_adjustments_to_ar_events') }}
union all
select * from {{ ref('int_settlements_to_ar_events') }}
