"""What the frozen weeks would say now: `meta.restatements`, an item and week per row, with old, new and why (decision 0017).

Three states of an item are compared: as it was frozen; as it was known at the moment of freezing, from today's lake, policy and models; and as known now. Where
the first two differ, something that belongs to the knowledge of that moment was not there yet (a late drop, another policy, other models); where only the last
differs, the ledger told something later (a posting). All is done by set operations over the published events: of weeks that come out as frozen but for what was
told since, only the items that knowledge touched are looked at; the other weeks are compared whole, and only what differs is looked at closer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb

from orchestration.snapshots import Snapshot

TABLE = """
    item_id varchar, snapshot_date date, old_amount decimal(18, 3), new_amount decimal(18, 3), currency varchar, cause varchar, found_at timestamp,
    changed varchar, company_id varchar, new_currency varchar, known_then_amount decimal(18, 3),
    base_currency varchar, old_amount_base decimal(18, 3), new_amount_base decimal(18, 3), known_then_amount_base decimal(18, 3),
    old_due_date date, new_due_date date, old_customer_id varchar, new_customer_id varchar, known_since timestamp
"""


@dataclass(frozen=True)
class Standing:
    """How a frozen week stands to what is published; ``known_at`` is the moment (UTC) of the newest drop that it was made of."""

    snapshot_date: date
    known_at: datetime
    late_drops: tuple[str, ...]
    lacks_drops: bool
    has_other_policy: bool
    has_other_models: bool

    @property
    def is_alike(self) -> bool:
        """Tell whether the week would come out as frozen, but for what was told since."""
        return not (self.late_drops or self.lacks_drops or self.has_other_policy or self.has_other_models)

    @property
    def cause(self) -> str:
        """The cause of what differs at the week's own moment and no late drop touched.

        Other models may change anything, so they are named before another policy; with neither, only the set of drops is left.
        """
        if self.has_other_models:
            return "model"
        return "policy" if self.has_other_policy else "late_drop"


def standings(snapshots: Sequence[Snapshot], extracted_at: dict[str, datetime], policy_hash: str, models_hash: str) -> list[Standing]:
    """Compare the record of each frozen week with the drops (id: knowledge time, UTC), policy and models of a build."""
    found = []
    for one in snapshots:
        own = set(one.drops)
        said = datetime.fromisoformat(one.known_at).astimezone(UTC).replace(tzinfo=None)
        # The record's own moment may be cut to the second; a drop's is not.
        known_at = max((extracted_at[drop] for drop in own if drop in extracted_at), default=said)
        found.append(
            Standing(
                one.snapshot_date,
                known_at,
                tuple(sorted(drop for drop, taken in extracted_at.items() if taken <= known_at and drop not in own)),
                not own <= set(extracted_at),
                one.policy_hash != policy_hash,
                one.models_hash != models_hash,
            )
        )
    return found


def weeks_compared(con: duckdb.DuckDBPyConnection) -> list[date]:
    """Return the frozen weeks that the build in the open file was compared with already; none for a build that was never published."""
    try:
        con.execute("select 1 from meta.restatements limit 0")
        return [row[0] for row in con.execute("select snapshot_date from meta.snapshots").fetchall()]
    except duckdb.CatalogException:
        return []


def write(con: duckdb.DuckDBPyConnection, snapshots: Sequence[Snapshot], compared: Collection[date] = ()) -> int:
    """Write meta.restatements into a file that is about to be published and holds its snapshots; return its rows.

    ``compared`` are the weeks that the same build was compared with already: their rows stay as they are.
    """
    con.execute(f"create {'table if not exists' if compared else 'or replace table'} meta.restatements ({TABLE})")
    shown = {row[0] for row in con.execute("select snapshot_date from meta.snapshots where snapshot_date <= (select as_of from meta.build_info)").fetchall()}
    drops = {row[0]: row[1] for row in con.execute("select drop_id, extracted_at from meta.drops").fetchall()}
    policy_hash, models_hash = con.execute("select policy_hash, models_hash from meta.build_info").fetchone() or ("", "")
    weeks = standings([one for one in snapshots if one.snapshot_date in shown.difference(compared)], drops, policy_hash, models_hash)
    if weeks:
        _prepare(con, weeks)
        con.execute("insert into scope select snapshot_date, item_id from touched inner join standing using (snapshot_date) where is_alike")
        if others := [week.snapshot_date for week in weeks if not week.is_alike]:
            con.execute(SPANS)
            for snapshot_date in others:
                con.execute(DIFFERING, {"week": snapshot_date})
        con.execute(COMPARISON)
        for table in ("standing", "late", "touched", "touched_late", "scope", "spans"):
            con.execute(f"drop table if exists temp.{table}")
    (rows,) = con.execute("select count(*) from meta.restatements").fetchone() or (0,)
    return int(rows)


def _prepare(con: duckdb.DuckDBPyConnection, weeks: Sequence[Standing]) -> None:
    """Create the temp tables that the comparison reads."""
    con.execute("create or replace temp table standing (snapshot_date date, known_at timestamp, is_alike boolean, cause varchar)")
    con.execute("create or replace temp table late (snapshot_date date, drop_id varchar)")
    con.execute("create or replace temp table scope (snapshot_date date, item_id varchar)")
    for week in weeks:
        con.execute("insert into standing values (?, ?, ?, ?)", [week.snapshot_date, week.known_at, week.is_alike, week.cause])
        for drop in week.late_drops:
            con.execute("insert into late values (?, ?)", [week.snapshot_date, drop])
    con.execute(TOUCHED)
    con.execute(TOUCHED_LATE if any(week.late_drops for week in weeks) else NONE_TOUCHED_LATE)


# Items of which a version began or ended after the week was frozen, and when that happened last. What is posted after the week does not count in it.
# What is told in its own week reaches no frozen one: it is left out by its moment, before any version would be compared with every week.
TOUCHED = """
create or replace temp table touched as
with oldest as (select min(known_at) as known_at from standing),
versions as (
    -- Most versions began before the oldest week was frozen, and hold.
    select item_id, posting_date, known_from, known_to from marts.fct_ar_events, oldest
    where known_from > oldest.known_at or (known_to > oldest.known_at and known_to < timestamp '9999-12-30')
    union all
    select item_id, posting_date, known_from, known_to from marts.dim_item_versions, oldest
    where known_from > oldest.known_at or (known_to > oldest.known_at and known_to < timestamp '9999-12-30')
),
moments as (
    select known_from as moment from versions
    union
    select known_to from versions where known_to < timestamp '9999-12-30'
),
reach as (
    select moments.moment, max(standing.snapshot_date) as last_week
    from moments inner join standing on standing.known_at < moments.moment group by all
),
boundaries as (
    select item_id, posting_date, moment from versions inner join reach on reach.moment = versions.known_from where posting_date <= last_week
    union
    select item_id, posting_date, moment from versions inner join reach on reach.moment = versions.known_to where posting_date <= last_week
)
select standing.snapshot_date, boundaries.item_id, max(boundaries.moment) as known_since
from standing inner join boundaries
    on boundaries.posting_date <= standing.snapshot_date and boundaries.moment > standing.known_at
