-- Only ids are known: they serve as names.
select
    customerID as customer_id,
    customerID as name,
    min(countryCode) as country,
    min(source_file) as source_file,
    min(source_line) as source_line
from invoices
group by customerID
