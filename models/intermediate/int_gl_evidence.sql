-- What the extracts know that only one of the two ledgers may hold, by account and day: each row with the amount that it adds to the difference (general ledger less
-- subledger) while it counts, on counts_from <= day < counts_until. Which of it explains a difference is decided by int_gl_explanations (decision 0013).
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
    from {{ ref('fct_ar_events') }} as events
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

-- Only what was no longer known when the general ledger was read can be absent from it; most objects always were.
ended as (

    select distinct once_held.object_type, once_held.object_id
    from once_held
    inner join {{ ref('stg_ledger__gl_reads') }} as reads on reads.company_id = once_held.company_id
    where once_held.known_to <= reads.read_at

),

last_versions as (

    select
        once_held.*, reads.read_at,
        row_number() over (partition by once_held.object_type, once_held.object_id order by once_held.known_to desc) as recency
    from once_held
    inner join ended on ended.object_type = once_held.object_type and ended.object_id = once_held.object_id
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
    select
        evidence, object_type, object_id, company_id, receivable_account, currency, counts_from, counts_until, amount, amount_base, told, is_one_of_several
    from {{ ref('int_ledger_outside') }}
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
