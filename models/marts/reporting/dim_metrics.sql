{{ config(schema='meta', alias='metric_definitions') }}

-- What each metric means under the policy in force, for whoever reads the published file: the same words as in docs, tooltips and reports.
{%- set said = 'definition' -%}
{%- for setting in ['dso_window_months', 'sales_basis', 'cei_sales', 'touch_credit_days'] -%}
    {%- set said = "replace(" ~ said ~ ", '{" ~ setting ~ "}', '" ~ var(setting) ~ "')" -%}
{%- endfor -%}
select
    metric_id,
    label,
    unit,
    better,
    numerator,
    denominator,
    {{ said }} as definition,
    not_comparable_with

from {{ ref('metric_definitions') }}
