{{ config(materialized=family_table()) }}

-- Adjustments, each version: those that move a document or receipt, with that item's company, customer, account and currency, effective from the later of both
-- posting dates; and those that stand alone, with their own.
with adjustments as (

    select
        adjustments.*,
        case
            when document_id is not null and receipt_id is not null then 'both'
            when document_id is not null then 'document'
            when receipt_id is not null then 'receipt'
            else 'none'
        end as moves
    from {{ touched(ref('stg_ledger__adjustments'), 'changed') }} as adjustments

),

documents as (

    select
        document_id, company_id, customer_id, receivable_account, posting_date, currency, direction, base_currency, base_minor_units,
        held_reason, known_from, known_to
    from {{ touched(ref('int_documents'), 'seen') }}
    where document_id in (select document_id from adjustments where moves = 'document')

),

receipts as (

    select
        receipt_id, company_id, customer_id, receivable_account, posting_date, currency, base_currency, base_minor_units,
        held_reason, known_from, known_to
    from {{ touched(ref('int_receipts'), 'seen') }}
    where receipt_id in (select receipt_id from adjustments where moves = 'receipt')

),

items as (

    {{ complete_timeline('documents', 'document_id', ['company_id', 'customer_id', 'receivable_account', 'posting_date', 'currency', 'direction', 'base_currency', 'base_minor_units', 'held_reason']) }}

),

receipt_items as (

    {{ complete_timeline('receipts', 'receipt_id', ['company_id', 'customer_id', 'receivable_account', 'posting_date', 'currency', 'base_currency', 'base_minor_units', 'held_reason']) }}

),

on_items as (

    select
        adjustments.adjustment_id, adjustments.adjustment_type, adjustments.moves,
        'document:' || adjustments.document_id as side_key,
        coalesce(items.company_id, adjustments.company_id) as company_id, coalesce(items.customer_id, adjustments.customer_id) as customer_id,
        coalesce(items.receivable_account, adjustments.receivable_account) as receivable_account,
        greatest(adjustments.posting_date, items.posting_date) as posting_date,
        items.currency, adjustments.currency as stated_currency, items.base_currency, items.base_minor_units,
        adjustments.amount, adjustments.amount_base,
        cast(null as decimal(18, 9)) as exchange_rate,
        case
            when items.company_id is null and items.held_reason is null then 'document_missing'
            when items.held_reason is not null then 'document_' || items.held_reason
            when adjustments.currency != items.currency then 'currency_differs'
            when items.direction = 1 and adjustments.amount > 0
                and adjustments.adjustment_type in ('write_off', 'small_balance', 'discount', 'withholding_tax', 'bank_fee', 'factored')
                then 'sign_against_type'
        end as item_held_reason,
        greatest(adjustments.known_from, coalesce(items.known_from, adjustments.known_from)) as known_from,
        least(adjustments.known_to, coalesce(items.known_to, adjustments.known_to)) as known_to
    from adjustments
    left join items
        on items.document_id = adjustments.document_id
        and {{ known_together('items', 'adjustments') }}
    where adjustments.moves = 'document'

    union all

    select
        adjustments.adjustment_id, adjustments.adjustment_type, adjustments.moves,
        'receipt:' || adjustments.receipt_id as side_key,
        coalesce(receipt_items.company_id, adjustments.company_id) as company_id, coalesce(receipt_items.customer_id, adjustments.customer_id) as customer_id,
        coalesce(receipt_items.receivable_account, adjustments.receivable_account) as receivable_account,
        greatest(adjustments.posting_date, receipt_items.posting_date) as posting_date,
        receipt_items.currency, adjustments.currency as stated_currency, receipt_items.base_currency, receipt_items.base_minor_units,
        adjustments.amount, adjustments.amount_base,
        cast(null as decimal(18, 9)) as exchange_rate,
        case
            when receipt_items.company_id is null and receipt_items.held_reason is null then 'receipt_missing'
            when receipt_items.held_reason is not null then 'receipt_' || receipt_items.held_reason
            when adjustments.currency != receipt_items.currency then 'currency_differs'
        end as item_held_reason,
        greatest(adjustments.known_from, coalesce(receipt_items.known_from, adjustments.known_from)) as known_from,
        least(adjustments.known_to, coalesce(receipt_items.known_to, adjustments.known_to)) as known_to
    from adjustments
    left join receipt_items
        on receipt_items.receipt_id = adjustments.receipt_id
        and {{ known_together('receipt_items', 'adjustments') }}
    where adjustments.moves = 'receipt'

),

