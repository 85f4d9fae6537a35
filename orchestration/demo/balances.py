"""What the general ledger says: month ends of the receivable accounts, summed from the movements, as known at each drop.

A balance is delivered by the first drop after its month end, and again by any later drop that brings a backdated posting, so
that it ties at every drop, not only at the last.
"""

from __future__ import annotations

from datetime import date

import duckdb

from orchestration.demo import days

# The one difference between the general ledger and the receivables: a manual journal, taken back the month after.
JOURNAL_COMPANY = "C200"
JOURNAL_MONTH = date(2026, 6, 30)
JOURNAL_MINOR_UNITS = 125_000


def post(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables gl_balances and customer_balances."""
    ends = days.month_ends(days.START, days.END)
    connection.execute("create table period_ends (period_end bigint)")
    connection.executemany("insert into period_ends values (?)", [[end] for end in ends])
    connection.execute("create table drops (drop bigint, books_through bigint)")
    connection.executemany("insert into drops values (?, ?)", list(enumerate(days.BOOKS_THROUGH.tolist())))
    connection.execute("""
        create table monthly as
        select
            company_id, account, base, movements.currency, known, forgotten,
            (last_day(day_of(movements.day)) - date '1970-01-01')::bigint as period_end,
            sum(amount)::bigint as amount, sum(amount_base)::bigint as amount_base
        from movements
        inner join relations using (relation)
        group by all
    """)
    connection.execute(f"""
        create table gl_known as
        with flows as (
            select company_id, account, 'document_currency' as balance_kind, currency, known, forgotten, period_end, amount from monthly
            union all
            select company_id, account, 'base_total', base, known, forgotten, period_end, amount_base from monthly
        ),
        balances as (
            select
                drops.drop, flows.company_id, flows.account, flows.balance_kind, flows.currency, period_ends.period_end,
                sum(flows.amount)::bigint as amount
            from drops
            inner join period_ends on period_ends.period_end <= drops.books_through
            inner join flows
                on flows.known <= drops.drop and flows.forgotten > drops.drop and flows.period_end <= period_ends.period_end
            group by all
        )
        select
            balances.* exclude (amount),
            amount + case when company_id = '{JOURNAL_COMPANY}' and account = first_account
                and (balance_kind = 'base_total' or currency = base)
                and period_end = {days.number_of(JOURNAL_MONTH)} then {JOURNAL_MINOR_UNITS} else 0 end as amount
        from balances
        inner join (select company_id, account_1 as first_account, currency as base from companies) using (company_id)
    """)
    _changes(connection, "gl_balances", "gl_known", "company_id, account, balance_kind, currency, period_end")
    _customer_balances(connection)


def _customer_balances(connection: duckdb.DuckDBPyConnection) -> None:
    last = days.month_ends(days.HISTORY_END - 40, days.END)
    connection.execute(f"""
        create table customers_known as
        select
            drops.drop, company_id, case when is_identified > 0 then customer_id else 'UNIDENTIFIED' end as customer_id, movements.currency,
            period_ends.period_end as as_of, sum(amount)::bigint as amount
        from drops
        inner join period_ends on period_ends.period_end <= drops.books_through and period_ends.period_end in ({", ".join(map(str, last))})
        inner join movements
            on movements.known <= drops.drop and movements.forgotten > drops.drop and movements.day <= period_ends.period_end
        inner join relations using (relation)
        group by all
    """)
    _changes(connection, "customer_balances", "customers_known", "company_id, customer_id, currency, as_of")
    # A customer who never owed anything has no line; one whose balance fell to nothing has.
    connection.execute("delete from customer_balances where amount = 0 and was is null")


def _changes(connection: duckdb.DuckDBPyConnection, table: str, known: str, key: str) -> None:
    """Keep of what is known at each drop only what the drop before did not say."""
    connection.execute(f"""
        create table {table} as
        with compared as (
            select *, lag(amount) over (partition by {key} order by drop) as was from {known}
        )
        select * from compared where was is distinct from amount
    """)
