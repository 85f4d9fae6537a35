-- The ERP's own balance list against ours, customer by customer, at every date that a company delivered.
with erp as (

    select company_id, customer_id, currency, as_of_date, balance_amount
    from {{ ref('stg_ledger__customer_balances') }}
    where {{ is_known() }}
        and as_of_date <= {{ as_of() }}

),

dates as (

    select distinct company_id, as_of_date
    from erp

),

ours as (

    select
        dates.company_id,
        balances.customer_id,
        balances.currency,
        dates.as_of_date,
        sum(balances.open_amount) as balance_amount

    from dates

    inner join {{ ref('int_item_balances') }} as balances
        on balances.company_id = dates.company_id
        and balances.valid_from <= dates.as_of_date
        and balances.valid_to > dates.as_of_date

    group by 1, 2, 3, 4

),

compared as (

    select
        coalesce(erp.company_id, ours.company_id) as company_id,
        coalesce(erp.customer_id, ours.customer_id) as customer_id,
        coalesce(erp.currency, ours.currency) as currency,
        coalesce(erp.as_of_date, ours.as_of_date) as as_of_date,
        coalesce(erp.balance_amount, 0) as erp_amount,
        coalesce(ours.balance_amount, 0) as subledger_amount,
        erp.company_id is not null as is_in_erp

    from erp

    full outer join ours
        on ours.company_id = erp.company_id
        and ours.customer_id = erp.customer_id
        and ours.currency = erp.currency
        and ours.as_of_date = erp.as_of_date

)

select
    company_id,
    customer_id,
    as_of_date,
    currency,
    cast(erp_amount as decimal(18, 3)) as erp_amount,
    cast(subledger_amount as decimal(18, 3)) as subledger_amount,
    cast(erp_amount - subledger_amount as decimal(18, 3)) as difference_amount,
    erp_amount = subledger_amount as is_equal,
    is_in_erp

from compared

where is_in_erp
    or subledger_amount != 0
