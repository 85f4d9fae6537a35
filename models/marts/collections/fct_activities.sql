-- What happened between us and a customer, in order: touches and dunning notices, as the CRM tells them, without their free text (that is personal data).
with accounts as (

    select account_id, max_by(customer_id, known_from) as customer_id
    from {{ ref('stg_crm__accounts') }}
    where {{ was_ever_known() }}
    group by 1

),

told as (

    select
        'activity:' || activity_id as activity_id,
        'activity' as activity_type,
        account_id,
        document_id,
        user_id,
        occurred_at,
        channel,
        direction,
        outcome,
        cast(null as integer) as dunning_level,
        next_action_on

    from {{ ref('stg_crm__activities') }}

    where {{ is_known() }}
        and cast(occurred_at as date) <= {{ as_of() }}

    union all

    select
        'dunning:' || dunning_id as activity_id,
        'dunning_notice' as activity_type,
        account_id,
        document_id,
        null as user_id,
        sent_at as occurred_at,
        channel,
        'outbound' as direction,
        null as outcome,
        dunning_level,
        cast(null as date) as next_action_on

    from {{ ref('stg_crm__dunning_events') }}

    where {{ is_known() }}
        and cast(sent_at as date) <= {{ as_of() }}

)

select
    told.activity_id,
    told.activity_type,
    told.account_id,
    accounts.customer_id,
    told.document_id,
    told.user_id,
    told.occurred_at,
    told.channel,
    told.direction,
    told.outcome,
    cast(told.dunning_level as integer) as dunning_level,
    told.next_action_on

from told

left join accounts
    on accounts.account_id = told.account_id
