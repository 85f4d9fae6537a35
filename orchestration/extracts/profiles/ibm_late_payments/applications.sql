select
    'A' || invoiceNumber as application_id,
    'receipt' as source_type,
    'R' || invoiceNumber as source_id,
    invoiceNumber as document_id,
    SettledDate as applied_on,
    InvoiceAmount as amount,
    source_file,
    source_line
from invoices
where SettledDate <> ''
