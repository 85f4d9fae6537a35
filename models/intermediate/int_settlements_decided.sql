{{ config(materialized=family_table()) }}

-- What was decided of contended applications, adjustments and derived settlements: followed in this build, or in one before where nothing changed since.
select * from {{ ref('int_settlements_followed') }}
