{{ config(materialized=family_table()) }}

-- What was applied to what, each version: applications that need no order as they stand, the contended ones as decided, balance-forward settlements as derived.
select
    application_id, target_key as target_item_id, source_key as source_item_id, source_kind,
    amount, source_amount as amount_in_source_currency, discount_amount, effective_on, ended_on, false as is_derived, known_from, known_to
from {{ touched(ref('int_applications'), 'changed') }}
where held_reason is null
    and effective_on < ended_on
    and not is_target_contended
    and not is_source_contended

union all

select
    movement_id as application_id, target_item_id, source_item_id,
    case
        when source_item_id like 'receipt:%' then 'receipt'
        when source_item_id like 'document:%' then 'document'
        else 'adjustment'
    end as source_kind,
    amount, source_amount as amount_in_source_currency, discount_amount, effective_on, ended_on, is_derived, known_from, known_to
from {{ ref('int_settlements_decided') }}
where kind = 'application'
