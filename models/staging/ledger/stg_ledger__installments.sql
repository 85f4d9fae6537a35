select document_id, sequence as installment_sequence, due_date, amount, known_from, known_to
from {{ source('ledger', 'installments') }}
