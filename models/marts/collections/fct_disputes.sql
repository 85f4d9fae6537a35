with disputes as (

    select
        *,
        -- A closing after as_of has not happened yet.
        case when closed_on <= {{ as_of() }} then closed_on end as closed_by_as_of

    from {{ ref('stg_crm__disputes') }}

    where {{ is_known() }}
        and opened_on <= {{ as_of() }}

),

documents as (

    select document_id, company_id, customer_id
    from {{ ref('stg_ledger__documents') }}
    where {{ is_known() }}

)

select
    disputes.dispute_id,
    disputes.document_id,
    documents.company_id,
    documents.customer_id,
    disputes.opened_on,
    disputes.closed_by_as_of as closed_on,
    {{ days_between('coalesce(disputes.closed_by_as_of, ' ~ as_of() ~ ')', 'disputes.opened_on') }} as days_open,
    disputes.currency,
    disputes.disputed_amount,
    disputes.reason,
    disputes.root_cause,
    case when disputes.closed_by_as_of is not null then disputes.resolution end as resolution,
    case when disputes.closed_by_as_of is not null then disputes.resolved_amount end as resolved_amount,
    disputes.owner_id

from disputes

left join documents
    on documents.document_id = disputes.document_id
