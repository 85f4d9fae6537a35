-- Users of the CRM as last known, those who left too; a collector that an account names and no user is stands under his id.
with users as (

    select
        user_id,
        name,
        team,
        role,
        manager_id,
        {{ is_known() }} as is_active,
        row_number() over (partition by user_id order by known_from desc) as recency

    from {{ ref('stg_crm__users') }}

    where {{ was_ever_known() }}

),

named_only as (

    select distinct collector_id
    from {{ ref('dim_collector_assignments') }}
    where collector_id not in (select user_id from users)

)

select user_id as collector_id, name, team, role, manager_id, is_active
from users
where recency = 1

union all

select collector_id, collector_id as name, null as team, null as role, null as manager_id, false as is_active
from named_only
