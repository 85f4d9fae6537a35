select dispute_id, document_id, opened_on, closed_on, currency, disputed_amount, known_from, known_to
from {{ ref('stg_crm__disputes') }}
