"""What makes up each difference from the general ledger, decided by orchestration/reconciliation.py (decision 0013)."""

from bisect import bisect_right
from collections import defaultdict
from decimal import Decimal

import pyarrow as pa

from orchestration.reconciliation import Books, Day, Line, Posting, Row, explain

DOCUMENTS = "select distinct company_id, period_end from {differences} where balance_kind = 'document_currency'"
LINES = """
    with accounts as (
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
    left join ({documents}) as documents on documents.company_id = lines.company_id and documents.period_end = lines.period_end
    left join {roundings} as roundings on roundings.line_id = lines.line_id
    order by lines.line_id
"""
# Of a line in base currency that has lines in document currency beside it only what moves the base amount alone is looked at.
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
    left join ({documents}) as documents on documents.company_id = lines.company_id and documents.period_end = lines.period_end
    where lines.difference_amount != 0
        and (lines.balance_kind = 'document_currency' or documents.company_id is null or evidence.amount = 0)
    order by all
"""
# What moved each line's balance, in the line's currency: a line in base currency looks at all currencies of its account.
MOVED = """
    create or replace temp view gl_moved as
    select company_id, receivable_account, currency as looked_up, amount as own_amount, * exclude (company_id, receivable_account) from {postings}
    union all by name
    select company_id, receivable_account, '' as looked_up, amount_base as own_amount, * exclude (company_id, receivable_account) from {postings}
"""
DAYS = """
    select company_id, receivable_account, looked_up, posting_date, {sum_amount}, {sum_amount_base}, count(*)
    from gl_moved group by 1, 2, 3, 4 order by all
"""
# Two are enough to tell that there is more than one.
POSTINGS = """
    select place, object_type, object_id, event_type, posting_date, {amount}, {amount_base}, is_journal
    from gl_questions as questions
    inner join gl_moved on gl_moved.company_id = questions.company and receivable_account = account and gl_moved.looked_up = questions.looked_up
        and own_amount = asked and posting_date > after and posting_date <= until
    qualify row_number() over (partition by place) <= 2
"""
CLAIMS = """
    select
        line_id, cause, object_type, object_id, posted_on as posting_date,
        cast(amount * cast('0.001' as decimal(4, 3)) as decimal(18, 3)) as amount, told as evidence
    from (select * replace (cast(amount as decimal(18, 0)) as amount) from claimed_rows)
"""
QUESTIONS = pa.schema(
    [
        ("place", pa.int64()), ("company", pa.string()), ("account", pa.string()), ("looked_up", pa.string()),
        ("asked", pa.decimal128(24, 3)), ("after", pa.date32()), ("until", pa.date32()),
    ]
)  # fmt: skip
CLAIMED = pa.schema(
    [
        ("line_id", pa.string()), ("cause", pa.string()), ("object_type", pa.string()), ("object_id", pa.string()),
        ("posted_on", pa.date32()), ("amount", pa.int64()), ("told", pa.string()),
    ]
)  # fmt: skip


def thousandths(column):
    return f"cast(cast({column} as decimal(30, 3)) * 1000 as bigint)"


def account_of(line):
    return line.company_id, line.account, "" if line.kind == "base_total" else line.currency


def posted_on(day):
    return day.posted_on


def table_of(schema, rows):
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([pa.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)], schema=schema)


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
        "sum_amount": thousandths("sum(amount)"), "sum_amount_base": thousandths("sum(amount_base)"),
        "documents": DOCUMENTS.format(**tables),
    }  # fmt: skip
    fetch = lambda query: session.execute(query.format(**columns, **tables)).fetchall()  # noqa: E731

    fetch(MOVED)
    moved_on = defaultdict(list)
    for company, account, looked_up, *day in fetch(DAYS):
        moved_on[company, account, looked_up].append(Day(*day))

    def days(line, after, until):
        there = moved_on.get(account_of(line), [])
        return there[bisect_right(there, after, key=posted_on) : bisect_right(there, until, key=posted_on)]

    rows = defaultdict(list)
    for line_id, *row in fetch(ROWS):
        rows[line_id].append(Row(*row))
    lines = defaultdict(list)
    for line in (Line(*row) for row in fetch(LINES)):
        lines[line.company_id].append(line)
    # Thousands of questions would each read the postings, so they are gathered and answered in one reading. Answers lead to other questions about the same
    # period end and those that follow, so a company is explained again until it asks nothing more.
    answers, asked, explanations = {}, {}, {}

    def postings(line, *question):
        key = (account_of(line), *question)
        return answers[key] if key in answers else asked.setdefault(key, ())

    asking = set(lines)
    while asking:
        explanations |= {company: list(explain(lines[company], rows, Books(postings, days))) for company in asking}
        asking = {company for (company, *_), *_ in asked}
        places = list(asked)
        session.register("gl_questions", table_of(QUESTIONS, [
            (place, *account, Decimal(amount) / 1000, after, until) for place, (account, amount, after, until) in enumerate(places)
        ]))  # fmt: skip
        for place, *posting in fetch(POSTINGS):
            asked[places[place]] += (Posting(*posting),)
        answers |= asked
        asked.clear()
    claims = [
        (found.line.id, claim.cause, claim.object_type, claim.object_id, claim.posted_on, claim.amount, claim.told)
        for company in sorted(explanations)
        for found in explanations[company]
        for claim in found.claims
    ]
    session.register("claimed_rows", table_of(CLAIMED, claims))
    return session.sql(CLAIMS)
