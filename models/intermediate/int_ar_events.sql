{{ config(materialized="view") }}

{#- What is read twice is written twice: as a CTE it would be held whole, which at ten million documents is more than the memory. -#}
{%- set valued -%}
    (
        select event_key, false as is_difference, amount_base, known_from, known_to from {{ ref('int_ar_base_amounts') }}
        where event_key not in (select event_key from {{ ref('int_ar_exchanges') }})
        union all
        select event_key, false as is_difference, amount_base, known_from, known_to from {{ ref('int_ar_exchanges') }}
        union all
        select event_key, true as is_difference, difference_amount_base as amount_base, known_from, known_to from {{ ref('int_ar_exchanges') }}
        where difference_amount_base != 0
    )
{%- endset -%}

{#- Movements with a base amount of their own, and the exchange differences that they leave. -#}
{%- set converted -%}
    select
        case when valued.is_difference then 'exchange_difference|' || movements.event_key else movements.event_key end as event_key,
        case when valued.is_difference then 'exchange_difference' else movements.event_type end as event_type,
        case when valued.is_difference then movements.event_type else movements.event_subtype end as event_subtype,
        case when valued.is_difference then 'revalued' else movements.movement end as movement,
        movements.company_id, movements.customer_id, movements.receivable_account, movements.item_id, movements.document_id, movements.posting_date,
        movements.currency, case when valued.is_difference then cast(0 as decimal(18, 3)) else movements.amount end as amount,
        movements.base_currency, valued.amount_base, valued.is_difference or movements.is_derived as is_derived,
        movements.application_id, movements.counterpart_item_id, movements.counterpart_kind,
        greatest(movements.known_from, valued.known_from) as known_from,
        least(movements.known_to, valued.known_to) as known_to
    from {{ ref('int_ar_movements') }} as movements
    inner join {{ valued }} as valued
        on valued.event_key = movements.event_key
        and {{ known_together('valued', 'movements') }}
{%- endset -%}

{#- Movements that are their own base amount. -#}
{%- set plain -%}
    select
        event_key, event_type, event_subtype, movement, company_id, customer_id, receivable_account, item_id, document_id, posting_date,
        currency, amount, base_currency, amount as amount_base, is_derived, application_id, counterpart_item_id, counterpart_kind, known_from, known_to
    from {{ ref('int_ar_movements') }}
    where item_id not in (select item_id from converted_items)
        and event_key not in (select event_key from {{ ref('int_ar_exchanges') }})
{%- endset -%}

-- The receivables ledger: every movement of an open item, in document and base currency, each version with its knowledge time; equal neighbours in time are one.
-- A view, written down once as fct_ar_events, which is what all models read (decision 0016). Most movements are of items in the base currency and have one
-- version, which still is known: they pass as they are, in one scan.
with converted_items as (

    -- All movements of an item have base amounts of their own, or none has.
    select distinct item_id from {{ ref('int_ar_base_amounts') }}

),

-- Only a version that ended has a neighbour in time that it could be equal to; all else passes as it is.
ended_keys as (

    select event_key from {{ valued }} as valued where known_to < {{ open_end() }}
    union
    select event_key from {{ ref('int_ar_movements') }} where known_to < {{ open_end() }}

),

candidates as (

    {{ converted }}
    where valued.event_key in (select event_key from ended_keys)

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

    {{ converted }}
    where valued.event_key not in (select event_key from ended_keys)

    union all

    {{ plain }}
        and event_key not in (select event_key from ended_keys)

)

select
    event_key || '@' || cast(known_from as {{ dbt.type_string() }}) as event_id,
    {{ event_content() }}, known_from, known_to
from merged
