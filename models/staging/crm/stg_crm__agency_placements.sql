select
    placement_id,
    document_id,
    placed_on,
    agency,
    placed_amount,
    returned_on,
    recovered_amount,
    fee,
    is_flagged,
    known_from,
    known_to
from {{ source('crm', 'agency_placements') }}
