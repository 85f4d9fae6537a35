{#- Schemas are named as configured, without the target's prefix: readers' queries name `marts.` -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name if custom_schema_name else target.schema) | trim }}
{%- endmacro %}
