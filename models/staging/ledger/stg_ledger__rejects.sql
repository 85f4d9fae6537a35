-- Rejected documents, receipts and adjustments, each as the movement that it would have been. A rejected row counts until a later drop says its key again, or is
-- a full drop of its feed: that is the source's last word.
with told as (

    select
        rejects.feed, rejects.key, rejects.reason, rejects.column as faulty_column, rejects.file, rejects.line,
        rejects.company_id, rejects.customer_id, rejects.receivable_account, rejects.currency, rejects.posting_date,
        rejects.document_type, rejects.amount, deliveries.extracted_at, deliveries.source_id,
        rank() over (partition by rejects.feed, rejects.key order by deliveries.extracted_at desc, deliveries.drop_id desc) as recency
    from {{ source('landing', 'rejects') }} as rejects
    inner join {{ source('landing', 'deliveries') }} as deliveries
        on deliveries.drop_id = rejects.drop_id
        and deliveries.feed = rejects.feed
        and {{ was_taken('deliveries') }}
    where rejects.feed in ('documents', 'receipts', 'adjustments')
        and coalesce(rejects.status, 'posted') not in ('draft', 'void', 'reversed')

),

told_whole as (

    select feed, source_id, max(extracted_at) as extracted_at
    from {{ source('landing', 'deliveries') }} as deliveries
    where mode != 'incremental' and not is_scoped and {{ was_taken('deliveries') }}
    group by feed, source_id

),

-- Keys that have a good version now, told after the rejected one.
said_again as (

    select 'documents' as feed, document_id as key from {{ source('ledger', 'documents') }} where {{ is_known() }} and not is_flagged
    union all
    select 'receipts' as feed, receipt_id as key from {{ source('ledger', 'receipts') }} where {{ is_known() }} and not is_flagged
    union all
    select 'adjustments' as feed, adjustment_id as key from {{ source('ledger', 'adjustments') }} where {{ is_known() }} and not is_flagged

),

unresolved as (

    select told.*, count(*) over (partition by told.feed, told.key) as versions
    from told
    left join said_again on said_again.feed = told.feed and said_again.key = told.key
    left join told_whole on told_whole.feed = told.feed and told_whole.source_id = told.source_id
    where (told.key is null or told.recency = 1)
        and said_again.key is null
        and (told_whole.extracted_at is null or told_whole.extracted_at <= told.extracted_at)

),

with_company as (

    select unresolved.* except (company_id), coalesce(unresolved.company_id, sole.company_id) as company_id
    from unresolved
    left join {{ ref('stg_ledger__companies') }} as sole on sole.is_only_company

)

select
    case feed when 'documents' then 'document' when 'receipts' then 'receipt' else 'adjustment' end as object_type,
    coalesce(key, file || ' line ' || cast(line as {{ dbt.type_string() }})) as object_id,
    with_company.company_id, customer_id,
    coalesce(with_company.receivable_account, accounts.receivable_account) as receivable_account,
    currency, posting_date,
    -- NULL where the amount is what is wrong with the row, or its type does not say which way it moves.
    case
        when faulty_column in ('amount', 'gross_amount') then null
        when feed = 'receipts' then cast(-1 * amount as decimal(18, 3))
        when feed = 'adjustments' then amount
        when document_type in ('credit_memo', 'opening_credit', 'journal_credit') then cast(-1 * amount as decimal(18, 3))
        when document_type is not null then amount
    end as amount,
    reason, file, line,
    -- One row of several that stand there with this key: nobody knows which is right.
    key is not null and versions > 1 as is_one_of_several
from with_company
left join {{ ref('stg_ledger__receivable_accounts') }} as accounts on accounts.company_id = with_company.company_id
