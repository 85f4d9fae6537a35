-- What makes up the differences from the general ledger, row by row: by period end, account, balance kind and currency they add up to the causes in
-- rpt_gl_reconciliation. One document may be there in several rows (a rejected version and the good one before it), so each row has its number.
select
    lines.company_id,
    lines.receivable_account,
    lines.period_end,
    lines.balance_kind,
    lines.currency,
    claims.cause,
    cast(row_number() over (
        partition by claims.line_id order by claims.cause, claims.object_type, claims.object_id, claims.posting_date nulls last, claims.evidence, claims.amount
    ) as integer) as item_number,
    claims.object_type,
    claims.object_id,
    claims.posting_date,
    claims.amount,
    claims.evidence

from {{ ref('int_gl_explanations') }} as claims

inner join {{ ref('int_gl_differences') }} as lines
    on lines.line_id = claims.line_id
