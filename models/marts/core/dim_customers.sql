{%- set levels = 10 -%}
-- One row per customer: those of the ledger's master as last known, a placeholder for each id that only its rows name, and UNIDENTIFIED for cash of nobody.
with master as (

    select
        *,
        not {{ is_known() }} as is_deleted,
        row_number() over (partition by customer_id order by known_from desc) as recency

    from {{ ref('stg_ledger__customers') }}

    where {{ was_ever_known() }}

),

in_ledger as (

    select customer_id, min(company_id) as first_company_id
    from {{ ref('dim_item_versions') }}
    where {{ is_known() }}
    group by 1

),

customers as (

    select
        customer_id, parent_customer_id, name, country, region, customer_group, payment_terms_id, credit_limit_amount, currency,
        on_hold, is_intercompany, is_deleted, false as is_placeholder
    from master
    where recency = 1

    union all

    select
        customer_id, null as parent_customer_id,
        case when customer_id = 'UNIDENTIFIED' then 'Unidentified cash' else customer_id end as name,
        null as country, null as region, null as customer_group, null as payment_terms_id, null as credit_limit_amount, null as currency,
        false as on_hold, false as is_intercompany, false as is_deleted, true as is_placeholder
    from (
        select customer_id from in_ledger
        union
        select 'UNIDENTIFIED' as customer_id
    ) as named
    where customer_id not in (select customer_id from master)

),

-- A parent that is no customer, or the customer itself, is no parent.
parents as (

    select customers.customer_id, parents.customer_id as parent_id
    from customers
    inner join customers as parents
        on parents.customer_id = customers.parent_customer_id
        and parents.customer_id != customers.customer_id

),

ancestors as (

    select
        parents.customer_id,
        level_1.parent_id as ancestor_1
        {%- for level in range(2, levels + 1) %},
        level_{{ level }}.parent_id as ancestor_{{ level }}
        {%- endfor %}

    from parents

    inner join parents as level_1
        on level_1.customer_id = parents.customer_id
    {%- for level in range(2, levels + 1) %}

    left join parents as level_{{ level }}
        on level_{{ level }}.customer_id = level_{{ level - 1 }}.parent_id
    {%- endfor %}

),

-- Whoever meets himself among his ancestors stands in a cycle, and ends it.
cyclic as (

    select customer_id
    from ancestors
    where customer_id in ({% for level in range(1, levels + 1) %}ancestor_{{ level }}{% if not loop.last %}, {% endif %}{% endfor %})

),

-- The highest ancestor: the last of the chain, or the first on it that stands in a cycle.
ultimate as (

    select
        ancestors.customer_id,
        case
            when ancestors.customer_id in (select customer_id from cyclic) then ancestors.customer_id
            {%- for level in range(1, levels + 1) %}
            when ancestor_{{ level }} in (select customer_id from cyclic) then ancestor_{{ level }}
            {%- endfor %}
            else coalesce({% for level in range(levels, 0, -1) %}ancestor_{{ level }}{% if not loop.last %}, {% endif %}{% endfor %})
        end as ultimate_parent_id

    from ancestors

),

accounts as (

    select
        customer_id,
        min_by(segment, account_id) filter (where segment is not null) as segment,
        min_by(industry, account_id) filter (where industry is not null) as industry,
        min_by(risk_class, account_id) filter (where risk_class is not null) as risk_class

    from {{ ref('stg_crm__accounts') }}

    where {{ is_known() }}

    group by 1

),

companies as (

    select company_id, base_currency, row_number() over (order by company_id) as position
    from {{ ref('stg_ledger__companies') }}

)

select
    customers.customer_id,
    customers.name,
    customers.parent_customer_id,
    coalesce(ultimate.ultimate_parent_id, customers.customer_id) as ultimate_parent_id,
    customers.country,
    customers.region,
    customers.customer_group,
    accounts.segment,
    accounts.industry,
    accounts.risk_class,
    customers.payment_terms_id,
    cast(customers.credit_limit_amount as decimal(18, 3)) as credit_limit_amount,
    -- A limit without a currency is in the base currency: of the customer's company, else of the group's first.
    coalesce(customers.currency, own_company.base_currency, first_company.base_currency) as currency,
    customers.on_hold,
    customers.is_intercompany,
    assignments.collector_id,
    customers.is_placeholder,
    customers.is_deleted

from customers

left join ultimate
    on ultimate.customer_id = customers.customer_id

left join accounts
    on accounts.customer_id = customers.customer_id

left join in_ledger
    on in_ledger.customer_id = customers.customer_id

left join companies as own_company
    on own_company.company_id = in_ledger.first_company_id

left join companies as first_company
    on first_company.position = 1

left join {{ ref('dim_collector_assignments') }} as assignments
    on assignments.customer_id = customers.customer_id
    and {{ is_known('assignments') }}
