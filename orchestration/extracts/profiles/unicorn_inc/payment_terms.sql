select
    CustomerTerms as payment_terms_id,
    CustomerTerms as description,
    regexp_extract(CustomerTerms, '^Net ([0-9]+)$', 1) as net_days,
    min(source_file) as source_file,
    min(source_line) as source_line
from bills
group by CustomerTerms
