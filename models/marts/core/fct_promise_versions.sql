-- A promise belongs to the customer of its CRM account, as last known.
with accounts as (

    select account_id, max_by(customer_id, known_from) as customer_id
    from {{ ref('stg_crm__accounts') }}
    group by account_id

)

select
    promises.promise_id, accounts.customer_id, promises.document_id, cast(promises.created_at as date) as created_on, promises.promised_on,
    promises.currency, promises.amount as promised_amount, promises.status, promises.known_from, promises.known_to
from {{ ref('stg_crm__promises') }} as promises
left join accounts on accounts.account_id = promises.account_id
