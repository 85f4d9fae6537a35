-- What the extracts know that only one of the two ledgers may hold, by account and day: each row with the amount that it adds to the difference (general ledger less
-- subledger) while it counts, on counts_from <= day < counts_until. Which of it explains a difference is decided by int_gl_explanations (decision 0012).
with accounts as (

    select distinct company_id, receivable_account
    from {{ ref('int_gl_differences') }}
    where difference_amount != 0

),

companies as (

    select company_id, base_currency from {{ ref('stg_ledger__companies') }}

),

-- Events that the subledger did not hold when the general ledger was last read, or held then and holds no more.
late_events as (

    select
        events.item_id, events.document_id, events.company_id, events.receivable_account, events.currency, events.posting_date,
        case
            when events.item_id like 'document:%' then 'document'
            when events.item_id like 'receipt:%' then 'receipt'
            else 'adjustment'
        end as object_type,
        case when {{ is_known('events') }} then -1 else 1 end as direction,
        events.amount, events.amount_base, reads.read_at
    from {{ ref('int_ar_events') }} as events
    inner join {{ ref('stg_ledger__gl_reads') }} as reads on reads.company_id = events.company_id
    where events.posting_date <= {{ as_of() }}
        and events.movement != 'application'
        and ({{ is_known('events') }}) != (events.known_from <= reads.read_at and events.known_to > reads.read_at)

),

late as (

    select
        object_type, document_id as object_id, company_id, receivable_account, currency,
        posting_date as counts_from, {{ open_date() }} as counts_until,
        cast(sum(direction * amount) as decimal(18, 3)) as amount, cast(sum(direction * amount_base) as decimal(18, 3)) as amount_base,
        'told after the general ledger was last read at ' || cast(max(read_at) as {{ dbt.type_string() }}) as told
    from late_events
    group by 1, 2, 3, 4, 5, 6
    having sum(direction * amount) != 0 or sum(direction * amount_base) != 0

),

held_applications as (

    select
        applications.application_id, applications.effective_on, applications.ended_on,
        exceptions.reason,
        targets.company_id as target_company_id, targets.receivable_account as target_receivable_account, targets.currency as target_currency,
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
        'document' as object_type, document_id as object_id, company_id, receivable_account, currency,
        posting_date as counts_from, ended_on as counts_until,
        cast(direction * gross_amount as decimal(18, 3)) as amount, cast(direction * gross_amount_base as decimal(18, 3)) as amount_base,
        'held: ' || held_reason as told
    from {{ ref('int_documents') }}
    where {{ is_known() }} and held_reason is not null and held_reason != 'draft'

    union all

    select
        'receipt' as object_type, receipt_id as object_id, company_id, receivable_account, currency,
        posting_date as counts_from, ended_on as counts_until,
        cast(-1 * amount as decimal(18, 3)) as amount, cast(-1 * amount_base as decimal(18, 3)) as amount_base,
        'held: ' || held_reason as told
    from {{ ref('int_receipts') }}
    where {{ is_known() }} and held_reason is not null

    union all

    select
        'adjustment' as object_type, adjustments.adjustment_id as object_id, adjustments.company_id, adjustments.receivable_account, adjustments.currency,
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
        'application' as object_type, application_id as object_id, sides.company_id, receivable_account, currency,
        min(counts_from) as counts_from, min(counts_until) as counts_until, cast(sum(amount) as decimal(18, 3)) as amount,
        case when currency = max(companies.base_currency) then cast(sum(amount) as decimal(18, 3)) end as amount_base,
        'held: ' || max(reason) as told
    from (
        select
            application_id, target_company_id as company_id, target_receivable_account as receivable_account, target_currency as currency,
            effective_on as counts_from, ended_on as counts_until, -1 * lowered_amount as amount, reason
        from held_applications
        union all
        select
            application_id, source_company_id as company_id, source_receivable_account as receivable_account, source_currency as currency,
            effective_on as counts_from, ended_on as counts_until, raised_amount as amount, reason
        from held_applications
    ) as sides
    left join companies on companies.company_id = sides.company_id
    group by application_id, sides.company_id, receivable_account, currency
    having sum(amount) != 0

),

-- The rejected row itself, and the good version before it, which the subledger goes on to hold in its place.
rejected as (

    select
        rejects.object_type, rejects.object_id, rejects.company_id, rejects.receivable_account, rejects.currency,
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
        items.document_id as object_id, items.company_id, items.receivable_account, items.currency,
        items.posting_date as counts_from, items.ended_on as counts_until,
        cast(-1 * items.original_amount as decimal(18, 3)) as amount, cast(-1 * items.original_amount_base as decimal(18, 3)) as amount_base,
        'the last good version of a rejected row' as told, false as is_one_of_several
    from {{ ref('int_items') }} as items
    inner join (select distinct object_type, object_id from {{ ref('stg_ledger__rejects') }} where amount is not null and not is_one_of_several) as rejects
        on rejects.object_id = items.document_id
        and rejects.object_type = case when items.item_type = 'receipt' then 'receipt' when items.item_type = 'adjustment' then 'adjustment' else 'document' end
    where {{ is_known('items') }}

),

