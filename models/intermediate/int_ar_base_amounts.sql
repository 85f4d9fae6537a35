-- Base amounts of items whose base amount is not their amount: in another currency, or revalued. Each movement at its item's book rate, rounded half up; the
-- movement that closes the item takes what is left of the base amount; what ends is taken back at exactly what it was. Because the closing movement depends on
-- its neighbours, an item is worked out anew at each moment at which any of its movements changed.
with items as (

    select distinct item_id
    from {{ ref('int_ar_movements') }}
    where currency != base_currency
        or (stated_amount_base is not null and stated_amount_base != amount)

),

movements as (

    select * from {{ ref('int_ar_movements') }}
    where item_id in (select item_id from items)

),

moments as (

    select item_id, known_from as moment from movements
    union
    select item_id, known_to as moment from movements where known_to < {{ open_end() }}

),

spans as (

    select
        item_id,
        moment as span_from,
        lead(moment, 1, {{ open_end() }}) over (partition by item_id order by moment) as span_to
    from moments

),

at_book_rate as (

    select
        spans.span_from, spans.span_to,
        movements.*,
        case
            when movements.stated_amount_base is not null then movements.stated_amount_base
            when movements.exchange_rate is not null
                then {{ convert('movements.amount', 'movements.exchange_rate', 'movements.base_minor_units') }}
            else coalesce({{ prorate('movements.amount', 'movements.original_amount_base', 'movements.original_amount', 'movements.base_minor_units') }}, 0)
        end as book_amount,
        sum(movements.amount) over (
            partition by movements.item_id, spans.span_from
            order by movements.posting_date, movements.phase, movements.order_id, movements.step, movements.event_key
            rows between unbounded preceding and current row
        ) as open_after
    from spans
    inner join movements
        on movements.item_id = spans.item_id
        and movements.known_from <= spans.span_from
        and movements.known_to > spans.span_from

),

with_closing as (

    select
        at_book_rate.*,
        open_after = 0 and amount != 0 and phase > 0 as is_closing
    from at_book_rate

),

with_segment as (

    select
        with_closing.*,
        coalesce(sum(case when is_closing then 1 else 0 end) over (
            partition by item_id, span_from
            order by posting_date, phase, order_id, step, event_key
            rows between unbounded preceding and 1 preceding
        ), 0) as segment
    from with_closing

),

first_pass as (

    select
        with_segment.*,
        case
            when is_closing then -1 * coalesce(sum(case when not is_closing then book_amount end) over (partition by item_id, span_from, segment), 0)
            else book_amount
        end as first_amount
    from with_segment

),

second_pass as (

    select
        first_pass.*,
        case
            when first_pass.is_closing then first_pass.first_amount
            else coalesce(-1 * undone.first_amount, first_pass.first_amount)
        end as second_amount
    from first_pass
    left join first_pass as undone
        on first_pass.event_type in ('application_reversal', 'discount_reversal')
        and undone.event_type = case first_pass.event_type when 'application_reversal' then 'application' else 'discount' end
        and undone.item_id = first_pass.item_id
        and undone.span_from = first_pass.span_from
        and undone.pair_key = first_pass.pair_key

),

final as (

    select
        second_pass.*,
        case
            when is_closing then -1 * coalesce(sum(case when not is_closing then second_amount end) over (partition by item_id, span_from, segment), 0)
            else second_amount
        end as final_amount
    from second_pass

)

select event_key, item_id, span_from as known_from, span_to as known_to, cast(final_amount as decimal(18, 3)) as amount_base
from final
