select from_currency, to_currency, rate_date, rate, known_from, known_to
from {{ ref('stg_ledger__exchange_rates') }}
