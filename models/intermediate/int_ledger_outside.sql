-- What the ledger's systems hold and the subledger leaves out: held by an exception, or rejected by landing. Each row is the movement that it would have been, while
-- it would have counted: counts_from <= day < counts_until.
with companies as (

    select company_id, base_currency from {{ ref('stg_ledger__companies') }}

),

held_applications as (

    select
        applications.application_id, applications.effective_on, applications.ended_on,
        exceptions.reason,
        targets.company_id as target_company_id, targets.receivable_account as target_receivable_account, targets.currency as target_currency,
        targets.customer_id as target_customer_id, sources.customer_id as source_customer_id,
        sources.company_id as source_company_id, sources.receivable_account as source_receivable_account, sources.currency as source_currency,
        cast(applications.amount + applications.discount_amount as decimal(18, 3)) as lowered_amount,
        applications.source_amount as raised_amount
    from {{ ref('int_exceptions') }} as exceptions
    inner join {{ ref('int_applications') }} as applications
        on applications.application_id = exceptions.object_id
        and {{ is_known('applications') }}
    inner join {{ ref('int_sides') }} as targets
        on targets.side_key = applications.target_key
        and {{ is_known('targets') }}
    inner join {{ ref('int_sides') }} as sources
        on sources.side_key = applications.source_key
        and {{ is_known('sources') }}
    where exceptions.object_type = 'application' and exceptions.is_held and {{ is_known('exceptions') }}
        and applications.source_amount is not null

),

held as (

    select
        'document' as object_type, document_id as object_id, company_id, customer_id, receivable_account, currency,
        posting_date as counts_from, ended_on as counts_until,
        cast(direction * gross_amount as decimal(18, 3)) as amount, cast(direction * gross_amount_base as decimal(18, 3)) as amount_base,
        'held: ' || held_reason as told
    from {{ ref('int_documents') }}
    where {{ is_known() }} and held_reason is not null and held_reason != 'draft'

    union all

    select
        'receipt' as object_type, receipt_id as object_id, company_id, customer_id, receivable_account, currency,
        posting_date as counts_from, ended_on as counts_until,
        cast(-1 * amount as decimal(18, 3)) as amount, cast(-1 * amount_base as decimal(18, 3)) as amount_base,
        'held: ' || held_reason as told
    from {{ ref('int_receipts') }}
    where {{ is_known() }} and held_reason is not null

    union all

    select
        'adjustment' as object_type, adjustments.adjustment_id as object_id, adjustments.company_id, adjustments.customer_id,
        adjustments.receivable_account, adjustments.currency,
        adjustments.posting_date as counts_from, {{ open_date() }} as counts_until,
        case when adjustments.adjustment_type = 'revaluation' then cast(0 as decimal(18, 3)) else adjustments.stated_amount end as amount,
        case
            when adjustments.amount_base is not null then adjustments.amount_base
            when adjustments.currency = companies.base_currency then adjustments.stated_amount
        end as amount_base,
        'held: ' || adjustments.held_reason as told
    from {{ ref('int_adjustments') }} as adjustments
    left join companies on companies.company_id = adjustments.company_id
    where {{ is_known('adjustments') }} and adjustments.held_reason is not null

    union all

    -- A held application moves nothing within its account but its discount; between accounts it would have moved all of it.
    select
        'application' as object_type, application_id as object_id, sides.company_id, customer_id, receivable_account, currency,
        min(counts_from) as counts_from, min(counts_until) as counts_until, cast(sum(amount) as decimal(18, 3)) as amount,
        case when currency = max(companies.base_currency) then cast(sum(amount) as decimal(18, 3)) end as amount_base,
        'held: ' || max(reason) as told
    from (
        select
            application_id, target_company_id as company_id, target_customer_id as customer_id, target_receivable_account as receivable_account, target_currency as currency,
            effective_on as counts_from, ended_on as counts_until, -1 * lowered_amount as amount, reason
        from held_applications
        union all
        select
            application_id, source_company_id as company_id, source_customer_id as customer_id, source_receivable_account as receivable_account, source_currency as currency,
            effective_on as counts_from, ended_on as counts_until, raised_amount as amount, reason
        from held_applications
    ) as sides
    left join companies on companies.company_id = sides.company_id
    group by application_id, sides.company_id, customer_id, receivable_account, currency
    having sum(amount) != 0

),

-- The rejected row itself, and the good version before it, which the subledger goes on to hold in its place.
rejected as (

    select
        rejects.object_type, rejects.object_id, rejects.company_id, rejects.customer_id, rejects.receivable_account, rejects.currency,
        rejects.posting_date as counts_from, {{ open_date() }} as counts_until, rejects.amount,
        case when rejects.currency = companies.base_currency then rejects.amount end as amount_base,
        'rejected: ' || rejects.file || ' line ' || cast(rejects.line as {{ dbt.type_string() }}) || ': ' || rejects.reason as told,
        rejects.is_one_of_several
    from {{ ref('stg_ledger__rejects') }} as rejects
    left join companies on companies.company_id = rejects.company_id
    where rejects.amount is not null

    union all

    select
        case when items.item_type = 'receipt' then 'receipt' when items.item_type = 'adjustment' then 'adjustment' else 'document' end as object_type,
        items.document_id as object_id, items.company_id, items.customer_id, items.receivable_account, items.currency,
        items.posting_date as counts_from, items.ended_on as counts_until,
        cast(-1 * items.original_amount as decimal(18, 3)) as amount, cast(-1 * items.original_amount_base as decimal(18, 3)) as amount_base,
        'the last good version of a rejected row' as told, false as is_one_of_several
    from {{ ref('dim_item_versions') }} as items
    inner join (select distinct object_type, object_id from {{ ref('stg_ledger__rejects') }} where amount is not null and not is_one_of_several) as rejects
        on rejects.object_id = items.document_id
        and rejects.object_type = case when items.item_type = 'receipt' then 'receipt' when items.item_type = 'adjustment' then 'adjustment' else 'document' end
    where {{ is_known('items') }}

),

unioned as (

    select 'held' as evidence, held.*, false as is_one_of_several from held
    union all
    select 'rejected' as evidence, rejected.* from rejected

)

select *
from unioned
where counts_from < counts_until
    and amount != 0
