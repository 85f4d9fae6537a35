{#- Each metric: id, value (none: numerator ÷ denominator), numerator, denominator (none: no ratio), in the columns of `figures`. -#}
{%- set metrics = [
    ('net_receivable', 'closing_amount', none, none),
    ('gross_receivable', 'gross_amount', none, none),
    ('past_due_amount', 'past_due_amount', none, none),
    ('past_due_ratio', none, 'past_due_amount', 'gross_amount'),
    ('past_due_ratio_ex_dispute', none, 'past_due_amount - disputed_past_due_amount', 'gross_amount - disputed_amount'),
    ('over_90_amount', 'over_90_amount', none, none),
    ('over_90_ratio', none, 'over_90_amount', 'gross_amount'),
    ('dso_days', 'dso_days', 'closing_amount * window_days', 'window_sales_amount'),
    ('dso_days_ex_dispute', 'dso_days_ex_dispute', '(closing_amount - disputed_amount) * window_days', 'window_sales_amount'),
    ('dso_countback_days', 'dso_countback_days', none, none),
    ('best_possible_dso_days', 'best_possible_dso_days', 'current_amount * window_days', 'window_sales_amount'),
    ('average_days_delinquent', 'average_days_delinquent', 'past_due_amount * window_days', 'window_sales_amount'),
    ('true_dso_days', 'true_dso_days', 'open_amount_days', 'gross_amount'),
    ('weighted_debt_age_days', 'weighted_debt_age_days', 'past_due_amount_days', 'gross_amount'),
    ('credit_sales', 'credit_sales_amount', none, none),
    ('collected_amount', 'collected_amount', none, none),
    ('collection_rate', none, 'collected_amount', 'due_amount'),
    ('collection_effectiveness_index', none, 'opening_amount + opening_balances_amount + credit_sales_amount - closing_amount', 'opening_amount + opening_balances_amount + credit_sales_amount - current_amount'),
    ('cash_to_sales_ratio', none, 'collected_amount', 'credit_sales_amount'),
    ('turnover_ratio', none, '2 * credit_sales_amount', 'opening_amount + closing_amount'),
    ('average_collection_days', 'average_collection_days', '(opening_amount + closing_amount) * days', '2 * credit_sales_amount'),
    ('disputed_amount', 'disputed_amount', none, none),
    ('unapplied_amount', 'unapplied_amount', none, none),
    ('unapplied_ratio', none, 'unapplied_amount', 'gross_amount'),
    ('bad_debt_ratio', none, 'written_off_amount', 'credit_sales_amount'),
] -%}
-- The metrics month by month, each beside the month before, the same month of the year before, and its target. The last month may be unfinished.
with figures as (

    select
        receivable.*,
        receivable.closing_amount - receivable.past_due_amount as current_amount,
        receivable.gross_amount - receivable.closing_amount as unapplied_amount,
        dso.dso_days,
        dso.dso_days_ex_dispute,
        dso.dso_countback_days,
        dso.best_possible_dso_days,
        dso.average_days_delinquent,
        dso.true_dso_days,
        dso.weighted_debt_age_days,
        dso.days as window_days,
        dso.credit_sales_amount as window_sales_amount,
        turnover.average_collection_days

    from {{ ref('int_receivable_monthly') }} as receivable

    inner join {{ ref('fct_dso_monthly') }} as dso
        on dso.company_id = receivable.company_id
        and dso.month_end = receivable.month_end

    inner join {{ ref('fct_turnover_monthly') }} as turnover
        on turnover.company_id = receivable.company_id
        and turnover.month_end = receivable.month_end

),

metrics as (

    {% for metric_id, value, numerator, denominator in metrics -%}
    select
        company_id,
        currency,
        minor_units,
        month_index,
        month_end,
        '{{ metric_id }}' as metric_id,
        {% if value and value.endswith('_amount') -%} cast({{ round_money(value, 'minor_units') }} as decimal(28, 6))
        {%- elif value -%} cast({{ value }} as decimal(28, 6))
        {%- else -%} cast({{ safe_divide('(' ~ numerator ~ ')', '(' ~ denominator ~ ')', 6) }} as decimal(28, 6))
        {%- endif %} as value,
        {% if numerator %}cast({{ numerator }} as decimal(38, 6)){% else %}cast(null as decimal(38, 6)){% endif %} as numerator,
        {% if denominator %}cast({{ denominator }} as decimal(38, 6)){% else %}cast(null as decimal(38, 6)){% endif %} as denominator,
        {% if denominator -%}
        case
            when ({{ denominator }}) <= 0 then 'denominator_not_positive'
            when ({{ numerator }}) is null or ({{ denominator }}) is null then 'no_exchange_rate'
            else 'mean_receivable_not_positive'
        end
        {%- else -%}
        'no_exchange_rate'
        {%- endif %} as null_reason
    from figures
    {% if not loop.last %}
    union all

    {% endif -%}
    {%- endfor %}

),

with_prior as (

    select
        *,
        lag(value, 1) over (partition by company_id, metric_id order by month_index) as prior_month_value,
        lag(value, 12) over (partition by company_id, metric_id order by month_index) as prior_year_value

    from metrics

),

-- A company's own target goes before the one for all.
targets as (

    select
        company_id,
        metric_id,
        cast(valid_from as date) as valid_from,
        coalesce(cast(valid_to as date), {{ open_date() }}) as valid_to,
        cast(target_value as decimal(28, 6)) as target_value

    from {{ ref('targets') }}

)

select
    with_prior.month_end,
    with_prior.company_id,
    with_prior.currency,
    with_prior.metric_id,
    with_prior.value,
    with_prior.numerator,
    with_prior.denominator,
    with_prior.prior_month_value,
    with_prior.prior_year_value,
    coalesce(own_targets.target_value, common_targets.target_value) as target_value,
    case when with_prior.value is null then with_prior.null_reason end as null_reason

from with_prior

left join targets as own_targets
    on own_targets.metric_id = with_prior.metric_id
    and own_targets.company_id = with_prior.company_id
    and own_targets.valid_from <= with_prior.month_end
    and own_targets.valid_to >= with_prior.month_end

left join targets as common_targets
    on common_targets.metric_id = with_prior.metric_id
    and common_targets.company_id = '*'
    and common_targets.valid_from <= with_prior.month_end
    and common_targets.valid_to >= with_prior.month_end
