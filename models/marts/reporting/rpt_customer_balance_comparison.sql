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

-- What the ERP's list holds and the subledger leaves out.
outside as (

    select
        dates.company_id,
        outside.customer_id,
        outside.currency,
        dates.as_of_date,
        sum(case when outside.evidence = 'held' then outside.amount else 0 end) as held_amount,
        sum(case when outside.evidence = 'rejected' then outside.amount else 0 end) as rejected_amount

    from dates

    inner join {{ ref('int_ledger_outside') }} as outside
        on outside.company_id = dates.company_id
        and outside.counts_from <= dates.as_of_date
        and outside.counts_until > dates.as_of_date
        and not outside.is_one_of_several

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

),

-- Held or rejected rows explain a difference only where they come to it exactly: alone, else both together.
explained as (

    select
        compared.*,
        compared.erp_amount - compared.subledger_amount as difference_amount,
        case
            when compared.erp_amount = compared.subledger_amount then 0
            when compared.erp_amount - compared.subledger_amount in (outside.held_amount, outside.held_amount + outside.rejected_amount)
                then outside.held_amount
            else 0
        end as held_amount,
        case
            when compared.erp_amount - compared.subledger_amount in (0, outside.held_amount) then 0
            when compared.erp_amount - compared.subledger_amount in (outside.rejected_amount, outside.held_amount + outside.rejected_amount)
                then outside.rejected_amount
            else 0
        end as rejected_amount

    from compared

    left join outside
        on outside.company_id = compared.company_id
        and outside.customer_id = compared.customer_id
        and outside.currency = compared.currency
        and outside.as_of_date = compared.as_of_date

)

select
    company_id,
    customer_id,
    as_of_date,
    currency,
    cast(erp_amount as decimal(18, 3)) as erp_amount,
    cast(subledger_amount as decimal(18, 3)) as subledger_amount,
    cast(difference_amount as decimal(18, 3)) as difference_amount,
    cast(held_amount as decimal(18, 3)) as held_amount,
    cast(rejected_amount as decimal(18, 3)) as rejected_amount,
    cast(difference_amount - held_amount - rejected_amount as decimal(18, 3)) as unexplained_amount,
    erp_amount = subledger_amount as is_equal,
    is_in_erp

from explained

where is_in_erp
    or subledger_amount != 0
