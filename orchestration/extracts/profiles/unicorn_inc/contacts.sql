select
    CustomerName || ': ' || ContactName as contact_id,
    CustomerName as account_id,
    ContactName as name,
    ContactEmail as email,
    ContactPhone as phone,
    min(source_file) as source_file,
    min(source_line) as source_line
from bills
where ContactName <> ''
group by CustomerName, ContactName, ContactEmail, ContactPhone
