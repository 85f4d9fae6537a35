-- The aging at every week end up to as_of, restated with what is known now: one row per bucket that holds an open item.
with week_ends as (

    select distinct week_end
    from {{ ref('int_calendar') }}
    where week_end <= {{ as_of() }}

),

aged as (

    select
        week_ends.week_end,
        balances.company_id,
        balances.customer_id,
        balances.currency,
        balances.base_currency,
        balances.open_amount,
        balances.open_amount_base,
        -- NULL for open credits, which stand in `unapplied`.
        {% if var('credits_aged') -%}
        {{ days_between('week_ends.week_end', 'coalesce(balances.due_date, balances.posting_date)') }} as age_days
        {%- else -%}
        case when balances.open_amount > 0 or (balances.open_amount = 0 and balances.open_amount_base > 0)
            then {{ days_between('week_ends.week_end', 'coalesce(balances.due_date, balances.posting_date)') }}
        end as age_days
        {%- endif %}

    from {{ ref('int_item_balances') }} as balances

    inner join week_ends
        on balances.valid_from <= week_ends.week_end
        and week_ends.week_end < balances.valid_to

),

-- By age first: far fewer rows than items, so that the range join to the buckets is small.
by_age as (

    select
        week_end,
        company_id,
        customer_id,
        currency,
        base_currency,
        age_days,
        count(*) as item_count,
        sum(open_amount) as open_amount,
        sum(open_amount_base) as open_amount_base

    from aged

    group by 1, 2, 3, 4, 5, 6

)

select
    by_age.week_end,
    by_age.company_id,
    by_age.customer_id,
    by_age.currency,
    case when by_age.age_days is null then 'unapplied' else buckets.bucket_id end as bucket_id,
    cast(sum(by_age.item_count) as bigint) as item_count,
    cast(sum(by_age.open_amount) as decimal(18, 3)) as open_amount,
    by_age.base_currency,
    cast(sum(by_age.open_amount_base) as decimal(18, 3)) as open_amount_base

from by_age

left join {{ ref('dim_aging_buckets') }} as buckets
    on buckets.bucket_id != 'unapplied'
    and by_age.age_days >= coalesce(buckets.days_from, by_age.age_days)
    and by_age.age_days <= coalesce(buckets.days_to, by_age.age_days)

group by 1, 2, 3, 4, 5, 8
