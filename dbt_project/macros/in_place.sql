{#-
    Tables and views are made in their place: nobody reads the files while they are built (decision 0006). dbt makes each beside the old one, renames both and
    drops one afterwards; for a hundred models that was a quarter of a small build.
-#}
{#- What comes before the statement of a materialization, and after it. -#}
{% macro begin_in_place() -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
{%- endmacro %}

{% macro end_in_place() -%}
    {{ adapter.commit() }}
    {#- Hooks in transactions of their own: DuckDB writes to one file in each. -#}
    {%- for hook in post_hooks %}
        {%- set rendered = render(hook.sql) | trim %}
        {%- if rendered %}
            {%- call statement('hook') %}{{ rendered }}{% endcall %}
            {{ adapter.commit() }}
        {%- endif %}
    {%- endfor %}
{%- endmacro %}

{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {{ begin_in_place() }}
    {%- if existing_relation is not none -%}
        {%- do adapter.drop_relation(existing_relation) -%}
        {#- A Python model writes over a connection of its own. -#}
        {%- if model['language'] == 'python' %}{% do adapter.commit() %}{% endif -%}
    {%- endif -%}
    {% call statement('main', language=model['language']) -%}
        {{- create_table_as(False, target_relation, compiled_code, model['language']) }}
    {%- endcall %}
    {{ end_in_place() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {{ begin_in_place() }}
    {%- if existing_relation is not none and not existing_relation.is_view -%}
        {%- do adapter.drop_relation(existing_relation) -%}
    {%- endif -%}
    {% call statement('main') -%}
        create or replace view {{ target_relation }} as (
            {{ compiled_code }}
        )
    {%- endcall %}
    {{ end_in_place() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
