-- A customer has up to eleven spellings: the most frequent one is its name, of equals the lowest.
select
    cust_number as customer_id,
    first(name order by times desc, name) as name,
    min(source_file) as source_file,
    min(source_line) as source_line
from (
    select
        cust_number,
        trim(name_customer) as name,
        count(*) as times,
        min(source_file) as source_file,
        min(source_line) as source_line
    from items
    group by cust_number, trim(name_customer)
)
group by cust_number
