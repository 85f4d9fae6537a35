-- What is open is all that the file knows of an item: it is taken as billed in full.
select
    regexp_replace(doc_id, '[.]0$', '') as document_id,
    business_code as company_id,
    cust_number as customer_id,
    regexp_replace(invoice_id, '[.]0$', '') as document_number,
    case "document type" when 'RV' then 'invoice' else "document type" end as document_type,
    document_create_date as document_date,
    posting_date,
    due_in_date as due_date,
    cust_payment_terms as reference,
    invoice_currency as currency,
    total_open_amount as gross_amount,
    case isOpen when '1' then total_open_amount else '0' end as open_amount,
    source_file,
    source_line
from items
