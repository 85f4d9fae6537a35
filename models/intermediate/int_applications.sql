{{ config(materialized=family_table()) }}

-- Applications with both their sides, each version: when each takes effect and ends, or why it is held, and on which side the order of things decides.
with {% if follows() -%}
touched_sides as (select * from {{ touched(ref('int_sides'), 'moved') }} as touched),

{% endif -%}
sides as (

    {{ complete_timeline('touched_sides' if follows() else ref('int_sides'), 'side_key', [
        'side_kind', 'side_type', 'direction', 'magnitude', 'company_id', 'customer_id', 'receivable_account', 'currency', 'base_currency',
        'posting_date', 'ended_on', 'held_reason', 'has_installments', 'pool'
    ]) }}

),

with_target as (

    select
        keyed.* except (known_from, known_to),
        targets.direction as target_direction,
        targets.currency as target_currency,
        targets.posting_date as target_posting_date,
        coalesce(targets.ended_on, {{ open_date() }}) as target_ended_on,
        coalesce(targets.has_installments, false) as target_has_installments,
        case when targets.side_kind is null then 'missing' else targets.held_reason end as target_held_reason,
        greatest(keyed.known_from, coalesce(targets.known_from, keyed.known_from)) as known_from,
        least(keyed.known_to, coalesce(targets.known_to, keyed.known_to)) as known_to
    from {{ ref('int_applications_keyed') }} as keyed
    left join sides as targets
        on targets.side_key = keyed.target_key
        and {{ known_together('targets', 'keyed') }}

),

with_source as (

    select
        with_target.* except (known_from, known_to),
        sources.direction as source_direction,
        sources.currency as source_currency,
        sources.posting_date as source_posting_date,
        coalesce(sources.ended_on, {{ open_date() }}) as source_ended_on,
        coalesce(sources.has_installments, false) as source_has_installments,
        case when sources.side_kind is null then 'missing' else sources.held_reason end as source_held_reason,
        greatest(with_target.known_from, coalesce(sources.known_from, with_target.known_from)) as known_from,
        least(with_target.known_to, coalesce(sources.known_to, with_target.known_to)) as known_to
    from with_target
    left join sides as sources
        on sources.side_key = with_target.source_key
        and {{ known_together('sources', 'with_target') }}

),

dated as (

    select
        with_source.*,
        greatest(coalesce(applied_on, source_posting_date), source_posting_date, target_posting_date) as effective_on,
        least(coalesce(reversed_on, {{ open_date() }}), target_ended_on, source_ended_on) as ended_on,
        case when source_currency = target_currency then amount else amount_in_source_currency end as source_amount
    from with_source

)

select
    dated.application_id, dated.source_kind, dated.source_id, dated.document_id, dated.installment_sequence, dated.applied_on, dated.reversed_on,
    dated.target_key, dated.source_key,
    dated.amount, dated.source_amount, dated.discount_amount,
    dated.target_currency, dated.source_currency,
    dated.effective_on, dated.ended_on,
    case
        when target_held_reason is not null then 'target_' || target_held_reason
        when source_held_reason is not null then 'source_' || source_held_reason
        when target_direction = -1 then 'target_is_a_credit'
        when source_direction = 1 then 'source_is_no_credit'
        when source_amount is null then 'source_amount_missing'
        when source_currency = target_currency and amount_in_source_currency != amount then 'amounts_differ'
        when {{ decimals_of('amount') }} > target_currencies.minor_units
            or {{ decimals_of('discount_amount') }} > target_currencies.minor_units
            or {{ decimals_of('source_amount') }} > source_currencies.minor_units
            then 'too_many_decimals'
        when target_ended_on < effective_on then 'target_void'
        when source_ended_on < effective_on then 'source_ended'
    end as held_reason,
    contended_targets.side_key is not null as is_target_contended,
    contended_sources.side_key is not null as is_source_contended,
    dated.known_from, dated.known_to
from dated
left join {{ ref('int_contended_sides') }} as contended_targets on contended_targets.side_key = dated.target_key
left join {{ ref('int_contended_sides') }} as contended_sources on contended_sources.side_key = dated.source_key
left join {{ ref('currencies') }} as target_currencies on target_currencies.code = dated.target_currency
left join {{ ref('currencies') }} as source_currencies on source_currencies.code = dated.source_currency
