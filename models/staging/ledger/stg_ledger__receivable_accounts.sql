{{ config(materialized="table") }}

-- The account that rows without one belong to, per company: the first of its control accounts in gl_balances, else the first that its rows name.
with named as (

    select company_id, receivable_account, 1 as preference from {{ source('ledger', 'gl_balances') }}
    union all
    select company_id, receivable_account, 2 as preference from {{ source('ledger', 'documents') }}
    union all
    select company_id, receivable_account, 2 as preference from {{ source('ledger', 'receipts') }}
    union all
    select company_id, receivable_account, 2 as preference from {{ source('ledger', 'adjustments') }}

),

per_company as (

    select
        companies.company_id,
        min(case when named.preference = 1 then named.receivable_account end) as control_account,
        min(named.receivable_account) as named_account
    from {{ ref('stg_ledger__companies') }} as companies
    left join named
        on named.company_id = companies.company_id
        or (named.company_id is null and companies.is_only_company)
    group by companies.company_id

)

select company_id, coalesce(control_account, named_account, 'receivables') as receivable_account
from per_company
