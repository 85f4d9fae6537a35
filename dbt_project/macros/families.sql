{#-
    Families: what is derived of rows that can move one another depends on these rows only. A build that follows another derives the families that changed, and
    leaves the rest of each table as it is (decision 0018). orchestration/families.py decides whether a build follows, and says which keys are touched, each with
    its level: how near it is to what changed. A bare `dbt build`, Spark and unit tests derive everything.
-#}

{#- True where the build derives only what changed since the one before; it is asked when a statement is made, never while parsing. -#}
{% macro follows() -%}
    {{ return(execute and target.type == 'duckdb' and env_var('AR_FOLLOWS', '') == 'true') }}
{%- endmacro %}

{#- By relation: the kind of its keys, the columns that hold them, and (for tables of families) the level up to which its rows are derived again. -#}
{% macro family(name) -%}
    {%- set side_of_item = "case when item_type in ('receipt', 'adjustment') then item_type else 'document' end || ':' || document_id" -%}
    {{ return({
        'stg_ledger__documents': ['documents', ['document_id']],
        'stg_ledger__installments': ['documents', ['document_id']],
        'stg_ledger__receipts': ['receipts', ['receipt_id']],
        'stg_ledger__adjustments': ['adjustments', ['adjustment_id']],
        'stg_ledger__applications': ['applications', ['application_id']],
        'int_document_terms': ['documents', ['document_id'], 'changed'],
        'int_installment_plans': ['documents', ['document_id'], 'changed'],
        'int_documents': ['documents', ['document_id'], 'changed'],
        'int_receipts': ['receipts', ['receipt_id'], 'changed'],
        'int_adjustments': ['adjustments', ['adjustment_id'], 'changed'],
        'int_sides': ['sides', ['side_key'], 'changed'],
        'int_contended_sides': ['sides', ['side_key'], 'changed'],
        'int_applications': ['applications', ['application_id'], 'changed'],
        'int_settlements_decided': ['sides', ['target_side_key', 'source_side_key'], 'changed'],
        'int_settlements': ['items', ['target_item_id', 'source_item_id'], 'changed'],
        'dim_item_versions': ['sides', [side_of_item], 'changed'],
        'int_ar_movements': ['items', ['item_id']],
        'fct_ar_events': ['items', ['item_id'], 'moved'],
        'int_item_balances': ['items', ['item_id'], 'moved'],
        'fct_item_lifecycles': ['items', ['item_id'], 'moved']
    }[name]) }}
{%- endmacro %}

{#- The condition that a row of the relation `name` is touched, up to `level`. -#}
{% macro is_touched(name, level) -%}
    {%- set number = ['changed', 'moved', 'valued', 'seen'].index(level) + 1 -%}
    {%- set described = family(name) -%}
    (
    {%- for key in described[1] -%}
        {{ key }} in (select id from {{ target.database }}.meta.touched_{{ described[0] }} where level <= {{ number }}) {%- if not loop.last %} or {% endif -%}
    {%- endfor -%}
    )
{%- endmacro %}

{#- The rows of `relation` that a model looks at: those that are touched up to `level`, or all. -#}
{% macro touched(relation, level) -%}
    {%- if follows() -%} (select * from {{ relation }} where {{ is_touched(relation.identifier, level) }})
    {%- else -%} {{ relation }}
    {%- endif -%}
{%- endmacro %}

{#-
    Columns of tables of families that a build that follows keeps of the rows that it derives again, for the tables of sums (sums.sql) that they contributed to.
    Only what these read: rows of touched families lie scattered, and each more column has to be unpacked whole.
-#}
{% macro remembered_columns(name) -%}
    {{ return({
        'dim_item_versions': ['item_id', 'customer_id', 'currency', 'document_date', 'due_date', 'payment_terms_id', 'known_to'],
        'int_settlements': [
            'target_item_id', 'source_item_id', 'source_kind', 'amount', 'discount_amount', 'effective_on', 'ended_on', 'is_derived', 'known_to'
        ],
        'int_item_balances': [
            'company_id', 'customer_id', 'currency', 'base_currency', 'posting_date', 'due_date', 'valid_from', 'valid_to', 'open_amount', 'open_amount_base'
        ]
    }.get(name)) }}
{%- endmacro %}

{#- Keep the rows of a table that are derived again. -#}
{% macro remember(relation) -%}
    create or replace table {{ before(relation) }} as
    select {{ remembered_columns(relation.identifier) | join(', ') }} from {{ relation }} where {{ is_touched(relation.identifier, family(relation.identifier)[2]) }}
{%- endmacro %}

{#- The rows of a remembered table that were derived again, as they were before. -#}
{% macro before(relation) -%} {{ target.database }}.meta.before_{{ relation.identifier }} {%- endmacro %}

{#- A remembered table as it was before. -#}
{% macro was(relation) -%}
    {%- set columns = remembered_columns(relation.identifier) | join(', ') -%}
    (
        select {{ columns }} from {{ relation }} where not {{ is_touched(relation.identifier, family(relation.identifier)[2]) }}
        union all
        select {{ columns }} from {{ before(relation) }}
    )
{%- endmacro %}

{#- The date that the books were read at before. -#}
{% macro was_as_of() -%} (select as_of from {{ target.database }}.meta.follows_from) {%- endmacro %}

{#- Runs after dim_item_versions: what became an item in this build is touched too. -#}
{% macro touch_new_items(items) -%}
    {%- if follows() -%}
    insert into {{ target.database }}.meta.touched_items
    select distinct item_id, 1 from {{ items }}
    where {{ is_touched('dim_item_versions', 'changed') }} and item_id not in (select id from {{ target.database }}.meta.touched_items)
    {%- endif -%}
{%- endmacro %}

{#- How a table of families is made: on Spark as any other table. -#}
{% macro family_table() -%}
    {{ return('family' if target.type == 'duckdb' else 'table') }}
{%- endmacro %}
