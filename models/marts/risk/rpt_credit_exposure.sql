-- What each group of customers owes and has on order against the limit of its ultimate parent, in the limit's currency at as_of's rate. A limit of 0 is no credit; no
-- limit at all is no ratio.
with customers as (

    select customer_id, ultimate_parent_id, currency
    from {{ ref('dim_customers') }}
    where not is_intercompany

),

parents as (

    select customer_id as ultimate_parent_id, name, credit_limit_amount, currency
    from {{ ref('dim_customers') }}
    where customer_id = ultimate_parent_id
        and not is_intercompany

),

-- Insurance of a customer: its latest review.
insured as (

    select
        customer_id,
        max_by(insured_amount, reviewed_on) as insured_amount

    from {{ ref('stg_crm__credit_reviews') }}

    where {{ is_known() }}
        and reviewed_on <= {{ as_of() }}
        and insured_amount is not null

    group by 1

),

amounts as (

    select
        customers.ultimate_parent_id,
        open_items.base_currency as currency,
        sum(open_items.open_amount_base) as receivable_amount,
        0 as open_order_amount,
        0 as insured_amount

    from {{ ref('fct_open_items') }} as open_items

    inner join customers
        on customers.customer_id = open_items.customer_id

    group by 1, 2

    union all

    select
        customers.ultimate_parent_id,
        orders.currency,
        0 as receivable_amount,
        sum(orders.amount) as open_order_amount,
        0 as insured_amount

    from {{ ref('stg_ledger__open_orders') }} as orders

    inner join customers
        on customers.customer_id = orders.customer_id

    where {{ is_known('orders') }}
        and orders.order_date <= {{ as_of() }}

    group by 1, 2

    union all

    select
        customers.ultimate_parent_id,
        customers.currency,
        0 as receivable_amount,
        0 as open_order_amount,
        sum(insured.insured_amount) as insured_amount

    from insured

    inner join customers
        on customers.customer_id = insured.customer_id

    group by 1, 2

),

needs as (

    select distinct amounts.currency as from_currency, parents.currency as to_currency, {{ as_of() }} as rate_on
    from amounts
    inner join parents on parents.ultimate_parent_id = amounts.ultimate_parent_id
    where amounts.currency != parents.currency

),

rates as (

    select from_currency, to_currency, rate
    from {{ resolve_rates('needs') }} as resolved
    where {{ is_known('resolved') }}

),

rated as (

    select
        amounts.*,
        case when amounts.currency = parents.currency then cast(1 as decimal(18, 9)) else rates.rate end as rate

    from amounts

    inner join parents
        on parents.ultimate_parent_id = amounts.ultimate_parent_id

    left join rates
        on rates.from_currency = amounts.currency
        and rates.to_currency = parents.currency

),

-- An amount without a rate makes the sum unknown, not smaller.
converted as (

    select
        ultimate_parent_id,
        case when count(case when receivable_amount != 0 and rate is null then 1 end) = 0
            then coalesce(sum(cast(receivable_amount as decimal(29, 3)) * rate), 0)
        end as receivable_amount,
        case when count(case when open_order_amount != 0 and rate is null then 1 end) = 0
            then coalesce(sum(cast(open_order_amount as decimal(29, 3)) * rate), 0)
        end as open_order_amount,
        case when count(case when insured_amount != 0 and rate is null then 1 end) = 0
            then coalesce(sum(cast(insured_amount as decimal(29, 3)) * rate), 0)
        end as insured_amount

    from rated

    group by 1

),

exposures as (

    select
        parents.ultimate_parent_id,
        parents.name,
        parents.currency,
        currencies.minor_units,
        parents.credit_limit_amount,
        converted.receivable_amount,
        converted.open_order_amount,
        converted.receivable_amount + converted.open_order_amount as exposure_amount,
        converted.insured_amount

    from converted

    inner join parents
        on parents.ultimate_parent_id = converted.ultimate_parent_id

    inner join {{ ref('currencies') }} as currencies
        on currencies.code = parents.currency

)

select
    {{ as_of() }} as as_of_date,
    ultimate_parent_id,
    name,
    currency,
    {{ as_of() }} as rate_date,
    {{ round_money('receivable_amount', 'minor_units') }} as receivable_amount_reporting,
    {{ round_money('open_order_amount', 'minor_units') }} as open_order_amount_reporting,
    {{ round_money('exposure_amount', 'minor_units') }} as exposure_amount_reporting,
    {{ round_money('insured_amount', 'minor_units') }} as insured_amount_reporting,
    credit_limit_amount,
    {{ safe_divide('exposure_amount', 'credit_limit_amount', 6) }} as credit_utilization_ratio,
    coalesce(exposure_amount > credit_limit_amount, false) as is_over_limit,
    case
        when exposure_amount is null then 'no_exchange_rate'
        when credit_limit_amount is null then 'no_limit_set'
        when credit_limit_amount <= 0 then 'limit_is_zero'
    end as null_reason

from exposures
