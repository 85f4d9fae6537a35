"""Which families a build must derive again: those with a row that changed since the last build (decision 0018).

A family is whatever can move one another: a document, receipt or stand-alone adjustment (the sides), what is applied to it, and the sides on which the order of
things decides as far as they hang together. What is derived of a family depends on its own rows, and on companies, accounts, rates, terms and customers.
So a build may follow the last one where nothing that all rows share changed, and only has to derive the families in which something did.

Each key that is touched has a level: how near it is to what changed. A model names the level that it derives, and the one that it looks at to do so.

1 changed   its own rows are others, or it is contended together with one whose are
2 moved     its movements may be others: it is applied with one that changed
3 valued    its base amounts are needed, because a movement is valued at its book rate
4 seen      its own rows are needed, because something is applied to it or from it

State is kept in the working database, in `meta.last_build`, from the end of a build to the beginning of the next: a build that was killed is not followed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import duckdb

from orchestration import meta
from orchestration.errors import ArwError
from orchestration.meta import BuildInfo
from orchestration.settings import Home

# Feeds whose rows make up families, and those whose rows families look at; what comes of any other feed is derived anew by every build.
OWN = ("documents", "receipts", "adjustments", "applications", "installments")
LOOKED_AT = ("customers", "exchange_rates", "payment_terms")
# Beyond this share of all sides it costs less to derive everything; so few are always worth following.
MOST_MOVED, FEW = 0.3, 1000
# What a build must have been made with for another to follow it.
MADE_WITH = ("policy_hash", "models_hash", "engine")

# What rows that name no company or account belong to is decided for all at once (stg_ledger__companies, stg_ledger__receivable_accounts).
SHARED = """
    select 'company' as what, to_json(companies) as said from raw_ledger.companies
    union all
    select distinct 'account', to_json([company_id, receivable_account]) from raw_ledger.gl_balances
    union all
    select distinct 'documents', to_json([company_id, receivable_account, case when {alone} then currency end]) from raw_ledger.documents
    union all
    select distinct 'receipts', to_json([company_id, receivable_account, case when {alone} then currency end]) from raw_ledger.receipts
    union all
    select distinct 'adjustments', to_json([company_id, receivable_account, case when {alone} then currency end]) from raw_ledger.adjustments
"""

CHANGED, MOVED, VALUED, SEEN = 1, 2, 3, 4
SIDES = {"document": "documents", "receipt": "receipts", "adjustment": "adjustments"}
SOURCE_KIND = "case source_type when 'credit_memo' then 'document' else source_type end"
# The sides that an application names; a target that is no document may be a stand-alone adjustment.
ENDS = f"""
    select 'document' as kind, document_id as id from met
    union
    select 'adjustment', document_id from met where document_id in (select adjustment_id from raw_ledger.adjustments)
    union
    select {SOURCE_KIND}, source_id from met
"""
# Sides whose base amounts are not their amounts: in another currency, or moved by an adjustment that may say its own. What is new may be one.
CONVERTED = """
    select side_kind as kind, side_id as id from intermediate.int_sides where currency is distinct from base_currency
    union all
    select kind, id from levels anti join intermediate.int_sides as sides on sides.side_kind = levels.kind and sides.side_id = levels.id
    union all
    select 'document', document_id from raw_ledger.adjustments where amount_base is not null or adjustment_type = 'revaluation'
    union all
    select 'receipt', receipt_id from raw_ledger.adjustments where amount_base is not null or adjustment_type = 'revaluation'
