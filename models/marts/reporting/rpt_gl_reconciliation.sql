-- The general ledger's control accounts against the subledger, account by account, at every period end that a company delivered; intercompany included.
with control_balances as (

    select
        company_id,
        receivable_account,
        period_end,
        balance_kind,
        currency,
        closing_balance_amount

    from {{ ref('stg_ledger__gl_balances') }}

    where {{ is_known() }}
        and period_end <= {{ as_of() }}

),

-- A kind of balance that the general ledger does not deliver is not compared at all.
periods as (

    select distinct company_id, period_end, balance_kind
    from control_balances

),

subledger_daily as (

    select company_id, receivable_account, 'document_currency' as balance_kind, currency, posting_date, sum(amount) as amount
    from {{ ref('int_ledger_daily') }}
    group by 1, 2, 3, 4, 5

    union all

    select company_id, receivable_account, 'base_total' as balance_kind, base_currency as currency, posting_date, sum(amount_base) as amount
    from {{ ref('int_ledger_daily') }}
    group by 1, 2, 3, 4, 5

),

subledger as (

    select
        periods.company_id,
        subledger_daily.receivable_account,
        periods.period_end,
        periods.balance_kind,
        subledger_daily.currency,
        sum(subledger_daily.amount) as amount

    from periods

    inner join subledger_daily
        on subledger_daily.company_id = periods.company_id
        and subledger_daily.balance_kind = periods.balance_kind
        and subledger_daily.posting_date <= periods.period_end

    group by 1, 2, 3, 4, 5

),

compared as (

    select
        coalesce(control_balances.company_id, subledger.company_id) as company_id,
        coalesce(control_balances.receivable_account, subledger.receivable_account) as receivable_account,
        coalesce(control_balances.period_end, subledger.period_end) as period_end,
        coalesce(control_balances.balance_kind, subledger.balance_kind) as balance_kind,
        coalesce(control_balances.currency, subledger.currency) as currency,
        coalesce(control_balances.closing_balance_amount, 0) as gl_amount,
        coalesce(subledger.amount, 0) as subledger_amount,
        control_balances.company_id is not null as is_in_gl

    from control_balances

    full outer join subledger
        on subledger.company_id = control_balances.company_id
        and subledger.receivable_account = control_balances.receivable_account
        and subledger.period_end = control_balances.period_end
        and subledger.balance_kind = control_balances.balance_kind
        and subledger.currency = control_balances.currency

)

select
    company_id,
    receivable_account,
    period_end,
    balance_kind,
    currency,
    cast(gl_amount as decimal(18, 3)) as gl_amount,
    cast(subledger_amount as decimal(18, 3)) as subledger_amount,
    cast(gl_amount - subledger_amount as decimal(18, 3)) as difference_amount,
    gl_amount = subledger_amount as is_reconciled,
    is_in_gl

from compared

-- What the general ledger does not list and the subledger no longer holds is no row.
where is_in_gl
    or subledger_amount != 0
