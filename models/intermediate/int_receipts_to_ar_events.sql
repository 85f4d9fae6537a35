{{ config(materialized="view") }}

-- The ledger reverses a bounced receipt with an event of its own: netting the two would erase the weeks in which the cash looked real.
with items as (

    select * from {{ touched(ref('dim_item_versions'), 'valued') }}
    where item_type = 'receipt'

)

select
    item_id as event_key, 'receipt' as event_type, 'receipt' as event_subtype, 'collected' as movement,
    item_id, posting_date, {{ phase('posted') }} as phase, 0 as step,
    original_amount as amount, original_amount_base as stated_amount_base, false as is_derived, {{ no_application() }},
    {{ item_columns('items') }}, known_from, known_to
from items

union all

select
    'bounce|' || item_id as event_key, 'bounce' as event_type, 'receipt' as event_subtype, 'collected' as movement,
    item_id, ended_on as posting_date, {{ phase('closed') }} as phase, 0 as step,
    -1 * original_amount as amount, -1 * original_amount_base as stated_amount_base, false as is_derived, {{ no_application() }},
    {{ item_columns('items') }}, known_from, known_to
from items
where ended_on < {{ open_date() }}
