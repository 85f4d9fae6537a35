-- One company per business code; each bills in one currency.
select
    business_code as company_id,
    business_code as name,
    min(invoice_currency) as base_currency,
    min(source_file) as source_file,
    min(source_line) as source_line
from items
group by business_code
