{{ config(materialized=family_table()) }}

-- Every open item there ever was, with what became of it by as_of. What settles a debit is positive; `applied_amount` is what a credit was used for;
-- `other_amount` and `ended_amount` are signed: original − paid − credited − discount − written off + applied + other + ended = open.
with items as (

    select * from {{ touched(ref('dim_item_versions'), 'moved') }}
    where {{ is_known() }}
        and posting_date <= {{ as_of() }}

),

balances as (

    select
        item_id,
        max(case when open_amount != 0 then valid_to end) as open_until,
        sum(case when valid_to = {{ open_date() }} then open_amount else 0 end) as open_amount,
        sum(case when valid_to = {{ open_date() }} then open_amount_base else 0 end) as open_amount_base

    from {{ touched(ref('int_item_balances'), 'moved') }}

    group by 1

),

live_settlements as (

    select * from {{ touched(ref('int_settlements'), 'moved') }}
    where {{ is_known() }}
        and effective_on <= {{ as_of() }}
        and ended_on > {{ as_of() }}

),

settled as (

    select
        target_item_id as item_id,
        sum(case when source_kind = 'receipt' then amount else 0 end) as paid_amount,
        sum(case when source_kind != 'receipt' then amount else 0 end) as credited_amount,
        sum(discount_amount) as discount_amount,
        max(case when is_derived then 1 else 0 end) = 1 as is_settlement_derived

    from live_settlements

    group by 1

),

used as (

    select
        source_item_id as item_id,
        sum(amount_in_source_currency) as applied_amount

    from live_settlements

    group by 1

),

-- Stand-alone adjustments are items of their own: their posting is their original amount.
corrections as (

    select
        item_id,
        -sum(case when movement = 'discount' then amount else 0 end) as discount_amount,
        -sum(case when movement = 'written_off' then amount else 0 end) as written_off_amount,
        sum(case when movement not in ('discount', 'written_off') and event_type in ('adjustment', 'settlement') then amount else 0 end) as other_amount,
        sum(case when event_type in ('void', 'bounce') then amount else 0 end) as ended_amount,
        max(case when event_type = 'settlement' then 1 else 0 end) = 1 as is_derived

    from {{ touched(ref('fct_ar_events'), 'moved') }}

    where {{ is_known() }}
        and posting_date <= {{ as_of() }}
        and event_type in ('adjustment', 'settlement', 'void', 'bounce')
        and not (event_type = 'adjustment' and item_id = 'adjustment:' || document_id)

    group by 1

),

joined as (

    select
        items.*,
        case
            when coalesce(balances.open_amount, 0) = 0 then coalesce(balances.open_until, items.posting_date)
        end as closed_on,
        coalesce(balances.open_amount, 0) as open_amount,
        coalesce(balances.open_amount_base, 0) as open_amount_base,
        coalesce(settled.paid_amount, 0) as paid_amount,
        coalesce(settled.credited_amount, 0) as credited_amount,
        coalesce(settled.discount_amount, 0) + coalesce(corrections.discount_amount, 0) as discount_amount,
        coalesce(corrections.written_off_amount, 0) as written_off_amount,
        coalesce(used.applied_amount, 0) as applied_amount,
        coalesce(corrections.other_amount, 0) as other_amount,
        coalesce(corrections.ended_amount, 0) as ended_amount,
        coalesce(settled.is_settlement_derived, false) or coalesce(corrections.is_derived, false) as is_settlement_derived

    from items

    left join balances
        on balances.item_id = items.item_id

    left join settled
        on settled.item_id = items.item_id

    left join used
        on used.item_id = items.item_id

    left join corrections
        on corrections.item_id = items.item_id

)

select
    item_id,
    item_type,
    company_id,
    customer_id,
    receivable_account,
    document_id,
    document_number,
    installment_sequence,
    document_date,
    posting_date,
    due_date,
    closed_on,
    -- Days to pay say how fast cash closed a debit item: nothing for credits, voids, items without cash, and settlements whose date was derived.
    case
        when original_amount > 0 and paid_amount > 0 and not is_settlement_derived and ended_on > {{ as_of() }}
            then {{ days_between('closed_on', 'document_date') }}
    end as days_to_pay,
    case
        when original_amount > 0 and paid_amount > 0 and not is_settlement_derived and ended_on > {{ as_of() }}
            then {{ days_between('closed_on', 'due_date') }}
    end as days_late,
    currency,
    original_amount,
    cast(paid_amount as decimal(18, 3)) as paid_amount,
    cast(credited_amount as decimal(18, 3)) as credited_amount,
    cast(discount_amount as decimal(18, 3)) as discount_amount,
    cast(written_off_amount as decimal(18, 3)) as written_off_amount,
    cast(applied_amount as decimal(18, 3)) as applied_amount,
    cast(other_amount as decimal(18, 3)) as other_amount,
    cast(ended_amount as decimal(18, 3)) as ended_amount,
    cast(open_amount as decimal(18, 3)) as open_amount,
    base_currency,
    original_amount_base,
    cast(open_amount_base as decimal(18, 3)) as open_amount_base,
    is_settlement_derived

from joined
