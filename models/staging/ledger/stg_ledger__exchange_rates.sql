select from_currency, to_currency, rate_date, rate, known_from, known_to
from {{ source('ledger', 'exchange_rates') }}
