"""Contended applications, decided in order by orchestration/settlement.py (which says why this is no SQL)."""

import os
from collections import defaultdict

import pyarrow as pa

from orchestration.settlement import Held, Installment, Movement, Piece, Side, clusters, settle

NEVER = 2932896  # 9999-12-31 in days since 1970-01-01
ALWAYS = 253402214400000000  # the same in microseconds

SIDES = """
    select side_key, direction, cast(cast(magnitude as decimal(30, 3)) * 1000 as bigint),
        {posting_date}, coalesce({due_date}, {posting_date}), {ended_on}, pool, {known}
    from {sides}
    where held_reason is null and side_key in (select side_key from {contended})
    order by side_key, known_from
"""
INSTALLMENTS = """
    select 'document:' || installments.document_id, installments.installment_sequence, {due_date},
        cast(cast(installments.amount as decimal(30, 3)) * 1000 as bigint),
        epoch_us(greatest(installments.known_from, plans.known_from)), epoch_us(least(installments.known_to, plans.known_to))
    from {installments} as installments
    inner join {plans} as plans
        on plans.document_id = installments.document_id
        and plans.is_valid
        and plans.known_from < installments.known_to and installments.known_from < plans.known_to
    where 'document:' || installments.document_id in (select side_key from {contended})
    order by 1, 2, 5
"""
MOVEMENTS = """
    select kind, movement_id, target_key, source_key, installment_sequence,
        cast(cast(amount as decimal(30, 3)) * 1000 as bigint), cast(cast(source_amount as decimal(30, 3)) * 1000 as bigint),
        cast(cast(discount_amount as decimal(30, 3)) * 1000 as bigint),
        {effective_on}, {ended_on}, is_reversed, is_target_contended, is_source_contended, {known},
        cast(case source_minor_units when 0 then 1000 when 1 then 100 when 2 then 10 else 1 end as bigint)
    from {movements}
    order by kind, movement_id, known_from
"""
# What the build that this one follows had decided of the same sides (decision 0018).
BEFORE = """
    select kind, movement_id, target_item_id, source_item_id, target_side_key, source_side_key, reason,
        cast(cast(amount as decimal(30, 3)) * 1000 as bigint), cast(cast(source_amount as decimal(30, 3)) * 1000 as bigint),
        cast(cast(discount_amount as decimal(30, 3)) * 1000 as bigint), {effective_on}, {ended_on}, is_derived, {known}
    from intermediate.int_settlements_decided
    where target_side_key in (select side_key from {contended}) or source_side_key in (select side_key from {contended})
"""
DECIDED = """
    select kind, movement_id, target_item_id, source_item_id, target_side_key, source_side_key, reason,
        cast(amount * cast('0.001' as decimal(4, 3)) as decimal(18, 3)) as amount,
        cast(source_amount * cast('0.001' as decimal(4, 3)) as decimal(18, 3)) as source_amount,
        cast(discount_amount * cast('0.001' as decimal(4, 3)) as decimal(18, 3)) as discount_amount,
        date '1970-01-01' + effective_on as effective_on,
        date '1970-01-01' + ended_on as ended_on,
        is_derived,
        make_timestamp(known_from) as known_from,
        make_timestamp(known_to) as known_to
    from (
        select * replace (cast(amount as decimal(18, 0)) as amount, cast(source_amount as decimal(18, 0)) as source_amount,
            cast(discount_amount as decimal(18, 0)) as discount_amount)
        from decided_rows
    )
"""
SCHEMA = pa.schema(
    [
        ("kind", pa.string()), ("movement_id", pa.string()), ("target_item_id", pa.string()), ("source_item_id", pa.string()),
        ("target_side_key", pa.string()), ("source_side_key", pa.string()), ("reason", pa.string()),
        ("amount", pa.int64()), ("source_amount", pa.int64()), ("discount_amount", pa.int64()),
        ("effective_on", pa.int32()), ("ended_on", pa.int32()), ("is_derived", pa.bool_()), ("known_from", pa.int64()), ("known_to", pa.int64()),
    ]
)  # fmt: skip


def days(column):
    return f"datediff('day', date '1970-01-01', {column})"


def model(dbt, session):
    dbt.config(materialized="table")
    names = {
        "sides": dbt.ref("int_sides"), "contended": dbt.ref("int_contended_to_follow"), "movements": dbt.ref("int_contended_movements"),
        "installments": dbt.ref("stg_ledger__installments"), "plans": dbt.ref("int_installment_plans"),
    }  # fmt: skip
    tables = {}
    for name, relation in names.items():
        tables[name] = f"input_{name}"
        relation.create_view(tables[name], replace=True)
    known = "epoch_us(known_from), epoch_us(known_to)"
    columns = {name: days(name) for name in ("posting_date", "due_date", "ended_on", "effective_on")}
    fetch = lambda query: session.execute(query.format(known=known, **columns, **tables)).fetchall()  # noqa: E731

    sides = [Side(*row) for row in fetch(SIDES)]
    installments = [Installment(*row) for row in fetch(INSTALLMENTS)]
    movements = [Movement(*row) for row in fetch(MOVEMENTS)]
    # An installment is an item of its document's side; any other item is its side.
    side_of = {f"{installment.side_key}:{installment.sequence}": installment.side_key for installment in installments}
    since, contended_before, before = None, set(), defaultdict(dict)
    if os.environ.get("AR_FOLLOWS") == "true":
        [[since]] = session.execute("select epoch_us(moment) from meta.follows_from").fetchall()
        contended_before = {row[0] for row in session.execute("select id from meta.contended_before").fetchall()}
        for row in fetch(BEFORE):
            kind, movement_id, target, source, target_side, source_side, reason, *amounts, effective_on, ended_on, is_derived, known_from, known_to = row
            held = Held(movement_id, reason, target_side, source_side)
            outcome = held if kind == "held" else Piece(kind, movement_id, target, source, *amounts, effective_on, ended_on, is_derived)
            for side in (target_side, source_side):
                before[side][outcome, known_from] = known_to
    outcomes = []
    for cluster in clusters(sides, installments, movements):
        keys = {side.key for side in cluster[0]}
        # What was known of a side that was not contended before was decided without it: its cluster is followed from the first moment.
        is_known = since is not None and {side.key for side in cluster[0] if side.known_from < since} <= contended_before
        known = {each: known_to for key in keys if is_known for each, known_to in before[key].items()}
        decided_before = [(outcome, (known_from, known_to)) for (outcome, known_from), known_to in known.items()]
        for outcome, (known_from, known_to) in settle(*cluster, never=NEVER, always=ALWAYS, since=since if is_known else None, before=decided_before):
            if isinstance(outcome, Held):
                sides_of = (outcome.target, outcome.source)
                outcomes.append(("held", outcome.id, None, None, *sides_of, outcome.reason, 0, 0, 0, 0, 0, False, known_from, known_to))
            else:
                kind, movement_id, target, source, *amounts, effective_on, ended_on, is_derived = outcome
                sides_of = (side_of.get(target, target), side_of.get(source, source))
                outcomes.append((kind, movement_id, target, source, *sides_of, None, *amounts, effective_on, ended_on, is_derived, known_from, known_to))
    columns_out = list(zip(*outcomes, strict=True)) or [()] * len(SCHEMA)
    decided_rows = pa.table([pa.array(values, type=field.type) for values, field in zip(columns_out, SCHEMA, strict=True)], schema=SCHEMA)
    session.register("decided_rows", decided_rows)
    return session.sql(DECIDED)
