-- The file knows of one seller, and of amounts without a currency.
select
    'IBM' as company_id,
    'IBM late payments sample' as name,
    'USD' as base_currency,
    min(source_file) as source_file,
    min(source_line) as source_line
from invoices
having count(*) > 0
