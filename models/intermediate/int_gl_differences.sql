-- The general ledger's control accounts against the subledger, account by account, at every period end that a company delivered; intercompany included. Every
-- account and currency has a row at every period end, so that each row knows its neighbours in time.
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

accounts as (

    select distinct company_id, balance_kind, receivable_account, currency from control_balances
    union
    select distinct company_id, balance_kind, receivable_account, currency from subledger

),

compared as (

    select
        accounts.company_id,
        accounts.receivable_account,
        periods.period_end,
        accounts.balance_kind,
        accounts.currency,
        cast(coalesce(control_balances.closing_balance_amount, 0) as decimal(18, 3)) as gl_amount,
        cast(coalesce(subledger.amount, 0) as decimal(18, 3)) as subledger_amount,
        control_balances.company_id is not null as is_in_gl

    from accounts

    inner join periods
        on periods.company_id = accounts.company_id
        and periods.balance_kind = accounts.balance_kind

    left join control_balances
        on control_balances.company_id = accounts.company_id
        and control_balances.receivable_account = accounts.receivable_account
        and control_balances.period_end = periods.period_end
        and control_balances.balance_kind = accounts.balance_kind
        and control_balances.currency = accounts.currency

    left join subledger
        on subledger.company_id = accounts.company_id
        and subledger.receivable_account = accounts.receivable_account
        and subledger.period_end = periods.period_end
        and subledger.balance_kind = accounts.balance_kind
        and subledger.currency = accounts.currency

),

differences as (

    select
        compared.*,
        cast(gl_amount - subledger_amount as decimal(18, 3)) as difference_amount
    from compared

)

select
    company_id || '|' || receivable_account || '|' || cast(period_end as {{ dbt.type_string() }}) || '|' || balance_kind || '|' || currency as line_id,
    differences.*,
    lag(period_end, 1, date '0001-01-01') over account_in_time as prior_period_end,
    lag(difference_amount, 1, 0) over account_in_time as prior_difference_amount,
    lead(period_end) over account_in_time as next_period_end,
    lead(difference_amount) over account_in_time as next_difference_amount
from differences
window account_in_time as (partition by company_id, receivable_account, balance_kind, currency order by period_end)
