-- The export has no exchange rates. A set of books for each currency needs none, so no bill is held for lack of one.
select
    'UNICORN-' || Currency as company_id,
    'Unicorn Inc. (' || Currency || ')' as name,
    Currency as base_currency,
    min(source_file) as source_file,
    min(source_line) as source_line
from bills
group by Currency