-- Cash that is not applied; a ledger may keep it, or the part that names no customer, off its receivable account.
open_cash as (

    select
        case when customer_id = 'UNIDENTIFIED' then 'unidentified' else 'unapplied' end as evidence,
        'receipt' as object_type, substring(item_id, length('receipt:') + 1, length(item_id)) as object_id, company_id, receivable_account, currency,
        valid_from as counts_from, valid_to as counts_until,
        cast(-1 * open_amount as decimal(18, 3)) as amount, cast(-1 * open_amount_base as decimal(18, 3)) as amount_base,
        case when customer_id = 'UNIDENTIFIED' then 'unidentified cash' else 'cash on account of ' || customer_id end as told
    from {{ ref('int_item_balances') }}
    where item_type = 'receipt'
        and item_id not in (select item_id from late_events)

),

journals as (

    select
        case when amount = 0 then 'revaluation' else 'journal' end as evidence,
        object_type, object_id, company_id, receivable_account, currency, posting_date as counts_from, {{ open_date() }} as counts_until,
        cast(-1 * amount as decimal(18, 3)) as amount, cast(-1 * amount_base as decimal(18, 3)) as amount_base,
        'journal in the subledger' as told
    from {{ ref('int_gl_postings') }}
    where is_journal and not is_late

),

-- Documents and receipts that the extracts held once and hold no more (deleted before the general ledger was last read), and drafts.
once_held as (

    select
        'document' as object_type, document_id as object_id, company_id, receivable_account, currency, posting_date, ended_on,
        direction * gross_amount as amount, direction * gross_amount_base as amount_base, held_reason, known_from, known_to
    from {{ ref('int_documents') }}

    union all

    select
        'receipt' as object_type, receipt_id as object_id, company_id, receivable_account, currency, posting_date, ended_on,
        -1 * amount as amount, -1 * amount_base as amount_base, held_reason, known_from, known_to
    from {{ ref('int_receipts') }}

),

last_versions as (

    select
        once_held.*, reads.read_at,
        row_number() over (partition by once_held.object_type, once_held.object_id order by once_held.known_to desc) as recency
    from once_held
    inner join {{ ref('stg_ledger__gl_reads') }} as reads on reads.company_id = once_held.company_id
    where once_held.known_from <= reads.read_at

),

absent as (

    select
        object_type, object_id, company_id, receivable_account, currency, posting_date as counts_from, ended_on as counts_until,
        cast(amount as decimal(18, 3)) as amount, cast(amount_base as decimal(18, 3)) as amount_base,
        'deleted in the extracts at ' || cast(known_to as {{ dbt.type_string() }}) as told
    from last_versions
    where recency = 1 and held_reason is null and known_to <= read_at

    union all

    select
        'document' as object_type, document_id as object_id, company_id, receivable_account, currency,
        posting_date as counts_from, ended_on as counts_until,
        cast(direction * gross_amount as decimal(18, 3)) as amount, cast(direction * gross_amount_base as decimal(18, 3)) as amount_base,
        'draft in the extracts' as told
    from {{ ref('int_documents') }}
    where {{ is_known() }} and held_reason = 'draft'

),

unioned as (

    select
        'late' as evidence, object_type, object_id, company_id, receivable_account, currency, counts_from, counts_until,
        amount, amount_base, told, false as is_one_of_several
    from late
    union all
    select 'held' as evidence, object_type, object_id, company_id, receivable_account, currency, counts_from, counts_until, amount, amount_base, told, false
    from held
    union all
    select 'rejected' as evidence, object_type, object_id, company_id, receivable_account, currency, counts_from, counts_until, amount, amount_base, told, is_one_of_several
    from rejected
    union all
    select evidence, object_type, object_id, company_id, receivable_account, currency, counts_from, counts_until, amount, amount_base, told, false
    from open_cash
    union all
    select evidence, object_type, object_id, company_id, receivable_account, currency, counts_from, counts_until, amount, amount_base, told, false
    from journals
    union all
    select 'absent' as evidence, object_type, object_id, company_id, receivable_account, currency, counts_from, counts_until, amount, amount_base, told, false
    from absent

)

select
    unioned.evidence, unioned.object_type, unioned.object_id, unioned.company_id, unioned.receivable_account,
    unioned.currency, companies.base_currency, unioned.counts_from, unioned.counts_until,
    unioned.amount,
    case when unioned.currency = companies.base_currency and unioned.amount != 0 then coalesce(unioned.amount_base, unioned.amount) else unioned.amount_base end as amount_base,
    unioned.told, unioned.is_one_of_several
from unioned
inner join accounts
    on accounts.company_id = unioned.company_id
    and accounts.receivable_account = unioned.receivable_account
inner join companies on companies.company_id = unioned.company_id
where unioned.counts_from < unioned.counts_until
    and unioned.counts_from <= {{ as_of() }}
