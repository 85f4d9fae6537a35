{#- True for every version that was known by var `known_at` (all of them without it): what was deleted since keeps its last name. -#}
{% macro was_ever_known(alias=none) -%}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {%- if var('known_at', none) -%} {{ prefix }}known_from <= timestamp '{{ var("known_at") }}'
    {%- else -%} true
    {%- endif -%}
{%- endmacro %}

{#- Customers of the own group, as last known: one that the ledger deleted since stays what it was. -#}
{% macro intercompany_customers() -%}
(
    select customer_id
    from {{ ref('stg_ledger__customers') }}
    where {{ was_ever_known() }}
    group by customer_id
    having max_by(is_intercompany, known_from)
)
{%- endmacro %}
