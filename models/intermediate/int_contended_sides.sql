{{ config(materialized=family_table()) }}

-- Sides on which the order of things decides: more could be asked of them than they hold, they are paid in installments, or their customer's cash settles the
-- oldest item. For all others every order gives the same answer, so they need no one to follow it.
with lowered as (

    -- The most that each side was ever asked to give, however often the rows were corrected.
    select side_key, sum(most) as lowering_amount
    from (
        select target_key as side_key, application_id as movement_id, max(amount + discount_amount) as most
        from {{ ref('int_applications_keyed') }} group by target_key, application_id
        union all
        select source_key as side_key, application_id as movement_id, max(coalesce(amount_in_source_currency, amount)) as most
        from {{ ref('int_applications_keyed') }} group by source_key, application_id
        union all
        select side_key, adjustment_id as movement_id, max(abs(amount)) as most
        from {{ touched(ref('int_adjustments'), 'changed') }} where moves in ('document', 'receipt') group by side_key, adjustment_id
        union all
        select 'document:' || document_id as side_key, 'settlement' as movement_id, max(abs(gross_amount - open_amount)) as most
        from {{ touched(ref('int_documents'), 'changed') }} where open_amount is not null group by document_id
    ) as movements
    group by side_key

),

capacities as (

    select
        side_key,
        min(magnitude) as least_magnitude,
        bool_or(has_installments) as has_installments,
        bool_or(pool is not null) as is_pooled
    from {{ touched(ref('int_sides'), 'changed') }}
    where held_reason is null
    group by side_key

)

select capacities.side_key
from capacities
left join lowered on lowered.side_key = capacities.side_key
where capacities.is_pooled
    or (capacities.has_installments and lowered.side_key is not null)
    or lowered.lowering_amount > capacities.least_magnitude
