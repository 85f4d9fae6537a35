{{ config(materialized=family_table()) }}

-- What is open on each item from day to day, as known now, up to as_of: one row per item and span of days with the same balance.
with events as (

    select item_id, posting_date, sum(amount) as amount, sum(amount_base) as amount_base
    from {{ touched(ref('fct_ar_events'), 'moved') }}
    where {{ is_known() }}
        and posting_date <= {{ as_of() }}
    group by item_id, posting_date

),

balances as (

    select
        item_id,
        posting_date as valid_from,
        lead(posting_date, 1, {{ open_date() }}) over (partition by item_id order by posting_date) as valid_to,
        cast(sum(amount) over (partition by item_id order by posting_date rows between unbounded preceding and current row) as decimal(18, 3)) as open_amount,
        cast(sum(amount_base) over (partition by item_id order by posting_date rows between unbounded preceding and current row) as decimal(18, 3)) as open_amount_base
    from events

)

select
    balances.item_id, balances.valid_from, balances.valid_to, balances.open_amount, balances.open_amount_base,
    items.company_id, items.customer_id, items.receivable_account, items.item_type, items.currency, items.base_currency,
    items.document_date, items.posting_date, items.due_date,
    coalesce(customers.is_intercompany, false) as is_intercompany
from balances
inner join {{ touched(ref('dim_item_versions'), 'moved') }} as items on items.item_id = balances.item_id and {{ is_known('items') }}
left join {{ ref('stg_ledger__customers') }} as customers on customers.customer_id = items.customer_id and {{ is_known('customers') }}
where balances.open_amount != 0 or balances.open_amount_base != 0
