"""Which families a build must derive again: those with a row that changed since the last build (decision 0018).

A family is whatever can move one another: a document, receipt or stand-alone adjustment (the sides) with everything applied to it, and what that touches in
turn; a customer whose cash settles the oldest item is one family. What is derived of a family depends on its own rows, and on companies, accounts, rates,
terms and customers. So a build may follow the last one where nothing else changed, and only has to derive the families in which something did.

State is kept in the working database, in `meta.last_build`, from the end of a build to the beginning of the next: a build that was killed is not followed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb

from orchestration import meta
from orchestration.meta import BuildInfo
from orchestration.settings import Home

# Feeds whose rows make up families, and those whose rows families look at; of any other feed everything is derived anew at each build.
OWN = ("documents", "receipts", "adjustments", "applications", "installments")
SEEN = ("customers", "exchange_rates", "payment_terms")
# Beyond this share of all sides it costs less to derive everything.
MOST_TOUCHED = 0.3
# What a build must have been made with for another to follow it.
MADE_WITH = ("policy_hash", "models_hash", "engine")
KINDS = ("documents", "receipts", "adjustments", "applications", "sides", "items")

# What rows that name none stand for is decided by these, for all rows at once (stg_ledger__companies, stg_ledger__receivable_accounts).
SHARED = """
    select 'company' as what, to_json(companies) as said from raw_ledger.companies
    union all
    select distinct 'account', to_json([company_id, receivable_account]) from raw_ledger.gl_balances
    union all
    select distinct 'named account', to_json([company_id, receivable_account, case when {alone} then currency end]) from raw_ledger.documents
    union all
    select distinct 'named account', to_json([company_id, receivable_account, case when {alone} then currency end]) from raw_ledger.receipts
    union all
    select distinct 'named account', to_json([company_id, receivable_account, case when {alone} then currency end]) from raw_ledger.adjustments
