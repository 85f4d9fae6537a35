"""What readers wait for: the books as of past dates, and every query of the dashboards.

`python -m benchmarks.questions HOME` prints JSON: milliseconds of wall by question, several answers each.
"""

from __future__ import annotations

import inspect
import json
import random
import sys
import time
from datetime import timedelta
from typing import Any

from dashboards import queries
from dashboards.warehouse import connect, reader
from orchestration import published
from orchestration.settings import home_at

DATES = 20
REPEATS = 3


def main() -> None:
    """Ask everything of the version in force."""
    version = published.find(home_at(sys.argv[1]))
    with connect(version.file) as con:
        read = reader(con)
        print(json.dumps({"as_of": _as_of(read), "dashboards": _dashboards(read)}))


def _as_of(read: Any) -> dict[str, list[float]]:
    [bounds] = read("select min(posting_date) as first, max(posting_date) as last from marts.fct_ar_events", {})
    [known] = read("select min(extracted_at) as first, max(extracted_at) as last from meta.drops", {})
    chance = random.Random(7)
    spent: dict[str, list[float]] = {}
    for _ in range(DATES):
        day = bounds["first"] + timedelta(days=chance.randrange((bounds["last"] - bounds["first"]).days + 1))
        moment = known["first"] + chance.random() * (known["last"] - known["first"])
        for function in ("open_items_as_of", "aging_as_of"):
            for name, said, given in ((function, "", {}), (f"{function}, known_at", ", known_at := $moment", {"moment": moment})):
                # Summed, so that every row is made and none is carried into Python.
                query = f"select count(*) as rows, sum(open_amount_base) as amount from marts.{function}($day{said})"
                spent.setdefault(name, []).append(_milliseconds(lambda query=query, given=given, day=day: read(query, {"day": day, **given})))
    return spent


def _dashboards(read: Any) -> dict[str, list[float]]:
    [row] = read(
        """
        select items.customer_id, items.as_of_date, companies.company_id, companies.base_currency, customers.ultimate_parent_id
        from marts.fct_open_items as items
        inner join marts.dim_companies as companies on companies.company_id = items.company_id
        inner join marts.dim_customers as customers on customers.customer_id = items.customer_id
        order by items.open_amount_base desc limit 1
        """,
        {},
    )
    given = {
        "company": row["company_id"],
        "scope": queries.Scope(row["company_id"], row["base_currency"]),
        "on": row["as_of_date"],
        "filters": queries.Worklist(),
        "customer_id": row["customer_id"],
        "ultimate_parent_id": row["ultimate_parent_id"],
    }
    spent: dict[str, list[float]] = {}
    for name, query in inspect.getmembers(queries, inspect.isfunction):
        parameters = inspect.signature(query).parameters
        if name.startswith("_") or next(iter(parameters), None) != "read":
            continue
        arguments = {
            parameter.name: given[parameter.name] for parameter in parameters.values() if parameter.name != "read" and parameter.default is parameter.empty
        }
        spent[name] = [_milliseconds(lambda query=query, arguments=arguments: query(read, **arguments)) for _ in range(REPEATS)]
    return spent


def _milliseconds(ask: Any) -> float:
    started = time.perf_counter()
    ask()
    return round((time.perf_counter() - started) * 1000, 1)


if __name__ == "__main__":
    main()
