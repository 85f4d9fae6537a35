{{ config(materialized="table") }}

-- One row per company, timeless: name and base currency as last known. Where the companies feed was never delivered, every company that the ledger's rows
-- name (`main` where they name none) stands in, with the lowest currency that its documents, receipts and adjustments carry.
with delivered as (

    select
        company_id, name, base_currency, fiscal_year_start_month, time_zone,
        row_number() over (partition by company_id order by known_from desc) as recency
    from {{ source('ledger', 'companies') }}

),

named as (

    select coalesce(company_id, 'main') as company_id, currency from {{ source('ledger', 'documents') }}
    union all
    select coalesce(company_id, 'main') as company_id, currency from {{ source('ledger', 'receipts') }}
    union all
    select coalesce(company_id, 'main') as company_id, currency from {{ source('ledger', 'adjustments') }}
    where document_id is null and receipt_id is null

),

stand_ins as (

    select company_id, company_id as name, min(currency) as base_currency
    from named
    where not exists (select 1 from {{ source('ledger', 'companies') }})
    group by company_id

),

companies as (

    select company_id, name, base_currency, coalesce(fiscal_year_start_month, {{ var('fiscal_year_start_month') }}) as fiscal_year_start_month, time_zone
    from delivered
    where recency = 1
    union all
    select company_id, name, base_currency, {{ var('fiscal_year_start_month') }} as fiscal_year_start_month, cast(null as {{ dbt.type_string() }}) as time_zone
    from stand_ins

)

select
    companies.company_id, companies.name, companies.base_currency, companies.fiscal_year_start_month, companies.time_zone,
    currencies.minor_units as base_minor_units,
    -- Rows that name no company belong to the only one.
    count(*) over () = 1 as is_only_company
from companies
inner join {{ ref('currencies') }} as currencies on currencies.code = companies.base_currency
