{#- The columns of an item that every movement of it carries. -#}
{% macro item_columns(alias) -%}
    {{ alias }}.company_id, {{ alias }}.customer_id, {{ alias }}.receivable_account, {{ alias }}.document_id, {{ alias }}.currency,
    {{ alias }}.base_currency, {{ alias }}.base_minor_units, {{ alias }}.original_amount, {{ alias }}.original_amount_base, {{ alias }}.exchange_rate
{%- endmacro %}

{#- The roll-forward's column for a document type. -#}
{% macro document_movement(document_type) -%}
    case
        when {{ document_type }} in ('invoice', 'debit_memo') then 'billed'
        when {{ document_type }} = 'finance_charge' then 'finance_charge'
        when {{ document_type }} = 'credit_memo' then 'credited'
        when {{ document_type }} = 'refund' then 'refunded'
        else 'other'
    end
{%- endmacro %}

{#- The roll-forward's column for an adjustment type. -#}
{% macro adjustment_movement(adjustment_type) -%}
    case
        when {{ adjustment_type }} in ('write_off', 'small_balance', 'recovery') then 'written_off'
        when {{ adjustment_type }} = 'discount' then 'discount'
        when {{ adjustment_type }} = 'refund' then 'refunded'
        when {{ adjustment_type }} = 'transfer' then 'transferred'
        when {{ adjustment_type }} = 'revaluation' then 'revalued'
        else 'other'
    end
{%- endmacro %}

{#- The order within a day in which movements of one item count (architecture: families). -#}
{% macro phase(name) -%}
    {{ return({'posted': 0, 'ended': 1, 'raised': 2, 'lowered': 3, 'ended_with_side': 4, 'closed': 5}[name]) }}
{%- endmacro %}

{#- The columns of a movement that belongs to no application; `adjustment_id`: the column of the adjustment that moves another item, if it does. -#}
{% macro no_application(adjustment_id='null') -%}
    cast({{ adjustment_id }} as {{ dbt.type_string() }}) as adjustment_id, cast(null as {{ dbt.type_string() }}) as application_id,
    cast(null as {{ dbt.type_string() }}) as counterpart_item_id, cast(null as {{ dbt.type_string() }}) as counterpart_kind, false as is_source
{%- endmacro %}

{#- Everything an event says, but for when it was known. -#}
{% macro event_content() -%}
    event_key, event_type, event_subtype, movement, company_id, customer_id, receivable_account, item_id, document_id, posting_date,
    currency, amount, base_currency, amount_base, is_derived, application_id, counterpart_item_id, counterpart_kind
{%- endmacro %}
