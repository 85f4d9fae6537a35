{#- The calendar. Only `date_series` knows how an engine makes rows out of nothing; months are counted by an index, so that no model adds months to dates. -#}

{#- Every day from `first_day` to `last_day` (columns of the one-row relation `bounds`) as `date_day`. -#}
{% macro date_series(bounds, first_day, last_day) -%}
    {{ return(adapter.dispatch('date_series')(bounds, first_day, last_day)) }}
{%- endmacro %}

{% macro default__date_series(bounds, first_day, last_day) -%}
    select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date) as date_day from {{ bounds }}
{%- endmacro %}

{% macro spark__date_series(bounds, first_day, last_day) -%}
    select explode(sequence({{ first_day }}, {{ last_day }}, interval 1 day)) as date_day from {{ bounds }}
{%- endmacro %}

{#- Months since year 0: consecutive months differ by 1. -#}
{% macro month_index(date) -%}
    cast(extract(year from {{ date }}) * 12 + extract(month from {{ date }}) - 1 as integer)
{%- endmacro %}

{#- The first day of the month with this index. -#}
{% macro month_from_index(index) -%}
    make_date(cast(floor(({{ index }}) / 12) as integer), cast(({{ index }}) % 12 + 1 as integer), 1)
{%- endmacro %}

{#- 1 = Monday … 7 = Sunday. Counted from a Monday, because engines number weekdays differently. -#}
{% macro iso_weekday(date) -%}
    (({{ days_between(date, "date '1900-01-01'") }} % 7 + 7) % 7 + 1)
{%- endmacro %}
