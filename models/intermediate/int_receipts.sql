{{ config(materialized=family_table()) }}

-- Receipts as sides of the ledger, each version, split where a rate becomes known.
with receipts as (

    select
        receipts.*,
        companies.base_currency,
        companies.base_minor_units,
        coalesce(
            receipts.amount_base is null
            and coalesce(receipts.exchange_rate, 0) <= 0
            and receipts.currency != companies.base_currency, false
        ) as needs_rate
    from {{ touched(ref('stg_ledger__receipts'), 'changed') }} as receipts
    left join {{ ref('stg_ledger__companies') }} as companies on companies.company_id = receipts.company_id

),

with_rate as (

    select
        receipts.* except (known_from, known_to),
        rates.rate,
        greatest(receipts.known_from, coalesce(rates.known_from, receipts.known_from)) as known_from,
        least(receipts.known_to, coalesce(rates.known_to, receipts.known_to)) as known_to
    from receipts
    left join {{ ref('int_exchange_rates') }} as rates
        on receipts.needs_rate
        and rates.from_currency = receipts.currency
        and rates.to_currency = receipts.base_currency
        and rates.rate_on = receipts.posting_date
        and {{ known_together('rates', 'receipts') }}

)

select
    receipt_id, company_id, customer_id, receivable_account, receipt_date, posting_date,
    case when status = 'reversed' then greatest(posting_date, coalesce(reversed_on, posting_date)) else {{ open_date() }} end as ended_on,
    method, currency, amount,
    base_currency, base_minor_units,
    case
        when currency = base_currency then amount
        when amount_base is not null then amount_base
        when exchange_rate > 0 then {{ convert('amount', 'exchange_rate', 'base_minor_units') }}
        else {{ convert('amount', 'rate', 'base_minor_units') }}
    end as amount_base,
    case
        when currency = base_currency then cast(1 as decimal(18, 9))
        when amount_base is not null then null
        when exchange_rate > 0 then exchange_rate
        else rate
    end as exchange_rate,
    case
        when company_id is null then 'company_missing'
        when base_currency is null then 'company_unknown'
        when needs_rate and rate is null then 'no_exchange_rate'
        when currency != base_currency and {{ decimals_of('amount_base') }} > base_minor_units then 'too_many_decimals'
    end as held_reason,
    status, reversed_on, reference, known_from, known_to
from with_rate
