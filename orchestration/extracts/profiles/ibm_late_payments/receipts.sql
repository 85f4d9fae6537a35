-- An invoice was settled at once and in full: one receipt each, on the day it was settled.
select
    'R' || invoiceNumber as receipt_id,
    'IBM' as company_id,
    customerID as customer_id,
    SettledDate as receipt_date,
    SettledDate as posting_date,
    'USD' as currency,
    InvoiceAmount as amount,
    source_file,
    source_line
from invoices
where SettledDate <> ''
