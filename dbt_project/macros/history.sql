{#- True for every version that was known by var `known_at` (all of them without it): what was deleted since keeps its last name. -#}
{% macro was_ever_known(alias=none) -%}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {%- if var('known_at', none) -%} {{ prefix }}known_from <= timestamp '{{ var("known_at") }}'
    {%- else -%} true
    {%- endif -%}
{%- endmacro %}
