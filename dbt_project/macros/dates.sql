{#- Dates. DuckDB and Spark disagree on the types of `date - date` and `date + interval`, so models only use these. -#}

{#- Whole days from `earlier` to `later`; negative when `later` comes first. -#}
{% macro days_between(later, earlier) -%}
    {{ return(adapter.dispatch('days_between')(later, earlier)) }}
{%- endmacro %}

{% macro default__days_between(later, earlier) -%}
    cast({{ later }} - {{ earlier }} as integer)
{%- endmacro %}

{% macro spark__days_between(later, earlier) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}

{#- The date `days` after `date`. -#}
{% macro add_days(date, days) -%}
    {{ return(adapter.dispatch('add_days')(date, days)) }}
{%- endmacro %}

{% macro default__add_days(date, days) -%}
    ({{ date }} + cast({{ days }} as integer))
{%- endmacro %}

{% macro spark__add_days(date, days) -%}
    date_add({{ date }}, cast({{ days }} as int))
{%- endmacro %}

{#- The first day of the date's month. -#}
{% macro month_start(date) -%}
    make_date(cast(extract(year from {{ date }}) as integer), cast(extract(month from {{ date }}) as integer), 1)
{%- endmacro %}
