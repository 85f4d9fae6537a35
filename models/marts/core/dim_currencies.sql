select
    code as currency,
    name,
    cast(minor_units as integer) as minor_units

from {{ ref('currencies') }}
