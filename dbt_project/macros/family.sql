{#- A table of rows that belong to families: made whole, or with the rows of families that are derived again in the place of those that they had. -#}
{% materialization family, adapter='duckdb' %}
    {%- if not follows() -%}
        {{ return(materialization_table_duckdb()) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set is_derived = is_touched(this.identifier, family(this.identifier)[2]) -%}
    {{ begin_in_place() }}
    {%- if remembered_columns(this.identifier) %}
        {%- call statement('remember') %}{{ remember(this) }}{% endcall %}
        {{ adapter.commit() }}
    {%- endif %}
    {% call statement('main') -%}
        delete from {{ target_relation }} where {{ is_derived }};
        insert into {{ target_relation }} by name select * from (
            {{ compiled_code }}
        ) as derived where {{ is_derived }}
    {%- endcall %}
    {{ end_in_place() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
