{{ config(schema='meta', alias='metric_definitions') }}

-- What each metric means, for whoever reads the published file: the same words as in docs, tooltips and reports.
select
    metric_id,
    label,
    unit,
    better,
    numerator,
    denominator,
    definition,
    not_comparable_with

from {{ ref('metric_definitions') }}
