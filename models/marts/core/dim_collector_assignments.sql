-- Who collects from a customer, and since when that was known: the customer's lowest account that has a collector decides.
with accounts as (

    select customer_id, account_id, collector_id, known_from, known_to
    from {{ ref('stg_crm__accounts') }}
    where collector_id is not null

),

moments as (

    select customer_id, known_from as moment from accounts
    union
    select customer_id, known_to as moment from accounts where known_to < {{ open_end() }}

),

spans as (

    select customer_id, moment as known_from, lead(moment, 1, {{ open_end() }}) over (partition by customer_id order by moment) as known_to
    from moments

)

select
    spans.customer_id,
    min_by(accounts.collector_id, accounts.account_id) as collector_id,
    spans.known_from,
    spans.known_to
from spans
inner join accounts
    on accounts.customer_id = spans.customer_id
    and accounts.known_from <= spans.known_from
    and accounts.known_to > spans.known_from
group by spans.customer_id, spans.known_from, spans.known_to
