{{ config(materialized=family_table()) }}

-- Documents as sides of the ledger, each version, split where terms, rate or installments become known: due date, sign, base amount at book rate, and whether it counts.
with documents as (

    select
        documents.*,
        companies.base_currency,
        companies.base_minor_units,
        case when documents.document_type in ('credit_memo', 'opening_credit', 'journal_credit') then -1 else 1 end as direction,
        coalesce(
            documents.gross_amount_base is null
            and coalesce(documents.exchange_rate, 0) <= 0
            and documents.currency != companies.base_currency, false
        ) as needs_rate
    from {{ touched(ref('stg_ledger__documents'), 'changed') }} as documents
    left join {{ ref('stg_ledger__companies') }} as companies on companies.company_id = documents.company_id

),

with_due_date as (

    select
        documents.* except (known_from, known_to, due_date, payment_terms_id),
        coalesce(documents.due_date, terms.due_date) as due_date,
        coalesce(documents.payment_terms_id, terms.payment_terms_id) as payment_terms_id,
        coalesce(terms.known_from, documents.known_from) as known_from,
        coalesce(terms.known_to, documents.known_to) as known_to
    from documents
    left join {{ touched(ref('int_document_terms'), 'changed') }} as terms
        on terms.document_id = documents.document_id
        and terms.document_known_from = documents.known_from

),

with_rate as (

    select
        with_due_date.* except (known_from, known_to),
        rates.rate,
        greatest(with_due_date.known_from, coalesce(rates.known_from, with_due_date.known_from)) as known_from,
        least(with_due_date.known_to, coalesce(rates.known_to, with_due_date.known_to)) as known_to
    from with_due_date
    left join {{ ref('int_exchange_rates') }} as rates
        on with_due_date.needs_rate
        and rates.from_currency = with_due_date.currency
        and rates.to_currency = with_due_date.base_currency
        and rates.rate_on = with_due_date.posting_date
        and {{ known_together('rates', 'with_due_date') }}

),

plans as (

    {{ complete_timeline(touched(ref('int_installment_plans'), 'changed'), 'document_id', ['is_valid', 'last_sequence']) }}

),

with_plan as (

    select
        with_rate.* except (known_from, known_to),
        coalesce(plans.is_valid, false) as has_installments,
        plans.last_sequence,
        greatest(with_rate.known_from, coalesce(plans.known_from, with_rate.known_from)) as known_from,
        least(with_rate.known_to, coalesce(plans.known_to, with_rate.known_to)) as known_to
    from with_rate
    left join plans
        on plans.document_id = with_rate.document_id
        and {{ known_together('plans', 'with_rate') }}

)

select
    document_id, company_id, customer_id, receivable_account, document_number, document_type, direction,
    document_date, posting_date, due_date,
    -- A void without a date, or dated before the posting, undoes the document on the day it was posted.
    case when status = 'void' then greatest(posting_date, coalesce(voided_on, posting_date)) else {{ open_date() }} end as ended_on,
    currency, gross_amount,
    base_currency, base_minor_units,
    case
        when currency = base_currency then gross_amount
        when gross_amount_base is not null then gross_amount_base
        when exchange_rate > 0 then {{ convert('gross_amount', 'exchange_rate', 'base_minor_units') }}
        else {{ convert('gross_amount', 'rate', 'base_minor_units') }}
    end as gross_amount_base,
    -- NULL where the base amount was given: then parts are shares of it.
    case
        when currency = base_currency then cast(1 as decimal(18, 9))
        when gross_amount_base is not null then null
        when exchange_rate > 0 then exchange_rate
        else rate
    end as exchange_rate,
    case
        when status = 'draft' then 'draft'
        when company_id is null then 'company_missing'
        when base_currency is null then 'company_unknown'
        when needs_rate and rate is null then 'no_exchange_rate'
        when currency != base_currency and {{ decimals_of('gross_amount_base') }} > base_minor_units then 'too_many_decimals'
    end as held_reason,
    has_installments, last_sequence,
    payment_terms_id, original_document_id, salesperson_id, product_line, reference,
    case when load_mode = 'open_items' then open_amount end as open_amount,
    settled_on, books_through, tax_amount,
    status, voided_on, known_from, known_to
from with_plan
