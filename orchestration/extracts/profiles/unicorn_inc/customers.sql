-- A customer is known by its name alone, and has one currency and one term.
select
    CustomerName as customer_id,
    CustomerName as name,
    min(Currency) as currency,
    min(CustomerTerms) as payment_terms_id,
    min(source_file) as source_file,
    min(source_line) as source_line
from bills
group by CustomerName