"""
SOURCE_KIND = "case source_type when 'credit_memo' then 'document' else source_type end"
SIDES = {"document": "documents", "receipt": "receipts", "adjustment": "adjustments"}
# Who knows whom: the ends of each link, as kind and id. A target that is no document may be a stand-alone adjustment.
LINKS = {
    "applications": [("'document'", "document_id"), ("'adjustment'", "document_id"), (SOURCE_KIND, "source_id")],
    "adjustments": [("'adjustment'", "adjustment_id"), ("'document'", "document_id"), ("'receipt'", "receipt_id")],
}


@dataclass(frozen=True)
class LastBuild:
    """What the last build was made from, as far as another build can follow it."""

    fingerprint: str
    as_of: date
    made_with: Mapping[str, str]
    shared: str
    # Per feed: which making of its raw table it is (a table that is made again cannot be followed), and the moment of its last delivery.
    feeds: Mapping[str, tuple[int, datetime]]


def begin(con: duckdb.DuckDBPyConnection, home: Home, info: BuildInfo) -> str | None:
    """Prepare for a build; return why it must derive everything, or None where it can follow the last one.

    In the latter case the touched families are in `meta.touched_*`. ``con`` is open on the working database.
    """
    last = _take_last(con)
    if last is None:
        return "there is no build to follow"
    if info.is_as_known_then:
        return "it is of a past moment of knowledge"
    try:
        if meta.read_build_info(home).fingerprint != last.fingerprint:
            return "the build file is another one"
    except meta.ArwError:
        return "the build file is not whole"
    if dict(last.made_with) != _made_with(info):
        return "policy, models or engine are others"
    if last.shared != _shared(con):
        return "companies or their accounts changed"
    feeds = _feeds(con)
    for feed in (*OWN, *SEEN):
        if (feed in last.feeds) != (feed in feeds) or (feed in feeds and feeds[feed][0] != last.feeds[feed][0]):
            return f"{feed} came late or for the first time"
    meta.attach(con, home, "ar_build")
    try:
        return touch(con, last, info.as_of, int(json.loads(info.variables)["max_rate_age_days"]))
    finally:
        con.execute("detach ar_build")


def end(con: duckdb.DuckDBPyConnection, info: BuildInfo) -> None:
    """Put on record what the build was made from, for the next one to follow."""
    said = {
        "fingerprint": info.fingerprint,
        "as_of": info.as_of.isoformat(),
        "made_with": _made_with(info),
        "shared": _shared(con),
        "feeds": {feed: [generation, moment.isoformat()] for feed, (generation, moment) in _feeds(con).items()},
    }
    con.execute("create or replace table meta.last_build as select $said as said", {"said": json.dumps(said)})


def touch(con: duckdb.DuckDBPyConnection, last: LastBuild, as_of: date, max_rate_age_days: int) -> str | None:
    """Write the keys of the families that changed since ``last`` into `meta.touched_*`; return why that does not do, if so.

    ``con``: the working database, with the last build attached as `ar_build`.
    """
    changed = {feed: _changed(last, feed) for feed in (*OWN, *SEEN) if feed in last.feeds}
    if "payment_terms" in changed and con.execute(f"select 1 from raw_ledger.payment_terms where {changed['payment_terms']} limit 1").fetchone():
        return "payment terms changed"
    con.execute("create or replace temp table reached (kind varchar, id varchar)")
    for query in (*_changed_sides(changed), *_seen_otherwise(changed, max_rate_age_days), _between(last.as_of, as_of)):
        con.execute(f"insert into reached {query}")
    con.execute("create or replace temp table touched as select distinct kind, id from reached where id is not null")
    con.execute("create or replace temp table frontier as from touched")
    while con.execute("select 1 from frontier limit 1").fetchone():
        con.execute("create or replace temp table reached (kind varchar, id varchar)")
        for query in _neighbours(con):
            con.execute(f"insert into reached {query}")
        con.execute(
            "create or replace temp table frontier as select distinct kind, id from reached anti join touched using (kind, id) where id is not null"
        )
        con.execute("insert into touched from frontier")
    [[touched, sides]] = con.execute("select (select count(*) from touched), (select count(*) from intermediate.int_sides)").fetchall()
    if touched > MOST_TOUCHED * sides + 1000:
        return "most families changed"
    _write_keys(con)
    return None


def _take_last(con: duckdb.DuckDBPyConnection) -> LastBuild | None:
    """Return what the last build left on record, and remove it: until this one has come to its end there is none to follow."""
    if not con.execute("select 1 from duckdb_tables() where schema_name = 'meta' and table_name = 'last_build'").fetchone():
        return None
    [[text]] = con.execute("from meta.last_build").fetchall()
    con.execute("drop table meta.last_build")
    said: dict[str, Any] = json.loads(text)
    feeds = {feed: (generation, datetime.fromisoformat(moment)) for feed, (generation, moment) in said["feeds"].items()}
    return LastBuild(said["fingerprint"], date.fromisoformat(said["as_of"]), said["made_with"], said["shared"], feeds)


def _made_with(info: BuildInfo) -> dict[str, str]:
    return {name: getattr(info, name) for name in MADE_WITH}


def _shared(con: duckdb.DuckDBPyConnection) -> str:
    """Return a digest of what all rows share, whichever family they belong to."""
    alone = "(select count(*) = 0 from raw_ledger.companies)"
    [[digest]] = con.execute(f"select md5(coalesce(string_agg(what || said, ' ' order by what, said), '')) from ({SHARED.format(alone=alone)})").fetchall()
    return str(digest)


def _feeds(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, datetime]]:
    return {
        feed: (generation, moment)
        for feed, generation, moment in con.execute(
            """
            select states.feed, any_value(states.generation), max(deliveries.extracted_at)
            from meta.raw_state as states inner join meta.deliveries as deliveries on deliveries.feed = states.feed
            group by states.feed
            """
        ).fetchall()
    }


def _changed(last: LastBuild, feed: str) -> str:
    """Return the condition of the versions that began or ended since: what follows the last delivery begins and ends after it."""
    moment = f"timestamp '{last.feeds[feed][1]}'"
    return f"(known_from > {moment} or (known_to > {moment} and known_to < timestamp '9999-12-31'))"


def _changed_sides(changed: Mapping[str, str]) -> list[str]:
    """Return queries for the sides whose own rows changed."""
    queries = [
        f"select '{kind}', {kind}_id from raw_ledger.{feed} where {changed[feed]}" for kind, feed in SIDES.items() if feed in changed
    ]
    if "applications" in changed:
        queries += [f"select {kind}, {key} from raw_ledger.applications where {changed['applications']}" for kind, key in LINKS["applications"]]
    if "installments" in changed:
        queries.append(f"select 'document', document_id from raw_ledger.installments where {changed['installments']}")
    return queries


def _seen_otherwise(changed: Mapping[str, str], max_rate_age_days: int) -> list[str]:
    """Return queries for the sides whose customer changed, or that need a rate that may have changed: one of its day, or of the days before."""
    queries = []
    if "customers" in changed:
        customers = f"select customer_id from raw_ledger.customers where {changed['customers']}"
        queries += [f"select '{kind}', {kind}_id from raw_ledger.{feed} where customer_id in ({customers})" for kind, feed in SIDES.items()]
    if "exchange_rates" in changed:
        for kind, feed, amount_base, rate in (
            ("document", "documents", "gross_amount_base", "sides.exchange_rate"),
            ("receipt", "receipts", "amount_base", "sides.exchange_rate"),
            ("adjustment", "adjustments", "amount_base", "null"),
        ):
            queries.append(
                f"""
                select '{kind}', {kind}_id from raw_ledger.{feed} as sides
                left join staging.stg_ledger__companies as companies on companies.company_id = sides.company_id or (sides.company_id is null and companies.is_only_company)
                where sides.{amount_base} is null and coalesce({rate}, 0) <= 0 and sides.currency is distinct from companies.base_currency
                    and exists (
                        select 1 from (select distinct rate_date from raw_ledger.exchange_rates where {changed['exchange_rates']}) as rates
                        where sides.posting_date >= rates.rate_date and sides.posting_date <= rates.rate_date + {max_rate_age_days}
                    )
                """
            )
    return queries


def _between(before: date, now: date) -> str:
    """Return a query for the sides that something is posted on between the two dates the books are read at: balances and lifecycles end at as_of."""
    first, last = sorted((before, now))
    return f"""
        select distinct split_part(item_id, ':', 1), document_id from ar_build.marts.fct_ar_events
        where posting_date > date '{first}' and posting_date <= date '{last}'
    """


def _neighbours(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Return queries for the sides that those in `frontier` are linked with, in any version of the links."""
    queries = []
    for feed, ends in LINKS.items():
        met = " or ".join(f"({kind}, {key}) in (select kind, id from frontier)" for kind, key in ends)
        con.execute(f"create or replace temp table links_{feed} as from raw_ledger.{feed} where {met}")
        queries += [f"select {kind}, {key} from links_{feed}" for kind, key in ends]
    pooled = "select customer_id from raw_ledger.customers where application_rule = 'oldest_first'"
    if con.execute(f"{pooled} limit 1").fetchone():
        owners = " union ".join(
            f"select customer_id from raw_ledger.{feed} where {kind}_id in (select id from frontier where kind = '{kind}')" for kind, feed in SIDES.items()
        )
        con.execute(f"create or replace temp table owners as select customer_id from ({owners}) where customer_id in ({pooled})")
        queries += [f"select '{kind}', {kind}_id from raw_ledger.{feed} where customer_id in (from owners)" for kind, feed in SIDES.items()]
    return queries


def _write_keys(con: duckdb.DuckDBPyConnection) -> None:
    """Write what was touched, by the kind of key that the models look for."""
    side_of_item = "(case when item_type in ('receipt', 'adjustment') then item_type else 'document' end, document_id)"
    keys = {
        **{feed: f"select id from touched where kind = '{kind}'" for kind, feed in SIDES.items()},
        "applications": "select distinct application_id from raw_ledger.applications where document_id in (select id from touched where kind = 'document')",
        "sides": "select kind || ':' || id from touched",
        "items": f"select distinct item_id from intermediate.int_items where {side_of_item} in (select kind, id from touched)",
    }
    for kind in KINDS:
        con.execute(f"create or replace table meta.touched_{kind} (id varchar)")
        con.execute(f"insert into meta.touched_{kind} {keys[kind]}")
