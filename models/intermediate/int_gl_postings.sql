-- What moved the balance of a control account that differs from the general ledger: each document's, receipt's, adjustment's or application's movement of a day,
-- on the days on which a posting can explain a difference; journals of all days. Applications within an account move no balance and are left out.
with accounts as (

    select distinct company_id, receivable_account
    from {{ ref('int_gl_differences') }}
    where difference_amount != 0

),

-- From the period end before a difference to the one behind it; where none is delivered yet, as many days as a ledger is closed too early at most (CUTOFF_DAYS of
-- orchestration/reconciliation.py).
looked_at as (

    select distinct lines.company_id, lines.receivable_account, calendar.date_day
    from {{ ref('int_gl_differences') }} as lines
    inner join {{ ref('int_calendar') }} as calendar
        on calendar.date_day > lines.prior_period_end
        and calendar.date_day <= coalesce(lines.next_period_end, {{ add_days('lines.period_end', 7) }})
    where lines.difference_amount != 0

),

reads as (

    select * from {{ ref('stg_ledger__gl_reads') }}

),

keyed as (

    -- An event's id is its key and, behind an @, since when it is known.
    select
        events.*,
        -- Journals of the subledger: what no business transaction posted.
        coalesce(
            events.event_subtype in ('journal_debit', 'journal_credit')
            or (events.event_type = 'adjustment' and events.event_subtype in ('other', 'revaluation')), false
        ) as is_journal,
        substring(events.event_id, 1, length(events.event_id) - 1 - length(cast(events.known_from as {{ dbt.type_string() }}))) as event_key
    from {{ ref('fct_ar_events') }} as events
    where {{ is_known('events') }}
        and events.posting_date <= {{ as_of() }}
        and events.movement != 'application'

),

events as (

    select
        events.*,
        case
            when events.event_type in ('document', 'void', 'settlement') then 'document'
            when events.event_type in ('receipt', 'bounce') then 'receipt'
            when events.event_type = 'adjustment' then 'adjustment'
            else 'application'
        end as object_type,
        case
            when events.event_type in ('document', 'void', 'settlement', 'receipt', 'bounce') then events.document_id
            when events.application_id is not null then events.application_id
            -- A stand-alone adjustment is its own item; any other names itself before the item that it moves.
            when events.event_key = events.item_id then events.document_id
            else substring(events.event_key, length('adjustment|') + 1, length(events.event_key) - length('adjustment|') - 1 - length(events.item_id))
        end as object_id
    from keyed as events
    inner join accounts
        on accounts.company_id = events.company_id
        and accounts.receivable_account = events.receivable_account
    left join looked_at
        on looked_at.company_id = events.company_id
        and looked_at.receivable_account = events.receivable_account
        and looked_at.date_day = events.posting_date
    where looked_at.date_day is not null or events.is_journal

)

select
    events.company_id, events.receivable_account, events.currency, events.base_currency,
    events.object_type, events.object_id, events.event_type, events.posting_date,
    events.is_journal,
    cast(sum(events.amount) as decimal(18, 3)) as amount,
    cast(sum(events.amount_base) as decimal(18, 3)) as amount_base,
    -- Known only after the general ledger was last read.
    min(case when reads.read_at is null or events.known_from <= reads.read_at then 0 else 1 end) = 1 as is_late
from events
left join reads on reads.company_id = events.company_id
group by 1, 2, 3, 4, 5, 6, 7, 8, 9
having sum(events.amount) != 0 or sum(events.amount_base) != 0