group by all
"""

# Items of which a version began or ended with a late drop, and what they were settled with: an invoice that came late also lets cash apply.
TOUCHED_LATE = """
create or replace temp table touched_late as
with moments as (
    select late.snapshot_date, drops.extracted_at as moment from late inner join meta.drops as drops on drops.drop_id = late.drop_id
),
versions as (
    select item_id, counterpart_item_id, known_from, known_to from marts.fct_ar_events
    union all
    select item_id, null, known_from, known_to from marts.dim_item_versions
),
hits as (
    select snapshot_date, item_id, counterpart_item_id from versions inner join moments on moments.moment = versions.known_from
    union
    select snapshot_date, item_id, counterpart_item_id from versions inner join moments on moments.moment = versions.known_to
)
select snapshot_date, item_id from hits
union
select snapshot_date, counterpart_item_id from hits where counterpart_item_id is not null
"""

NONE_TOUCHED_LATE = "create or replace temp table touched_late (snapshot_date date, item_id varchar)"

# What is open on each item as known now, by the days on which it changes: each week end then costs a look at what is open on it, not at all of history.
SPANS = """
create or replace temp table spans as
with moment as (
    select case when is_as_known_then then known_at else timestamp '9999-12-30' end as now from meta.build_info
),
daily as (
    select events.item_id, events.posting_date, sum(events.amount) as amount, sum(events.amount_base) as amount_base
    from marts.fct_ar_events as events cross join moment
    where events.known_from <= moment.now and events.known_to > moment.now
    group by all
),
running as (
    select
        item_id, posting_date as valid_from, lead(posting_date, 1, date '9999-12-31') over by_day as valid_to,
        cast(sum(amount) over by_day as decimal(18, 3)) as open_amount, cast(sum(amount_base) over by_day as decimal(18, 3)) as open_amount_base
    from daily window by_day as (partition by item_id order by posting_date)
)
select running.*, items.due_date, items.customer_id, items.currency
from running
cross join moment
inner join marts.dim_item_versions as items
    on items.item_id = running.item_id and items.known_from <= moment.now and items.known_to > moment.now
where running.open_amount != 0 or running.open_amount_base != 0
"""

DIFFERING = """
insert into scope
select $week, coalesce(frozen.item_id, news.item_id)
from (from marts.fct_aging_snapshots where snapshot_date = $week) as frozen
full join (from spans where valid_from <= $week and valid_to > $week) as news on news.item_id = frozen.item_id
where frozen.open_amount is distinct from news.open_amount or frozen.open_amount_base is distinct from news.open_amount_base
    or frozen.due_date is distinct from news.due_date or frozen.customer_id is distinct from news.customer_id
    or frozen.currency is distinct from news.currency
