-- How much was applied is known, when it was is not: the invoice's date stands in for the settlement's (settled_on), so
-- that at any date what is open is bill less applied. An empty due date follows from the terms.
select
    InvoiceNumber as document_id,
    'UNICORN-' || Currency as company_id,
    CustomerName as customer_id,
    InvoiceNumber as document_number,
    'invoice' as document_type,
    InvoiceDate as document_date,
    InvoiceDate as posting_date,
    DueDate as due_date,
    CustomerTerms as payment_terms_id,
    Currency as currency,
    BillTotal as gross_amount,
    try_cast(BillTotal as decimal(18, 3)) - try_cast(Applied as decimal(18, 3)) as open_amount,
    InvoiceDate as settled_on,
    CustomerPoNumber as reference,
    source_file,
    source_line
from bills
