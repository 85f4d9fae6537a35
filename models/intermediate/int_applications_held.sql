{{ config(materialized=family_table()) }}

-- Contended applications that the order of things leaves nothing to settle or to draw on, from when to when that was so.
select movement_id as application_id, reason, known_from, known_to
from {{ ref('int_settlements_decided') }}
where kind = 'held'
