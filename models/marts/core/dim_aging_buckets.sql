-- The buckets of the chosen preset. `unapplied` has no days and is never range-joined.
select
    bucket_id,
    label,
    cast(bucket_order as integer) as bucket_order,
    cast(days_from as integer) as days_from,
    cast(days_to as integer) as days_to

from {{ ref('aging_buckets') }}

where preset = '{{ var("aging_preset") }}'