"""


@dataclass(frozen=True)
class LastBuild:
    """What the last build was made from, as far as another build can follow it."""

    fingerprint: str
    as_of: date
    made_with: Mapping[str, str]
    shared: str
    columns: str
    # Per feed: which making of its raw table it is (a table that is made again cannot be followed), and the moment of its last delivery.
    feeds: Mapping[str, tuple[int, datetime]]


def begin(con: duckdb.DuckDBPyConnection, home: Home, info: BuildInfo) -> str | None:
    """Prepare for a build; return why it must derive everything, or None where it can follow the last one.

    In the latter case what is touched stands in `meta.touched_*`. ``con`` is open on the working database.
    """
    last = _take_last(con)
    if last is None:
        return "there is no build to follow"
    if info.is_as_known_then:
        return "it is of a past moment of knowledge"
    try:
        if meta.read_build_info(home).fingerprint != last.fingerprint:
            return "the build file is another one"
    except ArwError:
        return "the build file is not whole"
    meta.attach(con, home, "ar_build")
    try:
        return follow(con, last, stock(con, info), int(json.loads(info.variables)["max_rate_age_days"]))
    finally:
        con.execute("detach ar_build")


def end(con: duckdb.DuckDBPyConnection, info: BuildInfo) -> None:
    """Put on record what the build was made from, for the next one to follow."""
    made = stock(con, info)
    said = asdict(made) | {"as_of": made.as_of.isoformat(), "feeds": {feed: [made_again, last.isoformat()] for feed, (made_again, last) in made.feeds.items()}}
    con.execute("create or replace table meta.last_build as select $said as said", {"said": json.dumps(said)})


def stock(con: duckdb.DuckDBPyConnection, info: BuildInfo) -> LastBuild:
    """Return what a build of the present raw tables is made from."""
    return LastBuild(info.fingerprint, info.as_of, {name: getattr(info, name) for name in MADE_WITH}, _shared(con), _columns(con), _feeds(con))


def follow(con: duckdb.DuckDBPyConnection, last: LastBuild, now: LastBuild, max_rate_age_days: int) -> str | None:
    """Write the keys that are touched by what changed since ``last`` into `meta.touched_*`; return why everything is to be derived all the same, if so.

    ``con``: the working database, with the last build attached as `ar_build`.
    """
    if last.made_with != now.made_with:
        return "policy, models or engine are others"
    if last.columns != now.columns:
        return "the raw tables have other columns"
    if last.shared != now.shared:
        return "companies or their accounts changed"
    for feed in (*OWN, *LOOKED_AT):
        if (feed in last.feeds) != (feed in now.feeds) or (feed in now.feeds and now.feeds[feed][0] != last.feeds[feed][0]):
            return f"{feed} came late or for the first time"
    changed = {feed: _changed(last, feed) for feed in (*OWN, *LOOKED_AT) if feed in last.feeds}
    if "payment_terms" in changed and con.execute(f"select 1 from raw_ledger.payment_terms where {changed['payment_terms']} limit 1").fetchone():
        return "payment terms changed"
    # No row of a family was known otherwise before the first of the moments at which something changed.
    con.execute(
        f"""
        create or replace table meta.follows_from as
        select min(extracted_at) as moment, date '{last.as_of}' as as_of from meta.deliveries where {_since(last)}
        """
    )
    con.execute("create or replace temp table levels (kind varchar, id varchar, level integer)")
    for query in (*_changed_sides(changed), *_changed_surroundings(changed, max_rate_age_days), _between(last.as_of, now.as_of)):
        _add(con, query, CHANGED)
    _add_contended(con)
    _add_applied(con, CHANGED, MOVED)
    con.execute(f"create or replace temp table converted as {CONVERTED}")
    _add_applied(con, MOVED, MOVED, of_which="(kind, id) in (from converted)")
    [[moved, sides]] = con.execute("select (select count(*) from levels), (select count(*) from intermediate.int_sides)").fetchall()
    if moved > MOST_MOVED * sides + FEW:
        return "most families changed"
    _add_applied(con, MOVED, VALUED, which="(kind, id) in (from converted)")
    _add_applied(con, VALUED, SEEN)
    _write_keys(con)
    con.execute("create or replace table meta.contended_before as select kind || ':' || id as id from contended semi join levels using (kind, id)")
    return None


def _take_last(con: duckdb.DuckDBPyConnection) -> LastBuild | None:
    """Return what the last build left on record, and remove it: until this one has come to its end there is none to follow."""
    if not con.execute("select 1 from duckdb_tables() where schema_name = 'meta' and table_name = 'last_build'").fetchone():
        return None
    [[text]] = con.execute("from meta.last_build").fetchall()
    con.execute("drop table meta.last_build")
    said: dict[str, Any] = json.loads(text)
    feeds = {feed: (generation, datetime.fromisoformat(moment)) for feed, (generation, moment) in said["feeds"].items()}
    return LastBuild(said["fingerprint"], date.fromisoformat(said["as_of"]), said["made_with"], said["shared"], said.get("columns", ""), feeds)


def _shared(con: duckdb.DuckDBPyConnection) -> str:
    """Return a digest of what all rows share, whichever family they belong to."""
    alone = "(select count(*) = 0 from raw_ledger.companies)"
    [[digest]] = con.execute(f"select md5(coalesce(string_agg(what || said, ' ' order by what, said), '')) from ({SHARED.format(alone=alone)})").fetchall()
    return str(digest)


def _columns(con: duckdb.DuckDBPyConnection) -> str:
    """Return a digest of the columns of the raw tables: the views on them stand only as long as these do."""
    [[digest]] = con.execute(
        """
        select md5(string_agg(concat_ws(' ', schema_name, table_name, column_name, data_type), ' ' order by schema_name, table_name, column_index))
        from duckdb_columns() where database_name = current_database() and starts_with(schema_name, 'raw_')
        """
    ).fetchall()
    return str(digest)


def _feeds(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, datetime]]:
    found = con.execute(
        """
        select states.feed, any_value(states.generation), max(deliveries.extracted_at)
        from meta.raw_state as states inner join meta.deliveries as deliveries on deliveries.feed = states.feed
        group by states.feed
        """
    ).fetchall()
    return {feed: (generation, moment) for feed, generation, moment in found}


def _changed(last: LastBuild, feed: str) -> str:
    """Return the condition of the versions that began or ended since: what follows the last delivery begins and ends after it."""
    moment = f"timestamp '{last.feeds[feed][1]}'"
    return f"(known_from > {moment} or (known_to > {moment} and known_to < timestamp '9999-12-31'))"


def _since(last: LastBuild) -> str:
    """Return the condition of the deliveries that came since."""
    return " or ".join(["false", *(f"(feed = '{feed}' and extracted_at > timestamp '{moment}')" for feed, (_, moment) in sorted(last.feeds.items()))])


def _changed_sides(changed: Mapping[str, str]) -> list[str]:
    """Return queries for the sides of which rows changed: their own, those of what is applied to them, or of what moves them."""
    queries = [f"select '{kind}', {kind}_id from raw_ledger.{feed} where {changed[feed]}" for kind, feed in SIDES.items() if feed in changed]
    if "applications" in changed:
        queries.append(f"with met as (select * from raw_ledger.applications where {changed['applications']}) {ENDS}")
    if "adjustments" in changed:
        queries += [f"select '{kind}', {kind}_id from raw_ledger.adjustments where {changed['adjustments']}" for kind in ("document", "receipt")]
    if "installments" in changed:
        queries.append(f"select 'document', document_id from raw_ledger.installments where {changed['installments']}")
    return queries


def _changed_surroundings(changed: Mapping[str, str], max_rate_age_days: int) -> list[str]:
    """Return queries for the sides whose customer changed, or that need a rate that may have changed: one of their day, or of the days before."""
    queries = []
    if "customers" in changed:
        customers = f"select customer_id from raw_ledger.customers where {changed['customers']}"
        queries += [f"select '{kind}', {kind}_id from raw_ledger.{feed} where customer_id in ({customers})" for kind, feed in SIDES.items()]
    if "exchange_rates" in changed:
        own_rates = {
            "document": ("gross_amount_base", "sides.exchange_rate"),
            "receipt": ("amount_base", "sides.exchange_rate"),
            "adjustment": ("amount_base", "0"),
        }
        for kind, (amount_base, rate) in own_rates.items():
            queries.append(
                f"""
                select '{kind}', {kind}_id from raw_ledger.{SIDES[kind]} as sides
                left join staging.stg_ledger__companies as companies
                    on companies.company_id = sides.company_id or (sides.company_id is null and companies.is_only_company)
                where sides.{amount_base} is null and coalesce({rate}, 0) <= 0 and sides.currency is distinct from companies.base_currency
                    and exists (
                        select 1 from (select distinct rate_date from raw_ledger.exchange_rates where {changed["exchange_rates"]}) as rates
                        where sides.posting_date >= rates.rate_date and sides.posting_date <= rates.rate_date + {max_rate_age_days}
                    )
                """
            )
    return queries


def _between(before: date, now: date) -> str:
    """Return a query for the sides that something is posted on between the two dates the books are read at: balances and lifecycles end at as_of."""
    first, last = sorted((before, now))
    return f"""
        select split_part(item_id, ':', 1), document_id from ar_build.marts.fct_ar_events
        where posting_date > date '{first}' and posting_date <= date '{last}'
    """


def _add(con: duckdb.DuckDBPyConnection, query: str, level: int) -> None:
    """Add the sides that a query yields (kind, id) at ``level``, but for those that are nearer."""
    con.execute(
        f"""
        insert into levels
        select distinct kind, id, {level} from (select * from ({query}) as found (kind, id)) anti join levels using (kind, id)
        where id is not null
        """
    )


def _met(ends: str) -> str:
    """Return a query for the applications, each version, that name a side of the relation ``ends`` (kind, id), with what names their two sides.

    One reading of the applications finds those that name an id, whatever its kind; of these few the kind is looked at.
    """
    names = "application_id, document_id, source_type, source_id"
    return f"""
        select {names}
        from (select {names} from raw_ledger.applications where document_id in (select id from {ends}) or source_id in (select id from {ends})) as named
        where document_id in (select id from {ends} where kind in ('document', 'adjustment'))
            or ({SOURCE_KIND}, source_id) in (select (kind, id) from {ends})
    """


def _add_contended(con: duckdb.DuckDBPyConnection) -> None:
    """Add to what changed the contended sides that hang together with it: these decide one another.

    A side becomes contended only by a change of its own, so those that were contended before lead on. An account whose cash settles the oldest item is
    contended as a whole.
    """
    con.execute(
        """
        create or replace temp table contended as
        select split_part(side_key, ':', 1) as kind, substring(side_key, strpos(side_key, ':') + 1) as id from intermediate.int_contended_sides
        """
    )
    pooled = "select customer_id from raw_ledger.customers where application_rule = 'oldest_first'"
    con.execute("create or replace temp table frontier as select kind, id from levels")
    while con.execute("select 1 from frontier limit 1").fetchone():
        con.execute(f"create or replace temp table met as {_met('frontier')}")
        con.execute(f"create or replace temp table reached as select kind, id from ({ENDS}) as ends semi join contended using (kind, id)")
        if con.execute(f"{pooled} limit 1").fetchone():
            owners = " union ".join(
                f"select customer_id from raw_ledger.{feed} where {kind}_id in (select id from frontier where kind = '{kind}')" for kind, feed in SIDES.items()
            )
            con.execute(f"create or replace temp table owners as select customer_id from ({owners}) where customer_id in ({pooled})")
            for kind, feed in SIDES.items():
                con.execute(f"insert into reached select '{kind}', {kind}_id from raw_ledger.{feed} where customer_id in (from owners)")
        con.execute("create or replace temp table frontier as select distinct kind, id from reached anti join levels using (kind, id)")
        _add(con, "from frontier", CHANGED)


def _add_applied(con: duckdb.DuckDBPyConnection, of: int, level: int, *, of_which: str = "true", which: str = "true") -> None:
    """Add at ``level`` the sides that are applied with those up to the level ``of``; the conditions say of which of these, and which of those."""
    con.execute(f"create or replace temp table frontier as select kind, id from levels where level <= {of} and {of_which}")
    con.execute(f"create or replace temp table met as {_met('frontier')}")
    _add(con, f"select kind, id from ({ENDS}) as ends where {which}", level)


def _write_keys(con: duckdb.DuckDBPyConnection) -> None:
    """Write what is touched by the kind of key that the models look for, each with its nearest level."""
    # An adjustment that moves an item is as near as that, and each item that it ever moved is looked at with it.
    con.execute(
        """
        create or replace temp table moving as
        select adjustment_id, least(documents.level, receipts.level, own.level) as level
        from raw_ledger.adjustments
        left join levels as documents on documents.kind = 'document' and documents.id = document_id
        left join levels as receipts on receipts.kind = 'receipt' and receipts.id = receipt_id
        left join levels as own on own.kind = 'adjustment' and own.id = adjustment_id
        where least(documents.level, receipts.level, own.level) is not null
        """
    )
    for kind in ("document", "receipt"):
        _add(con, f"select '{kind}', {kind}_id from raw_ledger.adjustments where adjustment_id in (select adjustment_id from moving)", SEEN)
    keys = {
        "documents": "select id, level from levels where kind = 'document'",
        "receipts": "select id, level from levels where kind = 'receipt'",
        "adjustments": "from moving",
        # Those that name a side up to the level `valued` were met last.
        "applications": f"""
            select application_id, level from met inner join levels on levels.kind in ('document', 'adjustment') and levels.id = met.document_id
            where level <= {VALUED}
            union all
            select application_id, level from met inner join levels on levels.kind = {SOURCE_KIND} and levels.id = met.source_id
            where level <= {VALUED}
        """,
        "sides": "select kind || ':' || id, level from levels",
        "items": """
            select item_id, level from levels inner join ar_build.marts.dim_item_versions as items
                on items.document_id = levels.id and levels.kind = case when item_type in ('receipt', 'adjustment') then item_type else 'document' end
            union all
            select kind || ':' || id, level from levels
        """,
    }
    for name, query in keys.items():
        con.execute(f"create or replace table meta.touched_{name} as select id, min(level) as level from ({query}) as touched (id, level) group by id")
