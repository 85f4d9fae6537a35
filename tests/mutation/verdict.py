"""One project against the golden cases: prints the first difference as JSON, an empty text if there is none. A process of its own for each mutant."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
from golden.inboxes import INBOXES, Inbox
from golden.product import METRICS, Product, differences
from replay import LEDGER, Books, compile_project

MARTS = (*LEDGER, *METRICS.values(), "fct_open_items", "fct_aging_weekly", "fct_item_lifecycles", "int_exceptions")

# What must agree among the marts; each row is a disagreement.
AGREEMENTS = {
    "an open item is the sum of its events": """
        select * from (
            select item_id, sum(amount) as amount from marts.fct_ar_events where known_to = timestamp '9999-12-31' and posting_date <= $as_of group by 1
        ) as e
        full join (select item_id, sum(open_amount) as amount from marts.fct_open_items group by 1) as i using (item_id)
        where coalesce(e.amount, 0) != coalesce(i.amount, 0)""",
    "a week end's aging is the aging as of that day": """
        select * from (select customer_id, currency, bucket_id, sum(open_amount) as amount from marts.aging_as_of($week) group by 1, 2, 3) as a
        full join (select customer_id, currency, bucket_id, sum(open_amount) as amount from marts.fct_aging_weekly where week_end = $week group by 1, 2, 3) as w
        using (customer_id, currency, bucket_id) where coalesce(a.amount, 0) != coalesce(w.amount, 0)""",
    "a month's closing is the balance of its events": """
        select * from (
            select company_id, currency, month_end, closing_amount, (
                select sum(amount) from marts.fct_ar_events as e
                where e.company_id = r.company_id and e.currency = r.currency and e.posting_date <= r.month_end and e.known_to = timestamp '9999-12-31'
            ) as amount from marts.fct_rollforward_monthly as r
        ) where closing_amount != coalesce(amount, 0)""",
    "a month opens where the one before closed": """
        select * from (
            select opening_amount, lag(closing_amount, 1, 0) over (partition by company_id, currency order by month_end) as before
            from marts.fct_rollforward_monthly
        ) where opening_amount != before""",
    "what moves a balance between accounts is a transfer, and nothing else is": """
        select events.event_id from marts.fct_ar_events as events inner join marts.dim_item_versions as sides
            on sides.item_id = events.counterpart_item_id and sides.known_from <= events.known_from and sides.known_to > events.known_from
        where events.event_type in ('application', 'application_reversal') and (events.movement = 'application') != (
            events.company_id = sides.company_id and events.customer_id = sides.customer_id
            and events.receivable_account = sides.receivable_account and events.currency = sides.currency
        )""",
    "an application moves no balance within its account": """
        select application_id from marts.fct_ar_events where movement = 'application' and known_to = timestamp '9999-12-31'
        group by application_id, event_type, posting_date having sum(amount) != 0""",
}


def first_difference(project: Path, homes: Path, scratch: Path) -> str:
    """Return the first difference of any inbox; the project is compiled once."""
    shutil.rmtree(scratch / "home", ignore_errors=True)
    compiled = compile_project(scratch, project)
    for inbox in INBOXES:
        with Books() as books:
            books.bring_up_to(homes / inbox.name)
            con = books.derive(compiled, inbox.as_of, MARTS)
            con.execute("create or replace view meta.exceptions as select * from warehouse.intermediate.int_exceptions where known_to = timestamp '9999-12-31'")
            for found in (*_by_hand(con, inbox), *_disagreements(con, inbox)):
                return f"{inbox.name}: {found}"
    return ""


def _by_hand(con: duckdb.DuckDBPyConnection, inbox: Inbox) -> Iterator[str]:
    product = Product(con, [drop.extracted_at.replace("T", " ").removesuffix("Z") for drop in inbox.drops])
    for case in inbox.cases:
        for difference in differences(product, case):
            yield f"{case.name}: {difference}"


def _disagreements(con: duckdb.DuckDBPyConnection, inbox: Inbox) -> Iterator[str]:
    weeks = [week for (week,) in con.execute("select distinct week_end from marts.fct_aging_weekly order by 1 desc").fetchall()]
    for name, sql in AGREEMENTS.items():
        for week in weeks if "$week" in sql else [None]:
            bound = {"week": week} if week else {"as_of": inbox.as_of} if "$as_of" in sql else {}
            if con.execute(sql, bound).fetchone():
                yield name


if __name__ == "__main__":
    print(json.dumps(first_difference(Path(sys.argv[1]), Path(sys.argv[2]), Path.cwd() / "compiled")))
