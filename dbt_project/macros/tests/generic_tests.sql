{#- Our own generic tests: packages cannot be fetched behind a firewall. Each returns the rows that are wrong. -#}

{#- Detects: two rows with the same key. Means: a sum over the table counts something twice. -#}
{% test unique_together(model, columns) %}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
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
