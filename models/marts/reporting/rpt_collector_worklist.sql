{%- set components = ['past_due_amount', 'oldest_age', 'payment_habit', 'broken_promise', 'over_limit', 'untouched', 'open_promise', 'dispute', 'contacted_lately'] -%}
-- Whom to chase first: every customer with something past due, by a score of named components (0 to 100 each) times the weights of a seed.
with weights as (

    select
        {% for component in components -%}
        max(case when component = '{{ component }}' then cast(weight as decimal(9, 3)) end) as {{ component }}_weight,
        max(case when component = '{{ component }}' then cast(scale as integer) end) as {{ component }}_scale{% if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('worklist_weights') }}

),

customers as (

    select customer_id, ultimate_parent_id, collector_id
    from {{ ref('dim_customers') }}
    where not is_intercompany

),

reporting as (

    select {{ reporting_currency() }} as reporting_currency

),

past_due as (

    select
        customer_id,
        currency,
        base_currency,
        sum(open_amount) as open_amount,
        sum(open_amount_base) as open_amount_base,
        sum(cast(open_amount as decimal(24, 3)) * days_past_due) as open_amount_days,
        max(days_past_due) as oldest_days_past_due,
        count(*) as item_count,
        sum({{ prorate('disputed_amount', 'open_amount_base', 'open_amount', 3) }}) as disputed_amount_base

    from {{ ref('fct_open_items') }}

    where open_amount > 0
        and days_past_due > 0
        and customer_id in (select customer_id from customers)

    group by 1, 2, 3

),

-- A customer's money is in the base currency of its company; where companies of several base currencies have claims, in the reporting currency.
row_currencies as (

    select
        past_due.customer_id,
        case when count(distinct past_due.base_currency) = 1 then min(past_due.base_currency) else max(reporting.reporting_currency) end as base_currency

    from past_due

    cross join reporting

    group by 1

),

unapplied as (

    select
        customer_id,
        base_currency,
        -sum(open_amount_base) as open_amount_base

    from {{ ref('fct_open_items') }}

    where open_amount < 0
        and customer_id in (select customer_id from past_due)

    group by 1, 2

),

-- How the customer paid in the last twelve months, and the same with what is open and late counted as if it came today.
recent_payments as (

    select
        customer_id,
        currency,
        sum(paid_amount) as paid_amount,
        sum(late_amount_days) as late_amount_days

    from {{ ref('fct_payment_behavior_monthly') }}

    where {{ month_index('month_end') }} > {{ month_index(as_of()) }} - 12
        and customer_id in (select customer_id from past_due)

    group by 1, 2

),

delays as (

    select customer_id, currency, paid_amount, late_amount_days, 0 as open_amount, 0 as open_amount_days
    from recent_payments
    union all
    select customer_id, currency, 0, 0, open_amount, open_amount_days
    from past_due

),

needs as (

    select past_due.base_currency as from_currency, row_currencies.base_currency as to_currency, {{ as_of() }} as rate_on
    from past_due inner join row_currencies on row_currencies.customer_id = past_due.customer_id
    union
    select unapplied.base_currency as from_currency, row_currencies.base_currency as to_currency, {{ as_of() }} as rate_on
    from unapplied inner join row_currencies on row_currencies.customer_id = unapplied.customer_id
    union
    select delays.currency as from_currency, reporting.reporting_currency as to_currency, {{ as_of() }} as rate_on
    from delays cross join reporting

),

rates as (

    select from_currency, to_currency, rate
    from {{ resolve_rates('needs') }} as resolved
    where {{ is_known('resolved') }}
    union all
    select distinct from_currency, to_currency, cast(1 as decimal(18, 9)) as rate
    from needs
    where from_currency = to_currency

),

-- Amounts without a rate make the customer's sum unknown, not smaller.
owed as (

    select
        past_due.customer_id,
        row_currencies.base_currency,
        case when count(*) = count(rates.rate) then sum(cast(past_due.open_amount_base as decimal(29, 3)) * rates.rate) end as past_due_amount,
        case when count(*) = count(rates.rate) then sum(cast(past_due.disputed_amount_base as decimal(29, 3)) * rates.rate) end as disputed_amount,
        max(past_due.oldest_days_past_due) as oldest_days_past_due,
        sum(past_due.item_count) as past_due_item_count,
        max(case when past_due.disputed_amount_base > 0 then 1 else 0 end) = 1 as has_dispute

    from past_due

    inner join row_currencies
        on row_currencies.customer_id = past_due.customer_id

    left join rates
        on rates.from_currency = past_due.base_currency
        and rates.to_currency = row_currencies.base_currency

    group by 1, 2

),

