{%- set grace_days = var('promise_grace_days') -%}
-- Was a promise kept? The customer's cash decides, the promise made first taking it first: each draws the earliest cash in its own days that none before it drew.
with recursive promises as (

    select
        promises.promise_id,
        versions.customer_id,
        promises.document_id,
        promises.user_id,
        versions.created_on,
        promises.created_at,
        promises.promised_on,
        {{ add_days('promises.promised_on', grace_days) }} as last_day_on,
        promises.currency,
        promises.amount as promised_amount,
        promises.status,
        promises.superseded_by

    from {{ ref('stg_crm__promises') }} as promises

    inner join {{ ref('fct_promise_versions') }} as versions
        on versions.promise_id = promises.promise_id
        and versions.known_from = promises.known_from

    where {{ is_known('promises') }}
        and versions.created_on <= {{ as_of() }}

),

-- Bounced cash keeps nothing.
cash as (

    select
        customer_id,
        currency,
        document_date as received_on,
        -original_amount as amount

    from {{ ref('dim_item_versions') }}

    where {{ is_known() }}
        and item_type = 'receipt'
        and posting_date <= {{ as_of() }}
        and ended_on > {{ as_of() }}
        and customer_id in (select customer_id from promises)

),

-- Cash as a line of money in order of time: a promise may draw from where its first day starts on it to where its last day ends.
marks as (

    select customer_id, currency, received_on as marked_on, 1 as step, amount, cast(null as {{ dbt.type_string() }}) as promise_id from cash
    union all
    select customer_id, currency, created_on, 0, 0, promise_id from promises where status = 'open'
    union all
    select customer_id, currency, last_day_on, 2, 0, promise_id from promises where status = 'open'

),

line as (

    select
        promise_id,
        step,
        sum(amount) over (
            partition by customer_id, currency order by marked_on, step rows between unbounded preceding and current row
        ) as line_position

    from marks

),

spans as (

    select
        promise_id,
        -- A promise of a day that was over when it was made has nothing to draw from.
        min(line_position) as line_start,
        max(case when step = 2 then line_position end) as line_end

    from line

    where promise_id is not null

    group by promise_id

),

queued as (

    select
        promises.promise_id,
        promises.customer_id,
        promises.currency,
        promises.promised_amount,
        row_number() over (partition by promises.customer_id, promises.currency order by promises.created_at, promises.promise_id) as place,
        spans.line_start,
        spans.line_end

    from promises

    inner join spans
        on spans.promise_id = promises.promise_id

    where promises.status = 'open'

),

drawn as (

    select
        promise_id,
        customer_id,
        currency,
        place,
        cast(greatest(least(promised_amount, line_end - line_start), 0) as decimal(38, 3)) as received_amount,
        cast(line_start + greatest(least(promised_amount, line_end - line_start), 0) as decimal(38, 3)) as line_position

    from queued

    where place = 1

    union all

    select
        queued.promise_id,
        queued.customer_id,
        queued.currency,
        queued.place,
        cast(greatest(least(queued.promised_amount, queued.line_end - greatest(queued.line_start, drawn.line_position)), 0) as decimal(38, 3)) as received_amount,
        cast(
            greatest(queued.line_start, drawn.line_position)
            + greatest(least(queued.promised_amount, queued.line_end - greatest(queued.line_start, drawn.line_position)), 0)
        as decimal(38, 3)) as line_position

    from drawn

    inner join queued
        on queued.customer_id = drawn.customer_id
        and queued.currency = drawn.currency
        and queued.place = drawn.place + 1

)

select
    promises.promise_id,
    promises.customer_id,
    promises.document_id,
    promises.user_id as collector_id,
    promises.created_at,
    promises.promised_on,
    promises.currency,
    promises.promised_amount,
    cast(coalesce(drawn.received_amount, 0) as decimal(18, 3)) as received_amount,
    case
        when promises.status in ('cancelled', 'superseded') then promises.status
        when coalesce(drawn.received_amount, 0) >= cast(promises.promised_amount as decimal(24, 3)) * cast({{ var('promise_kept_ratio') }} as decimal(6, 4)) then 'kept'
        when promises.last_day_on <= {{ as_of() }} then 'broken'
        else 'open'
    end as outcome,
    promises.last_day_on <= {{ as_of() }} as is_matured,
    promises.superseded_by

from promises

left join drawn
    on drawn.promise_id = promises.promise_id
