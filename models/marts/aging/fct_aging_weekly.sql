{{ config(
    materialized=sums_table(),
    keys=['week_end', 'company_id', 'customer_id', 'currency', 'bucket_id', 'base_currency'],
    sums=['item_count', 'open_amount', 'open_amount_base'],
    counted='item_count'
) }}

-- The aging at every week end up to as_of, restated with what is known now: one row per bucket that holds an open item.
with week_ends as (

    select distinct week_end{% if follows() %}, week_end > {{ was_as_of() }} as is_new{% endif %}
    from {{ ref('int_calendar') }}
    where week_end <= {{ as_of() }}

),

-- What each balance adds to the week ends. A build that follows the last one sums the new week ends, and brings the others up to date.
contributed as (

    select *, 1 as sign, true as to_new
    from {{ ref('int_item_balances') }}
    {% if follows() -%}
    where valid_to > (select min(week_end) from week_ends where is_new)

    union all by name

    select *, 1 as sign, false as to_new from {{ touched(ref('int_item_balances'), 'moved') }}

    union all by name

    select *, -1 as sign, false as to_new from {{ before(ref('int_item_balances')) }}
    {%- endif %}

),

balances as (

    select
        *,
        coalesce(due_date, posting_date) as due_or_posting_date,
        {% if var('credits_aged') -%} false
        {%- else -%} open_amount < 0 or (open_amount = 0 and open_amount_base < 0)
        {%- endif %} as is_unapplied

    from contributed

),

-- An item stays in a bucket for a span of days; open credits stay in `unapplied`, which has no days, as long as they are open.
stays as (

    select
        balances.company_id,
        balances.customer_id,
        balances.currency,
        balances.base_currency,
        balances.sign,
        balances.to_new,
        case when balances.sign > 0 then balances.open_amount else -balances.open_amount end as open_amount,
        case when balances.sign > 0 then balances.open_amount_base else -balances.open_amount_base end as open_amount_base,
        buckets.bucket_id,
        case when buckets.days_from is null then balances.valid_from
            else greatest(balances.valid_from, {{ add_days('balances.due_or_posting_date', 'buckets.days_from') }})
        end as stays_from,
        case when buckets.days_to is null then balances.valid_to
            else least(balances.valid_to, {{ add_days('balances.due_or_posting_date', 'buckets.days_to + 1') }})
        end as stays_to

    from balances

    inner join {{ ref('dim_aging_buckets') }} as buckets
        on (buckets.bucket_id = 'unapplied') = balances.is_unapplied

)

select
    week_ends.week_end,
    stays.company_id,
    stays.customer_id,
    stays.currency,
    stays.bucket_id,
    cast(sum(stays.sign) as bigint) as item_count,
    cast(sum(stays.open_amount) as decimal(18, 3)) as open_amount,
    stays.base_currency,
    cast(sum(stays.open_amount_base) as decimal(18, 3)) as open_amount_base

from stays

inner join week_ends
    on stays.stays_from <= week_ends.week_end
    and week_ends.week_end < stays.stays_to
    {%- if follows() %}
    and stays.to_new = week_ends.is_new
    {%- endif %}

where stays.stays_from < stays.stays_to

group by 1, 2, 3, 4, 5, 8
{%- if follows() %}

union all by name

-- Week ends that are none any more: as_of went back, or the first posting came later.
select
    week_end, company_id, customer_id, currency, bucket_id, -1 * item_count as item_count, -1 * open_amount as open_amount,
    base_currency, -1 * open_amount_base as open_amount_base
from {{ this }}
where week_end not in (select week_end from week_ends)
{%- endif %}
