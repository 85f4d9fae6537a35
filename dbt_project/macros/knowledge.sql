{#- The two times as parameters: `as_of` (posting date) and `known_at` (knowledge time). -#}

{#- The end of an interval that is still open. -#}
{% macro open_end() -%} timestamp '9999-12-31 00:00:00' {%- endmacro %}

{#- The start of an interval before anything was known. -#}
{% macro time_begin() -%} timestamp '0001-01-01 00:00:00' {%- endmacro %}

{#- A date that never comes: the end of what has not ended. -#}
{% macro open_date() -%} date '9999-12-31' {%- endmacro %}

{#-
    The date that the books are read at. `arw` always gives it; a bare `dbt build` takes the newest drop's books_through. The environment is only asked when a
    statement is made: dbt parses the whole project again where a var changed, or a variable of the environment that was read while parsing.
-#}
{% macro as_of() -%}
    {%- set given = var('as_of', none) or (env_var('AR_AS_OF', '') if execute else none) -%}
    {%- if given -%} date '{{ given }}'
    {%- else -%} (select max_by(books_through, extracted_at) from {{ source('landing', 'drops') }})
    {%- endif -%}
{%- endmacro %}

{#- True for the versions known at var `known_at`; without it, for the latest. -#}
{% macro is_known(alias=none) -%}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {%- if var('known_at', none) -%}
        ({{ prefix }}known_from <= timestamp '{{ var("known_at") }}' and {{ prefix }}known_to > timestamp '{{ var("known_at") }}')
    {%- else -%}
        {{ prefix }}known_to = {{ open_end() }}
    {%- endif -%}
{%- endmacro %}

{#- True where two half-open stretches of knowledge time share a moment. -#}
{% macro known_together(left, right) -%}
    ({{ left }}.known_from < {{ right }}.known_to and {{ right }}.known_from < {{ left }}.known_to)
{%- endmacro %}

{#-
    The versions of `relation` with the gaps filled: per key, rows whose other columns are NULL cover all time at which the key was not known, so that a left
    join on key and knowledge time loses no moment. Versions of a key must not overlap.
-#}
{% macro complete_timeline(relation, key, columns) -%}
    select {{ key }}, {{ columns | join(', ') }}, known_from, known_to
    from {{ relation }}
    union all
    select {{ key }}, {% for column in columns %}null as {{ column }}, {% endfor %}gap_from as known_from, gap_to as known_to
    from (
        select
            {{ key }},
            known_to as gap_from,
            lead(known_from, 1, {{ open_end() }}) over (partition by {{ key }} order by known_from) as gap_to
        from {{ relation }}
        union all
        select {{ key }}, {{ time_begin() }} as gap_from, min(known_from) as gap_to
        from {{ relation }}
        group by {{ key }}
    ) as gaps
    where gap_from < gap_to
{%- endmacro %}

{#- True for the drops that had been taken at var `known_at`; without it, for all. -#}
{% macro was_taken(alias) -%}
    {%- if var('known_at', none) -%} {{ alias }}.extracted_at <= timestamp '{{ var("known_at") }}' {%- else -%} true {%- endif -%}
{%- endmacro %}