credits as (

    select
        unapplied.customer_id,
        case when count(*) = count(rates.rate) then sum(cast(unapplied.open_amount_base as decimal(29, 3)) * rates.rate) end as unapplied_amount

    from unapplied

    inner join row_currencies
        on row_currencies.customer_id = unapplied.customer_id

    left join rates
        on rates.from_currency = unapplied.base_currency
        and rates.to_currency = row_currencies.base_currency

    group by 1

),

-- Weights across currencies: days are only comparable when the amounts are.
habits as (

    select
        customer_id,
        {{ divide_days('late_amount_days', 'paid_amount') }} as weighted_days_late,
        {{ divide_days('late_amount_days + open_amount_days', 'paid_amount + open_amount') }} as average_payment_delay_with_open

    from (
        select
            delays.customer_id,
            sum(cast(delays.paid_amount as decimal(29, 3)) * rates.rate) as paid_amount,
            sum(cast(delays.late_amount_days as decimal(29, 3)) * rates.rate) as late_amount_days,
            sum(cast(delays.open_amount as decimal(29, 3)) * rates.rate) as open_amount,
            sum(cast(delays.open_amount_days as decimal(29, 3)) * rates.rate) as open_amount_days

        from delays

        cross join reporting

        left join rates
            on rates.from_currency = delays.currency
            and rates.to_currency = reporting.reporting_currency

        group by 1

        having count(*) = count(rates.rate)
    ) as converted

),

accounts as (

    select account_id, max_by(customer_id, known_from) as customer_id
    from {{ ref('stg_crm__accounts') }}
    where {{ was_ever_known() }}
    group by 1

),

touches as (

    select
        accounts.customer_id,
        max(activities.occurred_at) as last_touch_at,
        max_by(activities.next_action_on, activities.occurred_at) filter (where activities.next_action_on is not null) as next_action_on

    from {{ ref('stg_crm__activities') }} as activities

    inner join accounts
        on accounts.account_id = activities.account_id

    where {{ is_known('activities') }}
        and cast(activities.occurred_at as date) <= {{ as_of() }}

    group by 1

),

promises as (

    select
        promises.customer_id,
        max(case when promises.outcome = 'open' then promises.promised_on end) as open_promise_on,
        max(case
            when promises.outcome = 'broken' and {{ days_between(as_of(), 'promises.promised_on') }} <= weights.broken_promise_scale then promises.promised_on
        end) as broken_promise_on

    from {{ ref('fct_promises') }} as promises

    cross join weights

    group by 1

),

facts as (

    select
        owed.customer_id,
        customers.collector_id,
        owed.base_currency,
        owed.past_due_amount,
        owed.disputed_amount,
        coalesce(credits.unapplied_amount, 0) as unapplied_amount,
        owed.oldest_days_past_due,
        owed.past_due_item_count,
        owed.has_dispute,
        habits.weighted_days_late,
        habits.average_payment_delay_with_open,
        touches.last_touch_at,
        {{ days_between(as_of(), 'cast(touches.last_touch_at as date)') }} as days_since_touch,
        touches.next_action_on,
        promises.open_promise_on,
        promises.broken_promise_on,
        coalesce(exposures.is_over_limit, false) as is_over_limit,
        max(owed.past_due_amount) over (partition by owed.base_currency) as largest_past_due_amount

    from owed

    inner join customers
        on customers.customer_id = owed.customer_id

    left join credits
        on credits.customer_id = owed.customer_id

    left join habits
        on habits.customer_id = owed.customer_id

    left join touches
        on touches.customer_id = owed.customer_id

    left join promises
        on promises.customer_id = owed.customer_id

    left join {{ ref('rpt_credit_exposure') }} as exposures
        on exposures.ultimate_parent_id = customers.ultimate_parent_id

),

