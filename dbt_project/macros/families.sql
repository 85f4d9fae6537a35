{#-
    Families: what is derived from rows that can move one another (a document or receipt, everything applied to it, and what that touches in turn) depends on
    these rows only. A build that follows another derives the families that changed, and leaves the rest of each table as it is (decision 0018).
    orchestration/families.py decides whether a build follows, and names the touched keys; a bare `dbt build`, Spark and unit tests build everything.
-#}

{#- True where the build derives only what changed since the one before; it is asked when a statement is made, never while parsing. -#}
{% macro follows() -%}
    {{ return(execute and target.type == 'duckdb' and env_var('AR_FOLLOWS', '') == 'true') }}
{%- endmacro %}

{#- By relation: the kind of touched keys, and the column that holds them. -#}
{% macro family_key(name) -%}
    {{ return({
        'stg_ledger__documents': ['documents', 'document_id'], 'stg_ledger__installments': ['documents', 'document_id'],
        'stg_ledger__receipts': ['receipts', 'receipt_id'], 'stg_ledger__adjustments': ['adjustments', 'adjustment_id'],
        'stg_ledger__applications': ['applications', 'application_id'],
        'int_document_terms': ['documents', 'document_id'], 'int_installment_plans': ['documents', 'document_id'],
        'int_documents': ['documents', 'document_id'], 'int_receipts': ['receipts', 'receipt_id'],
        'int_adjustments': ['adjustments', 'adjustment_id'], 'int_sides': ['sides', 'side_key'],
        'int_applications': ['applications', 'application_id'], 'int_applications_held': ['applications', 'application_id'],
        'int_settlements': ['items', 'target_item_id'], 'int_items': ['items', 'item_id'],
        'dim_item_versions': ['items', 'item_id'], 'fct_ar_events': ['items', 'item_id'],
        'int_item_balances': ['items', 'item_id'], 'fct_item_lifecycles': ['items', 'item_id']
    }[name]) }}
{%- endmacro %}

{#- The condition that a row of `name` belongs to a touched family. -#}
{% macro is_touched(name) -%}
    {%- set kind, key = family_key(name) -%}
    {{ key }} in (select id from {{ target.database }}.meta.touched_{{ kind }})
{%- endmacro %}

{#- The rows of `relation` that the build derives from: those of touched families, or all. -#}
{% macro touched(relation) -%}
    {%- if follows() -%} (select * from {{ relation }} where {{ is_touched(relation.identifier) }})
    {%- else -%} {{ relation }}
    {%- endif -%}
{%- endmacro %}

{#- Runs after int_items: what became an item in this build is touched too. -#}
{% macro touch_new_items() -%}
    {%- if follows() -%}
    insert into {{ target.database }}.meta.touched_items
    select distinct item_id from {{ this }}
    where case when item_type in ('receipt', 'adjustment') then item_type else 'document' end || ':' || document_id
        in (select id from {{ target.database }}.meta.touched_sides)
        and item_id not in (select id from {{ target.database }}.meta.touched_items)
    {%- endif -%}
{%- endmacro %}

{#- How a table of families is made: on Spark as any other table. -#}
{% macro family_table() -%}
    {{ return('family' if target.type == 'duckdb' else 'table') }}
{%- endmacro %}
