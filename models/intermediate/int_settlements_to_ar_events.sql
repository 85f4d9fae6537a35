{{ config(materialized="view") }}

-- An application lowers its target and raises its (negative) source, so that it moves no balance; a discount comes on top of the target. What ends is taken back
-- by events of its own.
with settlements as (

    select
        settlements.*,
        targets.company_id = sources.company_id
        and targets.customer_id = sources.customer_id
        and targets.receivable_account = sources.receivable_account
        and targets.currency = sources.currency as is_within_account,
        targets.ended_on as target_ended_on, sources.ended_on as source_ended_on,
        {% for side in ['target', 'source'] %}
        {{ side }}s.company_id as {{ side }}_company_id, {{ side }}s.customer_id as {{ side }}_customer_id,
        {{ side }}s.receivable_account as {{ side }}_receivable_account, {{ side }}s.document_id as {{ side }}_document_id,
        {{ side }}s.currency as {{ side }}_currency, {{ side }}s.base_currency as {{ side }}_base_currency,
        {{ side }}s.base_minor_units as {{ side }}_base_minor_units, {{ side }}s.original_amount as {{ side }}_original_amount,
        {{ side }}s.original_amount_base as {{ side }}_original_amount_base, {{ side }}s.exchange_rate as {{ side }}_exchange_rate,
        {% endfor %}
        greatest(settlements.known_from, targets.known_from, sources.known_from) as piece_known_from,
        least(settlements.known_to, targets.known_to, sources.known_to) as piece_known_to
    from {{ touched(ref('int_settlements'), 'valued') }} as settlements
    inner join {{ touched(ref('dim_item_versions'), 'seen') }} as targets
        on targets.item_id = settlements.target_item_id
        and {{ known_together('targets', 'settlements') }}
    inner join {{ touched(ref('dim_item_versions'), 'seen') }} as sources
        on sources.item_id = settlements.source_item_id
        and {{ known_together('sources', 'settlements') }}
        and {{ known_together('sources', 'targets') }}

)

{% set kinds = [
    ('application', 'target', '-1 * amount', 'effective_on', 'lowered', 0, 'true'),
    ('application', 'source', 'amount_in_source_currency', 'effective_on', 'lowered', 0, 'true'),
    ('discount', 'target', '-1 * discount_amount', 'effective_on', 'lowered', 1, 'discount_amount != 0'),
    ('application_reversal', 'target', 'amount', 'ended_on', 'ended', 0, 'ended_on < ' ~ open_date()),
    ('application_reversal', 'source', '-1 * amount_in_source_currency', 'ended_on', 'ended', 0, 'ended_on < ' ~ open_date()),
    ('discount_reversal', 'target', 'discount_amount', 'ended_on', 'ended', 1, 'discount_amount != 0 and ended_on < ' ~ open_date())
] -%}
{% for event_type, side, amount, posting_date, moment, step, condition in kinds -%}
{% set other = 'source' if side == 'target' else 'target' -%}
select
    '{{ event_type }}|' || application_id || '|' || target_item_id || '|' || source_item_id || '|{{ side }}' as event_key,
    '{{ event_type }}' as event_type, source_kind as event_subtype,
    {% if event_type.startswith('discount') -%} 'discount' {%- else -%} case when is_within_account then 'application' else 'transferred' end {%- endif %} as movement,
    {{ side }}_item_id as item_id, {{ posting_date }} as posting_date,
    {% if moment == 'ended' -%}
    case when ended_on = target_ended_on or ended_on = source_ended_on then {{ phase('ended_with_side') }} else {{ phase('ended') }} end as phase,
    {%- else -%}
    {{ phase(moment) }} as phase,
    {%- endif %}
    {{ step }} as step,
    cast({{ amount }} as decimal(18, 3)) as amount, cast(null as decimal(18, 3)) as stated_amount_base, is_derived,
    cast(null as {{ dbt.type_string() }}) as adjustment_id,
    application_id, {{ other }}_item_id as counterpart_item_id, source_kind as counterpart_kind, {{ 'true' if side == 'source' else 'false' }} as is_source,
    {{ side }}_company_id as company_id, {{ side }}_customer_id as customer_id, {{ side }}_receivable_account as receivable_account,
    {{ side }}_document_id as document_id, {{ side }}_currency as currency, {{ side }}_base_currency as base_currency,
    {{ side }}_base_minor_units as base_minor_units, {{ side }}_original_amount as original_amount,
    {{ side }}_original_amount_base as original_amount_base, {{ side }}_exchange_rate as exchange_rate,
    piece_known_from as known_from, piece_known_to as known_to
from settlements
where {{ condition }}
{% if not loop.last %}
union all

{% endif -%}
{% endfor %}