scored as (

    select
        facts.*,
        cast(coalesce({{ safe_divide(
            '100 * cast(ln(1 + facts.past_due_amount) as decimal(18, 9))', 'cast(ln(1 + facts.largest_past_due_amount) as decimal(18, 9))', 2
        ) }}, 0) as decimal(9, 2)) as past_due_amount_score,
        cast(least(coalesce({{ safe_divide('100 * facts.oldest_days_past_due', 'weights.oldest_age_scale', 2) }}, 0), 100) as decimal(9, 2)) as oldest_age_score,
        cast(greatest(least(coalesce({{ safe_divide(
            '100 * (facts.average_payment_delay_with_open - facts.weighted_days_late)', 'weights.payment_habit_scale', 2
        ) }}, 0), 100), 0) as decimal(9, 2)) as payment_habit_score,
        cast(case when facts.broken_promise_on is not null then 100 else 0 end as decimal(9, 2)) as broken_promise_score,
        cast(case when facts.is_over_limit then 100 else 0 end as decimal(9, 2)) as over_limit_score,
        cast(least(coalesce({{ safe_divide('100 * facts.days_since_touch', 'weights.untouched_scale', 2) }}, 100), 100) as decimal(9, 2)) as untouched_score,
        cast(case when facts.open_promise_on is not null then 100 else 0 end as decimal(9, 2)) as open_promise_score,
        cast(least(coalesce({{ safe_divide('100 * facts.disputed_amount', 'facts.past_due_amount', 2) }}, 0), 100) as decimal(9, 2)) as dispute_score,
        cast(case when facts.days_since_touch <= weights.contacted_lately_scale then 100 else 0 end as decimal(9, 2)) as contacted_lately_score

    from facts

    cross join weights

),

weighted as (

    select
        scored.*,
        cast(round(
            {% for component in components -%}
            scored.{{ component }}_score * coalesce(weights.{{ component }}_weight, 0){% if not loop.last %} +{% endif %}
            {% endfor %}
        , 2) as decimal(12, 2)) as score

    from scored

    cross join weights

),

actions as (

    select
        weighted.customer_id,
        max_by(levels.action, levels.days_from) as action

    from weighted

    inner join {{ ref('dunning_levels') }} as levels
        on levels.days_from <= weighted.oldest_days_past_due

    group by 1

)

select
    cast(row_number() over (order by weighted.score desc, weighted.past_due_amount desc nulls last, weighted.customer_id) as integer) as rank,
    weighted.score,
    {{ join_reasons([
        "coalesce(weighted.base_currency || ' ' || cast(cast(round(weighted.past_due_amount, 0) as bigint) as " ~ dbt.type_string() ~ ") || ' past due', 'amount unknown: no exchange rate')",
        "'oldest ' || cast(weighted.oldest_days_past_due as " ~ dbt.type_string() ~ ") || ' days'",
        "case when weighted.payment_habit_score > 0 then 'pays later than usual' end",
        "case when weighted.broken_promise_on is not null then 'broke the promise of ' || cast(weighted.broken_promise_on as " ~ dbt.type_string() ~ ") end",
        "case when weighted.is_over_limit then 'over the credit limit' end",
        "case when weighted.last_touch_at is null then 'never contacted' when weighted.untouched_score >= 100 then 'not contacted for ' || cast(weighted.days_since_touch as " ~ dbt.type_string() ~ ") || ' days' end",
        "case when weighted.open_promise_on is not null then 'promised for ' || cast(weighted.open_promise_on as " ~ dbt.type_string() ~ ") end",
        "case when weighted.has_dispute then 'disputed in part' end",
        "case when weighted.contacted_lately_score > 0 then 'contacted lately' end"
    ]) }} as reasons,
    weighted.customer_id,
    weighted.collector_id,
    weighted.base_currency,
    {{ round_money('weighted.past_due_amount', 'currencies.minor_units') }} as past_due_amount_base,
    {{ round_money('weighted.disputed_amount', 'currencies.minor_units') }} as disputed_amount_base,
    {{ round_money('weighted.unapplied_amount', 'currencies.minor_units') }} as unapplied_amount_base,
    cast(weighted.past_due_item_count as bigint) as past_due_item_count,
    weighted.oldest_days_past_due,
    weighted.weighted_days_late,
    weighted.average_payment_delay_with_open,
    weighted.last_touch_at,
    weighted.next_action_on,
    weighted.open_promise_on is not null as has_open_promise,
    weighted.broken_promise_on is not null as has_broken_promise,
    weighted.has_dispute,
    weighted.is_over_limit,
    {% for component in components -%}
    weighted.{{ component }}_score,
    {% endfor -%}
    case
        when weighted.unapplied_amount >= weighted.past_due_amount then 'apply_open_credits'
        when weighted.open_promise_on is not null then 'wait_for_promise'
        when weighted.dispute_score >= 50 then 'resolve_dispute'
        when weighted.broken_promise_on is not null then 'escalate_broken_promise'
        else coalesce(actions.action, 'send_reminder')
    end as suggested_action,
    case when weighted.past_due_amount is null then 'no_exchange_rate' end as null_reason

from weighted

inner join {{ ref('currencies') }} as currencies
    on currencies.code = weighted.base_currency

left join actions
    on actions.customer_id = weighted.customer_id
