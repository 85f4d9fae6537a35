select
    company_id,
    name,
    base_currency,
    fiscal_year_start_month

from {{ ref('stg_ledger__companies') }}
