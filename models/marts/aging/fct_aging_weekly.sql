-- The aging at every week end up to as_of, restated with what is known now: one row per bucket that holds an open item.
with week_ends as (

    select distinct week_end
    from {{ ref('int_calendar') }}
    where week_end <= {{ as_of() }}

),

balances as (

    select
        *,
        coalesce(due_date, posting_date) as due_or_posting_date,
        {% if var('credits_aged') -%} false
        {%- else -%} open_amount < 0 or (open_amount = 0 and open_amount_base < 0)
        {%- endif %} as is_unapplied

    from {{ ref('int_item_balances') }}

),

-- An item stays in a bucket for a span of days; open credits stay in `unapplied`, which has no days, as long as they are open.
stays as (

    select
        balances.company_id,
        balances.customer_id,
        balances.currency,
        balances.base_currency,
        balances.open_amount,
        balances.open_amount_base,
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
    cast(count(*) as bigint) as item_count,
    cast(sum(stays.open_amount) as decimal(18, 3)) as open_amount,
    stays.base_currency,
    cast(sum(stays.open_amount_base) as decimal(18, 3)) as open_amount_base

from stays

inner join week_ends
    on stays.stays_from <= week_ends.week_end
    and week_ends.week_end < stays.stays_to

where stays.stays_from < stays.stays_to

group by 1, 2, 3, 4, 5, 8
