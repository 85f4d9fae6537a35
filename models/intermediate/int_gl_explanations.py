"""What makes up each difference from the general ledger, decided by orchestration/reconciliation.py (decision 0013)."""

from collections import defaultdict
from decimal import Decimal
from functools import cache

import pyarrow as pa

from orchestration.reconciliation import Books, Day, Line, Posting, Row, explain

LINES = """
    with documents as (
        select distinct company_id, period_end from {differences} where balance_kind = 'document_currency'
    ),
    accounts as (
        select distinct company_id, receivable_account, balance_kind, currency from {differences} where difference_amount != 0
    )
    select
        lines.line_id, lines.company_id, lines.receivable_account, lines.period_end, lines.balance_kind, lines.currency, companies.base_currency,
        {difference} as difference, lines.prior_period_end, lines.next_period_end, {next_difference} as next_difference,
        documents.company_id is not null as has_documents,
        coalesce(roundings.movements, 0) * case companies.base_minor_units when 0 then 1000 when 1 then 100 when 2 then 10 else 1 end as twice_rounding
    from {differences} as lines
    inner join accounts using (company_id, receivable_account, balance_kind, currency)
    inner join {companies} as companies using (company_id)
    left join documents on documents.company_id = lines.company_id and documents.period_end = lines.period_end
    left join {roundings} as roundings on roundings.line_id = lines.line_id
    order by lines.line_id
"""
ROWS = """
    select
        lines.line_id, evidence.evidence, evidence.object_type, evidence.object_id, evidence.counts_from,
        {amount}, {amount_base}, evidence.told, evidence.counts_until, evidence.is_one_of_several
    from {differences} as lines
    inner join {evidence} as evidence
        on evidence.company_id = lines.company_id
        and evidence.receivable_account = lines.receivable_account
        and evidence.counts_from <= lines.period_end and evidence.counts_until > lines.period_end
        and lines.currency = case lines.balance_kind when 'base_total' then evidence.base_currency else evidence.currency end
    where lines.difference_amount != 0
    order by all
"""
# A line in base currency looks at all currencies of its account.
OF_LINE = """
    company_id = $company and receivable_account = $account and ($kind = 'base_total' or currency = $currency)
        and posting_date > $after and posting_date <= $until
"""
# Two are enough to tell that there is more than one.
POSTINGS = """
    select object_type, object_id, event_type, posting_date, {amount}, {amount_base}, is_journal
    from {postings} where {of_line} and {own_amount} = $amount limit 2
"""
EVERY_DAY = """
    create or replace temp table gl_posting_days as
    select company_id, receivable_account, currency, posting_date, sum(amount) as amount, sum(amount_base) as amount_base, count(*) as postings
    from {postings} group by 1, 2, 3, 4
"""
DAYS = """
    select posting_date, {sum_amount}, {sum_amount_base}, cast(sum(postings) as bigint) from gl_posting_days where {of_line} group by 1
"""
CLAIMS = """
    select
        line_id, cause, object_type, object_id, posted_on as posting_date,
        cast(amount * cast('0.001' as decimal(4, 3)) as decimal(18, 3)) as amount, told as evidence
    from (select * replace (cast(amount as decimal(18, 0)) as amount) from claimed_rows)
"""
SCHEMA = pa.schema(
    [
        ("line_id", pa.string()), ("cause", pa.string()), ("object_type", pa.string()), ("object_id", pa.string()),
        ("posted_on", pa.date32()), ("amount", pa.int64()), ("told", pa.string()),
    ]
)  # fmt: skip


def thousandths(column):
    return f"cast(cast({column} as decimal(30, 3)) * 1000 as bigint)"


def model(dbt, session):
    dbt.config(materialized="table")
    names = {
        "differences": dbt.ref("int_gl_differences"), "evidence": dbt.ref("int_gl_evidence"), "postings": dbt.ref("int_gl_postings"),
        "roundings": dbt.ref("int_gl_roundings"), "companies": dbt.ref("stg_ledger__companies"),
    }  # fmt: skip
    tables = {}
    for name, relation in names.items():
        tables[name] = f"input_gl_{name}"
        relation.create_view(tables[name], replace=True)
    columns = {
        "difference": thousandths("lines.difference_amount"), "next_difference": thousandths("lines.next_difference_amount"),
        "amount": thousandths("amount"), "amount_base": thousandths("amount_base"),
        "sum_amount": thousandths("sum(amount)"), "sum_amount_base": thousandths("sum(amount_base)"), "of_line": OF_LINE,
    }  # fmt: skip
    fetch = lambda query, values=None: session.execute(query.format(**columns, **tables), values).fetchall()  # noqa: E731

    def looked_up(query, line, after, until, **more):
        of_line = {"company": line.company_id, "account": line.account, "kind": line.kind, "currency": line.currency, "after": after, "until": until}
        return fetch(query.replace("{own_amount}", "amount_base" if line.kind == "base_total" else "amount"), of_line | more)

    fetch(EVERY_DAY)

    @cache
    def postings(line, amount, after, until):
        return [Posting(*row) for row in looked_up(POSTINGS, line, after, until, amount=Decimal(amount) / 1000)]

    @cache
    def days(line, after, until):
        return [Day(*row) for row in looked_up(DAYS, line, after, until)]

    rows = defaultdict(list)
    for line_id, *row in fetch(ROWS):
        rows[line_id].append(Row(*row))
    lines = [Line(*row) for row in fetch(LINES)]
    claims = [
        (found.line.id, claim.cause, claim.object_type, claim.object_id, claim.posted_on, claim.amount, claim.told)
        for found in explain(lines, rows, Books(postings, days))
        for claim in found.claims
    ]
    columns_out = list(zip(*claims, strict=True)) or [()] * len(SCHEMA)
    claimed_rows = pa.table([pa.array(values, type=field.type) for values, field in zip(columns_out, SCHEMA, strict=True)], schema=SCHEMA)
    session.register("claimed_rows", claimed_rows)
    return session.sql(CLAIMS)
