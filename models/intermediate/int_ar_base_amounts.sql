-- Base amounts of items whose base amount is not their amount: in another currency, or revalued. Each movement at its item's book rate, rounded half up; the
-- movement that closes the item takes what is left of the base amount; what ends is taken back at exactly what it was. Because the closing movement depends on
-- its neighbours, an item is worked out anew at each moment at which any of its movements changed.
with items as (

    select distinct item_id
    from {{ touched(ref('int_ar_movements'), 'valued') }}
    where currency != base_currency
        or (stated_amount_base is not null and stated_amount_base != amount)

),

movements as (

    select * from {{ touched(ref('int_ar_movements'), 'valued') }}
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
            order by movements.posting_date, movements.phase, coalesce(movements.application_id, movements.adjustment_id), movements.step, movements.event_key
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
            order by posting_date, phase, coalesce(application_id, adjustment_id), step, event_key
            rows between unbounded preceding and 1 preceding
        ), 0) as segment
    from with_closing

),

-- What a reversal takes back: the movement of the same application on the same item. Where that one closed the item, its amount is only known further down.
valued as (

    select
        with_segment.*,
        case when not with_segment.is_closing and undone.is_closing then undone.segment end as undone_segment,
        case when undone.is_closing then 0 else coalesce(-1 * undone.book_amount, with_segment.book_amount) end as known_amount
    from with_segment
    left join with_segment as undone
        on with_segment.event_type in ('application_reversal', 'discount_reversal')
        and undone.event_type = case with_segment.event_type when 'application_reversal' then 'application' else 'discount' end
        and undone.item_id = with_segment.item_id
        and undone.span_from = with_segment.span_from
        and undone.application_id = with_segment.application_id
        and undone.counterpart_item_id = with_segment.counterpart_item_id

),

-- A closing movement takes what its segment left, closings that were taken back in it apart.
closings as (

    select
        item_id, span_from, segment,
        -1 * coalesce(sum(case when not is_closing then known_amount end), 0) as own_amount
    from valued
    group by item_id, span_from, segment
    having count(case when is_closing then 1 end) > 0

),

-- Closing movements that a later closing of the same item makes good for, because they were taken back in between; and those that they made good for in turn.
links as (

    select valued.item_id, valued.span_from, valued.segment as later, valued.undone_segment as earlier
    from valued
    where valued.undone_segment is not null

),

{# Each round doubles the depth: 64 returned last payments of one item, one after the other. -#}
{% for round in range(6) -%}
chain_{{ round }} as (

    {% set known = 'links' if loop.first else 'chain_' ~ (round - 1) -%}
    select item_id, span_from, later, earlier
    from {{ known }}
    union
    select nearer.item_id, nearer.span_from, nearer.later, farther.earlier
    from {{ known }} as nearer
    inner join {{ known }} as farther
        on farther.item_id = nearer.item_id
        and farther.span_from = nearer.span_from
        and farther.later = nearer.earlier

),

{% endfor -%}
made_good as (

    select chains.item_id, chains.span_from, chains.later as segment, sum(closings.own_amount) as amount
    from chain_5 as chains
    inner join closings
        on closings.item_id = chains.item_id
        and closings.span_from = chains.span_from
        and closings.segment = chains.earlier
    group by 1, 2, 3

),

closed as (

    select closings.item_id, closings.span_from, closings.segment, closings.own_amount + coalesce(made_good.amount, 0) as amount
    from closings
    left join made_good
        on made_good.item_id = closings.item_id
        and made_good.span_from = closings.span_from
        and made_good.segment = closings.segment

)

select
    valued.event_key, valued.item_id, valued.span_from as known_from, valued.span_to as known_to,
    cast(case
        when valued.is_closing then closed.amount
        when valued.undone_segment is not null then -1 * closed.amount
        else valued.known_amount
    end as decimal(18, 3)) as amount_base
from valued
left join closed
    on closed.item_id = valued.item_id
    and closed.span_from = valued.span_from
    and closed.segment = case when valued.is_closing then valued.segment else valued.undone_segment end