stand_alone as (

    select
        adjustments.adjustment_id, adjustments.adjustment_type, adjustments.moves,
        'adjustment:' || adjustments.adjustment_id as side_key,
        adjustments.company_id, adjustments.customer_id, adjustments.receivable_account,
        adjustments.posting_date,
        adjustments.currency, adjustments.currency as stated_currency, companies.base_currency, companies.base_minor_units,
        adjustments.amount, adjustments.amount_base,
        case when adjustments.currency = companies.base_currency then cast(1 as decimal(18, 9)) else rates.rate end as exchange_rate,
        case
            when adjustments.moves = 'both' then 'moves_two_items'
            when adjustments.company_id is null then 'company_missing'
            when companies.base_currency is null then 'company_unknown'
            when adjustments.customer_id is null then 'customer_missing'
            when adjustments.currency is null then 'currency_missing'
            when adjustments.currency != companies.base_currency and adjustments.amount_base is null and rates.rate is null
                then 'no_exchange_rate'
        end as item_held_reason,
        greatest(adjustments.known_from, coalesce(rates.known_from, adjustments.known_from)) as known_from,
        least(adjustments.known_to, coalesce(rates.known_to, adjustments.known_to)) as known_to
    from adjustments
    left join {{ ref('stg_ledger__companies') }} as companies on companies.company_id = adjustments.company_id
    left join {{ ref('int_exchange_rates') }} as rates
        on adjustments.amount_base is null
        and rates.from_currency = adjustments.currency
        and rates.to_currency = companies.base_currency
        and rates.rate_on = adjustments.posting_date
        and {{ known_together('rates', 'adjustments') }}
    where adjustments.moves in ('none', 'both')

),

unioned as (

    select * from on_items
    union all
    select * from stand_alone

)

select
    adjustment_id, adjustment_type, moves, side_key, company_id, customer_id, receivable_account, posting_date,
    coalesce(currency, stated_currency) as currency,
    -- A revaluation moves the base amount only.
    case when adjustment_type = 'revaluation' then cast(0 as decimal(18, 3)) else amount end as amount,
    amount as stated_amount,
    base_currency, base_minor_units,
    -- In the books' own currency the base amount is the amount, whatever the row says; where that is something else it is listed.
    case
        when amount_base is not null and (adjustment_type = 'revaluation' or coalesce(currency, stated_currency) != base_currency) then amount_base
        when adjustment_type = 'revaluation' and coalesce(stated_currency, base_currency) = base_currency then amount
        when moves != 'none' then null
        when currency = base_currency then amount
        else {{ convert('amount', 'exchange_rate', 'base_minor_units') }}
    end as amount_base,
    case when amount_base is null then exchange_rate end as exchange_rate,
    coalesce(amount_base != amount and adjustment_type != 'revaluation' and coalesce(currency, stated_currency) = base_currency, false) as is_base_amount_ignored,
    case
        when item_held_reason is not null then item_held_reason
        when adjustment_type in ('recovery', 'refund', 'chargeback') and amount < 0 then 'sign_against_type'
        when adjustment_type = 'revaluation' and amount_base is null and coalesce(stated_currency, base_currency) != base_currency
            then 'base_amount_missing'
        when {{ decimals_of('amount') }} > case when adjustment_type = 'revaluation' and amount_base is null then base_minor_units else currencies.minor_units end
            or {{ decimals_of('amount_base') }} > base_minor_units
            then 'too_many_decimals'
    end as held_reason,
    known_from, known_to
from unioned
left join {{ ref('currencies') }} as currencies on currencies.code = coalesce(unioned.currency, unioned.stated_currency)
