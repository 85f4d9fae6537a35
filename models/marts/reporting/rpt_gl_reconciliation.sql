{%- set causes = ['timing', 'manual_journal', 'unapplied', 'exchange_rounding', 'missing_document', 'held', 'rejected'] -%}
-- The general ledger's control accounts against the subledger, and what makes up the difference; intercompany included.
with explained as (

    select
        line_id,
        {%- for cause in causes %}
        sum(case when cause = '{{ cause }}' then amount else 0 end) as {{ cause }}_amount,
        {%- endfor %}
        sum(amount) as amount

    from {{ ref('int_gl_explanations') }}

    group by 1

)

select
    lines.company_id,
    lines.receivable_account,
    lines.period_end,
    lines.balance_kind,
    lines.currency,
    lines.gl_amount,
    lines.subledger_amount,
    lines.difference_amount,
    {%- for cause in causes %}
    cast(coalesce(explained.{{ cause }}_amount, 0) as decimal(18, 3)) as {{ cause }}_amount,
    {%- endfor %}
    cast(lines.difference_amount - coalesce(explained.amount, 0) as decimal(18, 3)) as unexplained_amount,
    lines.difference_amount = 0 as is_reconciled,
    lines.difference_amount = coalesce(explained.amount, 0) as is_explained,
    lines.is_in_gl

from {{ ref('int_gl_differences') }} as lines

left join explained
    on explained.line_id = lines.line_id

-- What the general ledger does not list and the subledger no longer holds is no row.
where lines.is_in_gl
    or lines.subledger_amount != 0
