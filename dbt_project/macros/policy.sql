{#- The tables of policy that a home replaces (orchestration/policy.py checked them and wrote them down). -#}

{#- Runs after each seed: puts the home's rows in the place of the project's, where the home has a table of that name. -#}
{% macro take_table_of_home() -%}
    {%- if execute and model.name in var('policy_tables') -%}
        {{ adapter.dispatch('replace_rows')(this, var('policy_folder') ~ '/' ~ model.name ~ '.csv') }}
    {%- endif -%}
{%- endmacro %}

{% macro default__replace_rows(relation, file) -%}
    truncate table {{ relation }};
    insert into {{ relation }} select * from read_csv('{{ file | replace("'", "''") }}', header = true, all_varchar = true, nullstr = '')
{%- endmacro %}
