-- What moves contended sides, each version: applications, adjustments and derived settlements. Signs: + lowers what is open on the side, - raises it.
select
    'application' as kind, application_id as movement_id, target_key, source_key, installment_sequence,
    amount, source_amount, discount_amount, effective_on, ended_on,
    coalesce(reversed_on = ended_on, false) as is_reversed,
    is_target_contended, is_source_contended, applications.known_from, applications.known_to,
    currencies.minor_units as source_minor_units
from {{ touched(ref('int_applications'), 'changed') }} as applications
inner join {{ ref('currencies') }} as currencies on currencies.code = applications.source_currency
where held_reason is null
    and effective_on < ended_on
    and (is_target_contended or is_source_contended)

union all

select
    'adjustment' as kind, adjustments.adjustment_id as movement_id, adjustments.side_key as target_key, cast(null as {{ dbt.type_string() }}) as source_key,
    cast(null as integer) as installment_sequence,
    -1 * adjustments.amount * sides.direction as amount, cast(0 as decimal(18, 3)) as source_amount, cast(0 as decimal(18, 3)) as discount_amount,
    adjustments.posting_date as effective_on, {{ open_date() }} as ended_on,
    false as is_reversed, true as is_target_contended, false as is_source_contended, adjustments.known_from, adjustments.known_to,
    3 as source_minor_units
from {{ touched(ref('int_adjustments'), 'changed') }} as adjustments
inner join (
    select side_key, min(direction) as direction
    from {{ touched(ref('int_sides'), 'changed') }}
    where side_key in (select side_key from {{ ref('int_contended_to_follow') }})
    group by side_key
) as sides on sides.side_key = adjustments.side_key
where adjustments.moves in ('document', 'receipt')
    and adjustments.held_reason is null

union all

select
    'settlement' as kind, settlement_id as movement_id, side_key as target_key, cast(null as {{ dbt.type_string() }}) as source_key,
    cast(null as integer) as installment_sequence,
    amount, cast(0 as decimal(18, 3)) as source_amount, cast(0 as decimal(18, 3)) as discount_amount,
    posting_date as effective_on, {{ open_date() }} as ended_on,
    false as is_reversed, true as is_target_contended, false as is_source_contended, known_from, known_to,
    3 as source_minor_units
from {{ ref('int_document_settlements') }}
where side_key in (select side_key from {{ ref('int_contended_to_follow') }})
