-- What the ledger leaves out until other rows make it right (`is_held`), and what it takes but flags; decided anew at every build. Amounts are signed like the
-- movement that they would be (+ the customer owes more); an application, which moves no balance, shows its magnitude.
with masters as (

    select customer_id, min(known_from) as known_from
    from {{ ref('stg_ledger__customers') }}
    group by customer_id

),

named as (

    select
        'customer' as object_type, customer_id as object_id, 'not_in_master' as reason, customer_id,
        min(company_id) as company_id, min(known_from) as known_from, max(known_to) as known_to
    from {{ ref('dim_item_versions') }}
    where customer_id != 'UNIDENTIFIED'
    group by customer_id

    union all

    select
        'account' as object_type, account_id as object_id, 'customer_not_in_master' as reason, customer_id,
        cast(null as {{ dbt.type_string() }}) as company_id, min(known_from) as known_from, max(known_to) as known_to
    from {{ ref('stg_crm__accounts') }}
    group by account_id, customer_id

),

found as (

    select
        'document' as object_type, document_id as object_id, held_reason as reason, cast(null as {{ dbt.type_string() }}) as detail,
        company_id, customer_id, currency, cast(direction * gross_amount as decimal(18, 3)) as amount, true as is_held, known_from, known_to
    from {{ ref('int_documents') }}
    where held_reason is not null and held_reason != 'draft'

    union all

    select
        'receipt' as object_type, receipt_id as object_id, held_reason as reason, cast(null as {{ dbt.type_string() }}) as detail,
        company_id, customer_id, currency, cast(-1 * amount as decimal(18, 3)) as amount, true as is_held, known_from, known_to
    from {{ ref('int_receipts') }}
    where held_reason is not null

    union all

    select
        'adjustment' as object_type, adjustment_id as object_id, held_reason as reason, side_key as detail,
        company_id, customer_id, currency, stated_amount as amount, true as is_held, known_from, known_to
    from {{ ref('int_adjustments') }}
    where held_reason is not null

    union all

    select
        'application' as object_type, applications.application_id as object_id,
        coalesce(held.reason, applications.held_reason) as reason,
        applications.source_key || ' -> ' || applications.target_key as detail,
        cast(null as {{ dbt.type_string() }}) as company_id, cast(null as {{ dbt.type_string() }}) as customer_id,
        coalesce(applications.target_currency, applications.source_currency) as currency,
        cast(applications.amount + applications.discount_amount as decimal(18, 3)) as amount, true as is_held,
        greatest(applications.known_from, coalesce(held.known_from, applications.known_from)) as known_from,
        least(applications.known_to, coalesce(held.known_to, applications.known_to)) as known_to
    from {{ ref('int_applications') }} as applications
    left join {{ ref('int_settlements_decided') }} as held
        on held.kind = 'held'
        and held.movement_id = applications.application_id
        and {{ known_together('held', 'applications') }}
    where applications.held_reason is not null or held.reason is not null

    union all

    select
        'installment' as object_type, plans.document_id as object_id,
        case when plans.installment_total = plans.gross_amount then 'too_many_decimals' else 'installments_do_not_add_up' end as reason,
        'installments ' || cast(plans.installment_total as {{ dbt.type_string() }})
        || coalesce(', document ' || cast(plans.gross_amount as {{ dbt.type_string() }}), ', no document') as detail,
        documents.company_id, documents.customer_id, documents.currency, cast(0 as decimal(18, 3)) as amount, false as is_held,
        greatest(plans.known_from, coalesce(documents.known_from, plans.known_from)) as known_from,
        least(plans.known_to, coalesce(documents.known_to, plans.known_to)) as known_to
    from {{ ref('int_installment_plans') }} as plans
    left join {{ ref('stg_ledger__documents') }} as documents
        on documents.document_id = plans.document_id
        and {{ known_together('documents', 'plans') }}
    where not plans.is_valid

    union all

    select
        'document' as object_type, document_id as object_id, flags.reason, cast(null as {{ dbt.type_string() }}) as detail,
        company_id, customer_id, currency, cast(direction * gross_amount as decimal(18, 3)) as amount, false as is_held, known_from, known_to
    from {{ ref('int_documents') }} as documents
    inner join (
        select 'due_before_document_date' as reason
        union all
        select 'void_without_date' as reason
        union all
        select 'void_before_posting' as reason
        union all
        select 'void_date_without_status' as reason
    ) as flags
        on (flags.reason = 'due_before_document_date' and documents.due_date < documents.document_date)
        or (flags.reason = 'void_without_date' and documents.status = 'void' and documents.voided_on is null)
        or (flags.reason = 'void_before_posting' and documents.status = 'void' and documents.voided_on < documents.posting_date)
        or (flags.reason = 'void_date_without_status' and documents.status != 'void' and documents.voided_on is not null)
    where documents.held_reason is null

    union all

    select
        'document' as object_type, documents.document_id as object_id, 'terms_unknown' as reason, terms.payment_terms_id as detail,
        documents.company_id, documents.customer_id, documents.currency, cast(documents.direction * documents.gross_amount as decimal(18, 3)) as amount,
        false as is_held,
        greatest(documents.known_from, terms.known_from) as known_from, least(documents.known_to, terms.known_to) as known_to
    from {{ ref('int_documents') }} as documents
    inner join {{ ref('int_document_terms') }} as terms
        on terms.document_id = documents.document_id
        and terms.has_unknown_terms
        and {{ known_together('terms', 'documents') }}
    where documents.held_reason is null

    union all

    select
        'receipt' as object_type, receipt_id as object_id,
        case
            when status != 'reversed' then 'reversal_date_without_status'
            when reversed_on is null then 'reversal_without_date'
            else 'reversal_before_posting'
        end as reason,
        cast(null as {{ dbt.type_string() }}) as detail,
        company_id, customer_id, currency, cast(-1 * amount as decimal(18, 3)) as amount, false as is_held, known_from, known_to
    from {{ ref('int_receipts') }}
    where held_reason is null
        and ((status = 'reversed' and reversed_on is null) or (status != 'reversed' and reversed_on is not null) or reversed_on < posting_date)

    union all

    -- A base amount in the base currency that is not the amount: the amount counts.
    select
        'document' as object_type, documents.document_id as object_id, 'base_amount_differs' as reason,
        cast(documents.gross_amount_base as {{ dbt.type_string() }}) as detail,
        documents.company_id, documents.customer_id, documents.currency, documents.gross_amount as amount, false as is_held,
        documents.known_from, documents.known_to
    from {{ ref('stg_ledger__documents') }} as documents
    inner join {{ ref('stg_ledger__companies') }} as companies
        on companies.company_id = documents.company_id
        and companies.base_currency = documents.currency
    where documents.gross_amount_base != documents.gross_amount

    union all

    select
        'receipt' as object_type, receipts.receipt_id as object_id, 'base_amount_differs' as reason,
        cast(receipts.amount_base as {{ dbt.type_string() }}) as detail,
        receipts.company_id, receipts.customer_id, receipts.currency, cast(-1 * receipts.amount as decimal(18, 3)) as amount, false as is_held,
        receipts.known_from, receipts.known_to
    from {{ ref('stg_ledger__receipts') }} as receipts
    inner join {{ ref('stg_ledger__companies') }} as companies
        on companies.company_id = receipts.company_id
        and companies.base_currency = receipts.currency
    where receipts.amount_base != receipts.amount

    union all

    select
        'adjustment' as object_type, adjustment_id as object_id, 'base_amount_differs' as reason, side_key as detail,
        company_id, customer_id, currency, stated_amount as amount, false as is_held, known_from, known_to
    from {{ ref('int_adjustments') }}
    where is_base_amount_ignored and held_reason is null

    union all

    select
        'document' as object_type, document_id as object_id, 'newer_version_rejected' as reason, cast(null as {{ dbt.type_string() }}) as detail,
        company_id, customer_id, currency, gross_amount as amount, false as is_held, known_from, known_to
    from {{ ref('stg_ledger__documents') }}
    where is_flagged

    union all

    select
        'receipt' as object_type, receipt_id as object_id, 'newer_version_rejected' as reason, cast(null as {{ dbt.type_string() }}) as detail,
        company_id, customer_id, currency, cast(-1 * amount as decimal(18, 3)) as amount, false as is_held, known_from, known_to
    from {{ ref('stg_ledger__receipts') }}
    where is_flagged

    union all

    -- Customers that the ledger or the CRM names and the master does not, until it does. One that left the master was known: its rows keep it.
    select
        named.object_type, named.object_id, named.reason, cast(null as {{ dbt.type_string() }}) as detail,
        named.company_id, named.customer_id, cast(null as {{ dbt.type_string() }}) as currency, cast(0 as decimal(18, 3)) as amount, false as is_held,
        named.known_from, least(named.known_to, coalesce(masters.known_from, named.known_to)) as known_to
    from named
    left join masters on masters.customer_id = named.customer_id
    where masters.known_from is null or masters.known_from > named.known_from

),

marked as (

    select
        found.*,
        case when known_from = lag(known_to) over (partition by object_type, object_id, reason order by known_from) then 0 else 1 end as is_new
    from found

),

numbered as (

    select
        marked.*,
        sum(is_new) over (partition by object_type, object_id, reason order by known_from rows between unbounded preceding and current row) as island
    from marked

)

select
    object_type || '|' || object_id || '|' || reason || '@' || cast(min(known_from) as {{ dbt.type_string() }}) as exception_id,
    object_type, object_id, reason,
    max_by(detail, known_from) as detail,
    max_by(company_id, known_from) as company_id,
    max_by(customer_id, known_from) as customer_id,
    max_by(currency, known_from) as currency,
    max_by(amount, known_from) as amount,
    is_held,
    min(known_from) as known_from,
    max(known_to) as known_to
from numbered
group by object_type, object_id, reason, is_held, island
