{{ config(materialized="view") }}

-- A document posts its items; a void takes them back on its own date, and both stay.
with items as (

    select * from {{ touched(ref('dim_item_versions'), 'valued') }}
    where item_type not in ('receipt', 'adjustment')

)

select
    'document|' || item_id as event_key, 'document' as event_type, item_type as event_subtype, {{ document_movement('item_type') }} as movement,
    item_id, posting_date, {{ phase('posted') }} as phase, 0 as step,
    original_amount as amount, original_amount_base as stated_amount_base, false as is_derived, {{ no_application() }},
    {{ item_columns('items') }}, known_from, known_to
from items

union all

select
    'void|' || item_id as event_key, 'void' as event_type, item_type as event_subtype, {{ document_movement('item_type') }} as movement,
    item_id, ended_on as posting_date, {{ phase('closed') }} as phase, 0 as step,
    -1 * original_amount as amount, -1 * original_amount_base as stated_amount_base, false as is_derived, {{ no_application() }},
    {{ item_columns('items') }}, known_from, known_to
from items
where ended_on < {{ open_date() }}
