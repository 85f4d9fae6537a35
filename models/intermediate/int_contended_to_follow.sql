{{ config(materialized="view") }}

-- The contended sides that this build follows through their days.
select side_key from {{ touched(ref('int_contended_sides'), 'changed') }}
