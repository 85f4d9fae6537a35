{{ config(materialized="view") }}

{#- Movements that are their own base amount, and are not applied with what is converted. No CTE: what is read twice would be held whole. -#}
{%- set plain -%}
    select
        event_key, event_type, event_subtype, movement, company_id, customer_id, receivable_account, item_id, document_id, posting_date,
        currency, amount, base_currency, amount as amount_base, is_derived, application_id, counterpart_item_id, counterpart_kind, known_from, known_to
    from {{ ref('int_ar_movements') }}
    where item_id not in (select item_id from converted_items)
        and not (event_type in ('application', 'application_reversal') and pair_key in (select pair_key from exchanged_keys))
{%- endset -%}

-- The receivables ledger: every movement of an open item, in document and base currency, each version with its knowledge time; equal neighbours in time are one.
-- A view, written down once as fct_ar_events, which is what all models read (decision 0016). Most movements are of items in the base currency and have one
-- version, which still is known: they pass as they are, in one scan. Only the others are held side by side.
with converted as (

    select
        movements.* except (known_from, known_to),
        base.amount_base,
        greatest(movements.known_from, base.known_from) as known_from,
        least(movements.known_to, base.known_to) as known_to
    from {{ ref('int_ar_movements') }} as movements
    inner join {{ ref('int_ar_base_amounts') }} as base
        on base.event_key = movements.event_key
        and {{ known_together('base', 'movements') }}

),

-- Applications in which a side is converted: the target's movement is valued at the source's book rate, so that the application moves no base balance; what that
-- leaves of the target's own book amount is the realised exchange difference, an event of its own (metrics.md, roll-forward).
exchanged_keys as (

    select distinct pair_key from converted
    where event_type in ('application', 'application_reversal')

),

-- All movements of an item have base amounts of their own, or none has.
converted_items as (

    select distinct item_id from {{ ref('int_ar_base_amounts') }}

),

in_base_currency as (

    select * from converted

    union all

    select
        movements.* except (known_from, known_to),
        movements.amount as amount_base,
        movements.known_from,
        movements.known_to
    from {{ ref('int_ar_movements') }} as movements
    where movements.event_type in ('application', 'application_reversal')
        and movements.pair_key in (select pair_key from exchanged_keys)
        and movements.item_id not in (select item_id from converted_items)

),

exchanged as (

    select
        targets.* except (known_from, known_to),
        sources.amount_base as source_amount_base,
        greatest(targets.known_from, sources.known_from) as known_from,
        least(targets.known_to, sources.known_to) as known_to
    from in_base_currency as targets
    inner join in_base_currency as sources
        on sources.pair_key = targets.pair_key
        and sources.event_type = targets.event_type
        and sources.is_source
        and sources.company_id = targets.company_id
        and {{ known_together('sources', 'targets') }}
    where targets.event_type in ('application', 'application_reversal')
        and not targets.is_source
        and targets.pair_key in (select pair_key from exchanged_keys)

),

unioned as (

    select
        event_key, event_type, event_subtype, movement, company_id, customer_id, receivable_account, item_id, document_id, posting_date,
        currency, amount, base_currency, amount_base, is_derived, application_id, counterpart_item_id, counterpart_kind, known_from, known_to
    from in_base_currency
    where not exists (select 1 from exchanged where exchanged.event_key = in_base_currency.event_key)

    union all

    select
        event_key, event_type, event_subtype, movement, company_id, customer_id, receivable_account, item_id, document_id, posting_date,
        currency, amount, base_currency, cast(-1 * source_amount_base as decimal(18, 3)) as amount_base,
        is_derived, application_id, counterpart_item_id, counterpart_kind, known_from, known_to
    from exchanged

    union all

    select
        'exchange_difference|' || event_key as event_key, 'exchange_difference' as event_type, event_type as event_subtype, 'revalued' as movement,
        company_id, customer_id, receivable_account, item_id, document_id, posting_date,
        currency, cast(0 as decimal(18, 3)) as amount, base_currency, cast(amount_base + source_amount_base as decimal(18, 3)) as amount_base,
        true as is_derived, application_id, counterpart_item_id, counterpart_kind, known_from, known_to
    from exchanged
    where amount_base + source_amount_base != 0

),

-- Only a version that ended has a neighbour in time that it could be equal to; all else passes as it is.
ended_keys as (

    select event_key from unioned where known_to < {{ open_end() }}
    union
    select event_key from {{ ref('int_ar_movements') }} where known_to < {{ open_end() }}

),

candidates as (

    select * from unioned
    where event_key in (select event_key from ended_keys)

    union all

    {{ plain }}
        and event_key in (select event_key from ended_keys)

),

marked as (

    select
        candidates.*,
        case when known_from = lag(known_to) over (
            partition by {{ event_content() }} order by known_from
        ) then 0 else 1 end as is_new
    from candidates

),

numbered as (

    select
        marked.*,
        sum(is_new) over (partition by {{ event_content() }} order by known_from rows between unbounded preceding and current row) as island
    from marked

),

merged as (

    select
        {{ event_content() }},
        min(known_from) as known_from,
        max(known_to) as known_to
    from numbered
    group by {{ event_content() }}, island

    union all

    select {{ event_content() }}, known_from, known_to
    from unioned
    where event_key not in (select event_key from ended_keys)

    union all

    {{ plain }}
        and event_key not in (select event_key from ended_keys)

)

select
    event_key || '@' || cast(known_from as {{ dbt.type_string() }}) as event_id,
    {{ event_content() }}, known_from, known_to
from merged
