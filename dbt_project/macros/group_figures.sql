{#- The group: rows with company_id 'ALL', in one reporting currency. -#}

{#- Code of the reporting currency: the var, else the base currency of the lowest company_id in `companies` (none = the staged ones). -#}
{% macro reporting_currency(companies=none) -%}
    {%- if var('reporting_currency', none) -%} '{{ var("reporting_currency") }}'
    {%- else -%} (select min_by(base_currency, company_id) from {{ companies or ref('stg_ledger__companies') }})
    {%- endif -%}
{%- endmacro %}

{#- Why a row's ratios are NULL, one text: reasons that are NULL are left out; NULL when there is none. -#}
{% macro join_reasons(reasons) -%}
    nullif(concat_ws('; ', {{ reasons | join(', ') }}), '')
{%- endmacro %}

{#- A quotient in days, two decimals, half up. NULL where the denominator is <= 0, and where the result has more digits than a number of days can have. -#}
{% macro divide_days(numerator, denominator) -%}
    try_cast({{ safe_divide(numerator, denominator, 2) }} as decimal(12, 2))
{%- endmacro %}
