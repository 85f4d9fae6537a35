{#- Our own generic tests: packages cannot be fetched behind a firewall. Each returns the rows that are wrong. -#}

{#-
    Detects: two rows with the same `key`, or a row in which one of the `filled` columns is empty. One test, for each costs a small build as much as a model does.
    Means: a sum over the table counts something twice, or what counts belongs to nothing. Each row: the key, how many rows have it, and how many lack something.
-#}
{% test rows_are_keyed(model, key=[], filled=[]) %}
{%- set empty -%}
    {% for column in filled %}{{ column }} is null{% if not loop.last %} or {% endif %}{% else %}false{% endfor %}
{%- endset %}
{%- if key %}
select {{ key | join(', ') }}, count(*) as row_count, sum(case when {{ empty }} then 1 else 0 end) as lacking
from {{ model }}
group by {{ key | join(', ') }}
having count(*) > 1 or sum(case when {{ empty }} then 1 else 0 end) > 0
{%- else %}
select * from {{ model }} where {{ empty }}
{%- endif %}
{% endtest %}

{#- Detects: a row for which `expression` is false. NULL passes: what must be there is tested by not_null. -#}
{% test expression_is_true(model, expression, condition=none) %}
select *
from {{ model }}
where not ({{ expression }})
    {% if condition %}and ({{ condition }}){% endif %}
{% endtest %}

{#- Detects: a value outside [minimum, maximum]. -#}
{% test accepted_range(model, column_name, minimum=none, maximum=none) %}
select *
from {{ model }}
where false
    {% if minimum is not none %}or {{ column_name }} < {{ minimum }}{% endif %}
    {% if maximum is not none %}or {{ column_name }} > {{ maximum }}{% endif %}
{% endtest %}

{#-
    Detects: a group whose `amount` here is not `to_amount` there, to the last decimal; a group that is missing on one side counts as 0.
    Means: rows were lost, doubled, or put elsewhere between the two. Each row: one group with both sums.
-#}
{% test sums_agree(model, amount, to, to_amount, group_by, condition='true', to_condition='true') %}
with here as (
    select {{ group_by | join(', ') }}, sum({{ amount }}) as amount
    from {{ model }} as here
    where {{ condition }}
    group by {{ group_by | join(', ') }}
),

there as (
    select {{ group_by | join(', ') }}, sum({{ to_amount }}) as amount
    from {{ to }} as there
    where {{ to_condition }}
    group by {{ group_by | join(', ') }}
)

select
    {% for column in group_by -%}
    coalesce(here.{{ column }}, there.{{ column }}) as {{ column }},
    {% endfor -%}
    here.amount as amount_here,
    there.amount as amount_there
from here
full outer join there
    on {% for column in group_by %}here.{{ column }} = there.{{ column }}{% if not loop.last %} and {% endif %}{% endfor %}
where coalesce(here.amount, 0) != coalesce(there.amount, 0)
{% endtest %}
