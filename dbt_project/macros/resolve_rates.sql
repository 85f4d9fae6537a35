{#-
    The exchange rate of every need, at every knowledge time.

    `needs`: a relation or CTE with (from_currency, to_currency, rate_on). Use as `from {{ resolve_rates('needs') }} as rates`. One row per need and stretch of
    knowledge, all time covered; `rate` is NULL where none is known that is at most `max_rate_age_days` older than `rate_on`.
    Order of preference: the pair itself, its inverse, a cross through a company's base currency (lowest code first); within one, the latest date.
    `tables`: relations `rates` and `companies`, where they are not the staged ones (the published table functions).
-#}
{% macro resolve_rates(needs, tables=none) -%}
{%- set rates = tables['rates'] if tables else ref('stg_ledger__exchange_rates') -%}
{%- set companies = tables['companies'] if tables else ref('stg_ledger__companies') -%}
(
    with distinct_needs as (
        select distinct from_currency, to_currency, rate_on from {{ needs }}
        where from_currency != to_currency
    ),

    intermediaries as (
        select distinct base_currency as via_currency from {{ companies }}
    ),

    crossings as (
        select distinct_needs.*, intermediaries.via_currency
        from distinct_needs
        inner join intermediaries on intermediaries.via_currency != distinct_needs.from_currency and intermediaries.via_currency != distinct_needs.to_currency
    ),

    steps as (
        select from_currency, to_currency, rate_on from distinct_needs
        union
        select from_currency, via_currency as to_currency, rate_on from crossings
        union
        select via_currency as from_currency, to_currency, rate_on from crossings
    ),

    quotes as (
        select from_currency, to_currency, rate_date, rate, 1 as preference, known_from, known_to
        from {{ rates }}
        union all
        select
            to_currency as from_currency, from_currency as to_currency, rate_date,
            {{ safe_divide('1', 'rate', 9) }} as rate, 2 as preference, known_from, known_to
        from {{ rates }}
    ),

    step_candidates as (
        select
            steps.from_currency, steps.to_currency, steps.rate_on,
            quotes.rate, quotes.rate_date, quotes.preference, quotes.known_from, quotes.known_to
        from steps
        inner join quotes
            on quotes.from_currency = steps.from_currency
            and quotes.to_currency = steps.to_currency
            and quotes.rate_date <= steps.rate_on
            and quotes.rate_date >= {{ add_days('steps.rate_on', 0 - var('max_rate_age_days')) }}
        where quotes.rate > 0
    ),

    step_rates as (
        {{ best_at_each_moment('step_candidates') }}
    ),

    candidates as (
        select from_currency, to_currency, rate_on, rate, rate_date, 1 as preference, known_from, known_to
        from step_rates
        where rate is not null
        union all
        select
            crossings.from_currency, crossings.to_currency, crossings.rate_on,
            cast(round(cast(first_leg.rate as decimal(20, 9)) * second_leg.rate, 9) as decimal(18, 9)) as rate,
            least(first_leg.rate_date, second_leg.rate_date) as rate_date,
            2 + row_number() over (
                partition by crossings.from_currency, crossings.to_currency, crossings.rate_on order by crossings.via_currency
            ) as preference,
            greatest(first_leg.known_from, second_leg.known_from) as known_from,
            least(first_leg.known_to, second_leg.known_to) as known_to
        from crossings
        inner join step_rates as first_leg
            on first_leg.from_currency = crossings.from_currency
            and first_leg.to_currency = crossings.via_currency
            and first_leg.rate_on = crossings.rate_on
        inner join step_rates as second_leg
            on second_leg.from_currency = crossings.via_currency
            and second_leg.to_currency = crossings.to_currency
            and second_leg.rate_on = crossings.rate_on
        where first_leg.rate is not null
            and second_leg.rate is not null
            and {{ known_together('first_leg', 'second_leg') }}
    ),

    best as (
        {{ best_at_each_moment('candidates') }}
    )

    select
        distinct_needs.from_currency, distinct_needs.to_currency, distinct_needs.rate_on,
        best.rate, best.rate_date,
        coalesce(best.known_from, {{ time_begin() }}) as known_from,
        coalesce(best.known_to, {{ open_end() }}) as known_to
    from distinct_needs
    left join best
        on best.from_currency = distinct_needs.from_currency
        and best.to_currency = distinct_needs.to_currency
        and best.rate_on = distinct_needs.rate_on
)
{%- endmacro %}

{#- Of overlapping candidates per need, the preferred one at each moment; stretches without any carry NULL. -#}
{% macro best_at_each_moment(candidates) -%}
    select
        spans.from_currency, spans.to_currency, spans.rate_on,
        min_by(alive.rate, alive.preference * 100000 + {{ days_between('spans.rate_on', 'alive.rate_date') }}) as rate,
        min_by(alive.rate_date, alive.preference * 100000 + {{ days_between('spans.rate_on', 'alive.rate_date') }}) as rate_date,
        spans.known_from, spans.known_to
    from (
        select
            from_currency, to_currency, rate_on, moment as known_from,
            lead(moment, 1, {{ open_end() }}) over (partition by from_currency, to_currency, rate_on order by moment) as known_to
        from (
            select from_currency, to_currency, rate_on, known_from as moment from {{ candidates }}
            union
            select from_currency, to_currency, rate_on, known_to as moment from {{ candidates }} where known_to < {{ open_end() }}
            union
            select from_currency, to_currency, rate_on, {{ time_begin() }} as moment from {{ candidates }}
        ) as moments
    ) as spans
    left join {{ candidates }} as alive
        on alive.from_currency = spans.from_currency
        and alive.to_currency = spans.to_currency
        and alive.rate_on = spans.rate_on
        and alive.known_from <= spans.known_from
        and alive.known_to > spans.known_from
    group by spans.from_currency, spans.to_currency, spans.rate_on, spans.known_from, spans.known_to
{%- endmacro %}
