{{ config(materialized="view") }}

-- A stand-alone adjustment posts its own item, any other moves the item that it names; derived settlements of open-items exports move theirs the same way.
with adjustments as (

    select * from {{ touched(ref('int_adjustments'), 'valued') }} where held_reason is null

),

parts as (

    select
        'adjustment' as kind, adjustment_id as movement_id, side_key as item_id, amount, posting_date, known_from, known_to
    from adjustments
    where moves in ('document', 'receipt')
        and side_key not in (select side_key from {{ ref('int_contended_sides') }})

    union all

    select
        'settlement' as kind, settlement_id as movement_id, side_key as item_id, cast(-1 * direction * amount as decimal(18, 3)) as amount,
        posting_date, known_from, known_to
    from {{ ref('int_document_settlements') }}
    where side_key not in (select side_key from {{ ref('int_contended_sides') }})

    union all

    -- Decided parts say what they lower; the item says which way that is.
    select
        decided.kind, decided.movement_id, decided.target_item_id as item_id,
        cast(case when items.original_amount < 0 then decided.amount else -1 * decided.amount end as decimal(18, 3)) as amount,
        decided.effective_on as posting_date,
        greatest(decided.known_from, items.known_from) as known_from,
        least(decided.known_to, items.known_to) as known_to
    from {{ ref('int_settlements_decided') }} as decided
    inner join {{ touched(ref('dim_item_versions'), 'valued') }} as items
        on items.item_id = decided.target_item_id
        and {{ known_together('items', 'decided') }}
    where decided.kind in ('adjustment', 'settlement')

),

moves as (

    select
        parts.kind, parts.movement_id, parts.item_id, parts.amount, parts.posting_date,
        adjustments.adjustment_type, adjustments.amount as whole_amount, adjustments.amount_base,
        greatest(parts.known_from, coalesce(adjustments.known_from, parts.known_from)) as known_from,
        least(parts.known_to, coalesce(adjustments.known_to, parts.known_to)) as known_to
    from parts
    left join adjustments
        on parts.kind = 'adjustment'
        and adjustments.adjustment_id = parts.movement_id
        and {{ known_together('adjustments', 'parts') }}

)

select
    moves.kind || '|' || moves.movement_id || '|' || moves.item_id as event_key,
    moves.kind as event_type,
    coalesce(moves.adjustment_type, 'open_items') as event_subtype,
    case when moves.kind = 'settlement' then 'other' else {{ adjustment_movement('moves.adjustment_type') }} end as movement,
    moves.item_id, moves.posting_date,
    case when moves.amount * sign(items.original_amount) > 0 then {{ phase('raised') }} else {{ phase('lowered') }} end as phase,
    0 as step,
    moves.amount,
    -- A given base amount belongs to the whole adjustment: a part has its share at the item's rate.
    case when moves.amount = moves.whole_amount then moves.amount_base end as stated_amount_base,
    moves.kind = 'settlement' as is_derived, {{ no_application('moves.movement_id') }},
    {{ item_columns('items') }},
    greatest(moves.known_from, items.known_from) as known_from,
    least(moves.known_to, items.known_to) as known_to
from moves
inner join {{ touched(ref('dim_item_versions'), 'valued') }} as items
    on items.item_id = moves.item_id
    and {{ known_together('items', 'moves') }}

union all

select
    items.item_id as event_key, 'adjustment' as event_type, adjustments.adjustment_type as event_subtype,
    {{ adjustment_movement('adjustments.adjustment_type') }} as movement,
    items.item_id, items.posting_date, {{ phase('posted') }} as phase, 0 as step,
    items.original_amount as amount, items.original_amount_base as stated_amount_base, false as is_derived, {{ no_application() }},
    {{ item_columns('items') }},
    greatest(adjustments.known_from, items.known_from) as known_from,
    least(adjustments.known_to, items.known_to) as known_to
from {{ touched(ref('dim_item_versions'), 'valued') }} as items
inner join adjustments
    on adjustments.moves = 'none'
    and adjustments.side_key = items.item_id
    and {{ known_together('adjustments', 'items') }}
