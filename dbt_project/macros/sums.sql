{#-
    A table of sums: made whole, or brought up to date by what changed. Its model yields contributions, summed by `keys`; where the build follows the last one,
    those of the families that were derived again, less what they contributed before. Amounts are decimals, so that taking away what was added leaves nothing
    behind. A row without contributions (`counted`) goes.
-#}
{% materialization sums, adapter='duckdb' %}
    {%- if not follows() -%}
        {{ return(materialization_table_duckdb()) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ begin_in_place() }}
    {% call statement('main') -%}
        {{ add_difference(target_relation, compiled_code, config.get('keys'), config.get('sums'), config.get('counted')) }}
    {%- endcall %}
    {{ end_in_place() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- How a table of sums is made: on Spark as any other table. -#}
{% macro sums_table() -%}
    {{ return('sums' if target.type == 'duckdb' else 'table') }}
{%- endmacro %}

{#- Add the rows of `query` to those of the table with the same keys. -#}
{% macro add_difference(table, query, keys, sums, counted) -%}
    {%- set same_keys -%}
        exists (
            select 1 from difference
            where {% for key in keys %}difference.{{ key }} is not distinct from old_rows.{{ key }}{% if not loop.last %} and {% endif %}{% endfor %}
        )
    {%- endset -%}
    create or replace temp table difference as
    {{ query }};
    create or replace temp table brought_up as
    select {{ keys | join(', ') }}{% for sum in sums %}, sum({{ sum }}) as {{ sum }}{% endfor %}
    from (
        select {{ (keys + sums) | join(', ') }} from {{ table }} as old_rows where {{ same_keys }}
        union all
        select {{ (keys + sums) | join(', ') }} from difference
    ) as added
    group by {{ keys | join(', ') }}
    having sum({{ counted }}) != 0;
    delete from {{ table }} as old_rows where {{ same_keys }};
    insert into {{ table }} by name select * from brought_up;
{%- endmacro %}
