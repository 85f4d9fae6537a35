{{ config(schema='meta', alias='metric_definitions') }}
{%- set said = namespace(definition='definition') -%}
{%- for setting in ['dso_window_months', 'sales_basis', 'cei_sales', 'touch_credit_days'] -%}
    {%- set said.definition = "replace(" ~ said.definition ~ ", '{" ~ setting ~ "}', '" ~ var(setting) ~ "')" -%}
{%- endfor -%}

-- What each metric means under the policy in force, for whoever reads the published file: the same words as in docs, tooltips and reports.
select
    metric_id,
    label,
    unit,
    better,
    numerator,
    denominator,
    {{ said.definition }} as definition,
    not_comparable_with

from {{ ref('metric_definitions') }}
