-- Applications in which a side is converted: the target's movement is valued at the source's book rate, so that the application moves no base balance; what that
-- leaves of the target's own book amount is the realised exchange difference (metrics.md, roll-forward).
with applied as (

    select
        movements.event_type, movements.event_key, movements.application_id, movements.item_id, movements.counterpart_item_id,
        movements.is_source, movements.company_id, base.amount_base,
        greatest(movements.known_from, base.known_from) as known_from,
        least(movements.known_to, base.known_to) as known_to
    from {{ ref('int_ar_movements') }} as movements
    inner join {{ ref('int_ar_base_amounts') }} as base
        on base.event_key = movements.event_key
        and {{ known_together('base', 'movements') }}
    where movements.event_type in ('application', 'application_reversal')

),

-- The other side of such an application is its own base amount where it is not converted.
sides as (

    select * from applied

    union all

    select event_type, event_key, application_id, item_id, counterpart_item_id, is_source, company_id, amount as amount_base, known_from, known_to
    from {{ ref('int_ar_movements') }}
    where event_type in ('application', 'application_reversal')
        and application_id in (select application_id from applied)
        and item_id not in (select item_id from {{ ref('int_ar_base_amounts') }})

)

select
    targets.event_key,
    cast(-1 * sources.amount_base as decimal(18, 3)) as amount_base,
    cast(targets.amount_base + sources.amount_base as decimal(18, 3)) as difference_amount_base,
    greatest(targets.known_from, sources.known_from) as known_from,
    least(targets.known_to, sources.known_to) as known_to
from sides as targets
inner join sides as sources
    on sources.application_id = targets.application_id
    and sources.event_type = targets.event_type
    and sources.item_id = targets.counterpart_item_id
    and sources.counterpart_item_id = targets.item_id
    and sources.is_source
    and sources.company_id = targets.company_id
    and {{ known_together('sources', 'targets') }}
where not targets.is_source
