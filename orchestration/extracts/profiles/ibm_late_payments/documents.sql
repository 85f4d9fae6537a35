select
    invoiceNumber as document_id,
    'IBM' as company_id,
    customerID as customer_id,
    invoiceNumber as document_number,
    'invoice' as document_type,
    InvoiceDate as document_date,
    InvoiceDate as posting_date,
    DueDate as due_date,
    'USD' as currency,
    InvoiceAmount as gross_amount,
    source_file,
    source_line
from invoices