"""

COMPARISON = """
insert into meta.restatements by name
with moment as (
    select case when is_as_known_then then known_at else timestamp '9999-12-30' end as now, built_at from meta.build_info
),
balances as (
    select
        scope.snapshot_date, scope.item_id,
        sum(events.amount) filter (where events.known_from <= standing.known_at and events.known_to > standing.known_at) as then_amount,
        sum(events.amount_base) filter (where events.known_from <= standing.known_at and events.known_to > standing.known_at) as then_amount_base,
        sum(events.amount) filter (where events.known_from <= moment.now and events.known_to > moment.now) as new_amount,
        sum(events.amount_base) filter (where events.known_from <= moment.now and events.known_to > moment.now) as new_amount_base
    from scope
    inner join standing on standing.snapshot_date = scope.snapshot_date
    cross join moment
    left join marts.fct_ar_events as events on events.item_id = scope.item_id and events.posting_date <= scope.snapshot_date
    group by all
),
states as (
    select
        balances.snapshot_date, balances.item_id, standing.known_at, standing.is_alike, standing.cause,
        coalesce(frozen.company_id, news.company_id) as company_id,
        coalesce(frozen.base_currency, news.base_currency) as base_currency,
        coalesce(frozen.currency, news.currency, thens.currency) as currency,
        coalesce(frozen.open_amount, 0) as old_amount, coalesce(frozen.open_amount_base, 0) as old_amount_base,
        frozen.due_date as old_due_date, frozen.customer_id as old_customer_id,
        -- An item is open where a version of it is known and either balance is left.
        coalesce(case when thens.item_id is not null then balances.then_amount end, 0) as known_then_amount,
        coalesce(case when thens.item_id is not null then balances.then_amount_base end, 0) as known_then_amount_base,
        coalesce(case when news.item_id is not null then balances.new_amount end, 0) as new_amount,
        coalesce(case when news.item_id is not null then balances.new_amount_base end, 0) as new_amount_base,
        frozen.item_id is not null as was_open, known_then_amount != 0 or known_then_amount_base != 0 as was_open_then,
        new_amount != 0 or new_amount_base != 0 as is_open,
        case when was_open_then then thens.due_date end as then_due_date, case when was_open_then then thens.customer_id end as then_customer_id,
        case when was_open_then then thens.currency end as then_currency,
        case when is_open then news.due_date end as new_due_date, case when is_open then news.customer_id end as new_customer_id,
        case when is_open then news.currency end as new_currency
    from balances
    inner join standing on standing.snapshot_date = balances.snapshot_date
    cross join moment
    left join marts.fct_aging_snapshots as frozen on frozen.snapshot_date = balances.snapshot_date and frozen.item_id = balances.item_id
    left join marts.dim_item_versions as thens
        on thens.item_id = balances.item_id and thens.known_from <= standing.known_at and thens.known_to > standing.known_at
    left join marts.dim_item_versions as news on news.item_id = balances.item_id and news.known_from <= moment.now and news.known_to > moment.now
),
compared as (
    select
        states.*,
        concat_ws(
            ', ',
            case when old_amount != new_amount then 'amount' end,
            case when old_amount_base != new_amount_base then 'amount_base' end,
            case when was_open and is_open and old_due_date is distinct from new_due_date then 'due_date' end,
            case when was_open and is_open and old_customer_id is distinct from new_customer_id then 'customer' end,
            case when was_open and is_open and currency is distinct from new_currency then 'currency' end
        ) as changed,
        old_amount != known_then_amount or old_amount_base != known_then_amount_base or old_due_date is distinct from then_due_date
            or old_customer_id is distinct from then_customer_id or (was_open and currency is distinct from then_currency) as was_other_then
    from states
),
caused as (
    select
        compared.* exclude (cause),
        case when not was_other_then then 'posting' when touched_late.item_id is not null then 'late_drop' else compared.cause end as cause
    from compared
    left join touched_late on touched_late.snapshot_date = compared.snapshot_date and touched_late.item_id = compared.item_id
    where compared.changed != ''
),
late_drops as (
    select late.snapshot_date, max(drops.extracted_at) as extracted_at, max(drops.loaded_at) as loaded_at
    from late inner join meta.drops as drops on drops.drop_id = late.drop_id group by all
),
arrivals as (select extracted_at, max(loaded_at) as loaded_at from meta.drops group by all)
select
    caused.item_id, caused.snapshot_date, old_amount, new_amount, currency, caused.cause,
    case caused.cause
        when 'posting' then arrivals.loaded_at when 'late_drop' then coalesce(late_drops.loaded_at, moment.built_at) else moment.built_at
    end as found_at,
    changed, company_id, coalesce(new_currency, currency) as new_currency, known_then_amount,
    base_currency, old_amount_base, new_amount_base, known_then_amount_base, old_due_date, new_due_date, old_customer_id, new_customer_id,
    case caused.cause when 'posting' then touched.known_since when 'late_drop' then late_drops.extracted_at end as known_since
from caused
cross join moment
left join touched on touched.snapshot_date = caused.snapshot_date and touched.item_id = caused.item_id
left join late_drops on late_drops.snapshot_date = caused.snapshot_date
left join arrivals on arrivals.extracted_at = touched.known_since
order by caused.snapshot_date, caused.item_id
"""
