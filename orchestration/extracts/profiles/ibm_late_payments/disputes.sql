-- When a dispute was opened is unknown: the due date stands in, as the first day on which it can have kept the money back,
-- or the settlement's where that was earlier. It ended with the settlement.
select
    'X' || invoiceNumber as dispute_id,
    invoiceNumber as document_id,
    case when SettledDate <> '' and SettledDate < DueDate then SettledDate else DueDate end as opened_on,
    SettledDate as closed_on,
    'USD' as currency,
    InvoiceAmount as disputed_amount,
    case when SettledDate <> '' then 'collected' end as resolution,
    case when SettledDate <> '' then InvoiceAmount end as resolved_amount,
    source_file,
    source_line
from invoices
where Disputed = 'Yes'
