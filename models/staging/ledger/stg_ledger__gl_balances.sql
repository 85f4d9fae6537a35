-- A row without a company belongs to the only one, a row without an account to its company's first.
with balances as (

    select
        raw.*,
        coalesce(raw.company_id, sole.company_id) as resolved_company_id
    from {{ source('ledger', 'gl_balances') }} as raw
    left join {{ ref('stg_ledger__companies') }} as sole on sole.is_only_company

)

select
    balances.resolved_company_id as company_id,
    coalesce(balances.receivable_account, accounts.receivable_account) as receivable_account,
    balances.period_end, balances.balance_kind, balances.currency,
    balances.closing_balance as closing_balance_amount,
    balances.is_flagged, balances.known_from, balances.known_to
from balances
left join {{ ref('stg_ledger__receivable_accounts') }} as accounts on accounts.company_id = balances.resolved_company_id
