{{ config(materialized="table") }}

-- A table, not a view: joined in two branches of int_gl_evidence with opposite conditions on read_at, DuckDB 2.0 drops the rows of one of them where it is inlined.
-- When the general ledger's balances of a company were last read: a drop that delivered its system's balances confirms those that it does not change.
with systems as (

    select distinct balances.company_id, drops.source_id
    from {{ source('ledger', 'gl_balances') }} as balances
    inner join {{ source('landing', 'drops') }} as drops on drops.drop_id = balances.drop_id

),

reads as (

    select source_id, max(extracted_at) as read_at
    from {{ source('landing', 'deliveries') }} as deliveries
    where feed = 'gl_balances' and {{ was_taken('deliveries') }}
    group by source_id

)

select
    coalesce(systems.company_id, sole.company_id) as company_id,
    max(reads.read_at) as read_at
from systems
inner join reads on reads.source_id = systems.source_id
left join {{ ref('stg_ledger__companies') }} as sole on sole.is_only_company
group by 1
