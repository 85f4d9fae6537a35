select
    CustomerName as account_id,
    CustomerName as customer_id,
    min(source_file) as source_file,
    min(source_line) as source_line
from bills
group by CustomerName
