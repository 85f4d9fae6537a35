"""The tables of the policy: their columns, what each cell may hold, and the rules that rows keep together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path

Cell = str | int | None
Row = Mapping[str, Cell]
Rows = tuple[Row, ...]

UNAPPLIED = "unapplied"
EVERY = "*"
GROUP = "ALL"

# The components of the worklist's score, and whether `scale` says at how many days one reaches 100. What is deducted must lower the score.
COMPONENTS = {
    "past_due_amount": False,
    "oldest_age": True,
    "payment_habit": True,
    "broken_promise": True,
    "over_limit": False,
    "untouched": True,
    "open_promise": False,
    "dispute": False,
    "contacted_lately": True,
}
DEDUCTIONS = ("open_promise", "dispute", "contacted_lately")
UNITS = ("money", "days", "ratio", "times")


@dataclass(frozen=True)
class Kind:
    """What a cell may hold: ``parse`` returns its value, or raises ValueError."""

    allowed: str
    parse: Callable[[str], Cell]


@dataclass(frozen=True)
class Table:
    """A table of the policy; ``faults`` says what its rows break together."""

    means: str
    columns: Mapping[str, Kind]
    faults: Callable[[Sequence[Row]], Iterator[str]]


def plain(number: Decimal) -> str:
    """Return a decimal as the shortest exact text."""
    return format(number.normalize(), "f") if number else "0"


def _fits(pattern: str, text: str) -> str:
    if not re.fullmatch(pattern, text):
        raise ValueError
    return text


def _whole(lowest: int, highest: int, *, may_be_empty: bool = False) -> Callable[[str], Cell]:
    def parse(text: str) -> Cell:
        if text == "" and may_be_empty:
            return None
        number = int(_fits(r"-?\d{1,9}", text))
        if not lowest <= number <= highest:
            raise ValueError
        return number

    return parse


def _decimal(lowest: str, highest: str, decimals: int) -> Callable[[str], Cell]:
    def parse(text: str) -> Cell:
        number = Decimal(_fits(rf"-?\d{{1,15}}(\.\d{{1,{decimals}}})?", text))
        if not Decimal(lowest) <= number <= Decimal(highest):
            raise ValueError
        return plain(number)

    return parse


def _text(longest: int, *, may_be_empty: bool = False) -> Callable[[str], Cell]:
    def parse(text: str) -> Cell:
        if text == "" and may_be_empty:
            return None
        if text != text.strip() or not 1 <= len(text) <= longest or not text.isprintable():
            raise ValueError
        return text

    return parse


def _day(*, may_be_empty: bool) -> Callable[[str], Cell]:
    def parse(text: str) -> Cell:
        if text == "" and may_be_empty:
            return None
        return date.fromisoformat(_fits(r"\d{4}-\d{2}-\d{2}", text)).isoformat()

    return parse


def _one_of(*choices: str) -> Callable[[str], Cell]:
    def parse(text: str) -> Cell:
        if text not in choices:
            raise ValueError
        return text or None

    return parse


NAME = Kind("letters, digits and underscores, at most 40", lambda text: _fits(r"[A-Za-z0-9_]{1,40}", text))
LABEL = Kind("a text of 1 to 40 characters without spaces around it", _text(40))
SENTENCE = Kind("a text of 1 to 400 characters without spaces around it", _text(400))
OPTIONAL_SENTENCE = Kind("a text of at most 400 characters without spaces around it, or empty", _text(400, may_be_empty=True))
DAYS_BOUND = Kind("a whole number of days from -36500 to 36500, or empty for no bound", _whole(-36500, 36500, may_be_empty=True))


def _bucket_faults(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what is wrong with each preset: its buckets must be in order, without gap or overlap, and hold every day."""
    for preset, grouped in _by(rows, "preset"):
        where = f"preset {preset}"
        yield from _repeated(where, grouped, "bucket_id")
        yield from _repeated(where, grouped, "label")
        yield from _repeated(where, grouped, "bucket_order")
        reserved = [row for row in grouped if row["bucket_id"] == UNAPPLIED]
        if len(reserved) != 1 or reserved[0]["days_from"] is not None or reserved[0]["days_to"] is not None:
            yield f"{where}: one bucket must be `{UNAPPLIED}`, without days: open credits stand in it, and nothing else may."
        aged = [row for row in grouped if row["bucket_id"] != UNAPPLIED]
        yield from _range_faults(where, "bucket", "bucket_id", aged)
        in_order = sorted(aged, key=lambda row: (row["days_from"] is not None, _number(row["days_from"])))
        if [row["bucket_order"] for row in in_order] != sorted(_number(row["bucket_order"]) for row in aged):
            yield f"{where}: bucket_order must rise with the days."


def _provision_faults(rows: Sequence[Row]) -> Iterator[str]:
    for preset, of_preset in _by(rows, "preset"):
        pools = dict(_by(of_preset, "pool"))
        if EVERY not in pools:
            yield f"preset {preset}: the pool {EVERY} is missing: it has the rates of every customer without a pool of its own."
        for pool, grouped in pools.items():
            yield from _range_faults(f"preset {preset}, pool {pool}", "rate", "rate", grouped)


def _dunning_faults(rows: Sequence[Row]) -> Iterator[str]:
    yield from _repeated("the levels", rows, "dunning_level")
    yield from _repeated("the levels", rows, "days_from")
    in_order = sorted(rows, key=lambda row: _number(row["days_from"]))
    if [row["dunning_level"] for row in in_order] != sorted(_number(row["dunning_level"]) for row in rows):
        yield "the levels must rise with their days."
    if not in_order or _number(in_order[0]["days_from"]) > 1:
        yield "the first level must hold from day 1: every customer with something past due has one."


def _target_faults(rows: Sequence[Row]) -> Iterator[str]:
    for (company, metric), grouped in groupby(sorted(rows, key=_target_key), key=lambda row: (row["company_id"], row["metric_id"])):
        spans = sorted((str(row["valid_from"]), str(row["valid_to"] or "9999-12-31")) for row in grouped)
        yield from (f"company {company}, metric {metric}: valid_to {last} lies before valid_from {first}." for first, last in spans if last < first)
        for (_, last), (first, _) in pairwise(spans):
            if first <= last:
                yield f"company {company}, metric {metric}: two targets hold on {first}."


def _target_key(row: Row) -> tuple[str, str]:
    return str(row["company_id"]), str(row["metric_id"])


def _weight_faults(rows: Sequence[Row]) -> Iterator[str]:
    yield from _repeated("the components", rows, "component")
    named = {str(row["component"]): row for row in rows}
    yield from (f"component {name} is missing; give it the weight 0 to leave it out." for name in COMPONENTS if name not in named)
    for name, row in named.items():
        weight = Decimal(str(row["weight"]))
        if name in DEDUCTIONS and weight > 0:
            yield f"component {name}: its weight is {row['weight']}; it is deducted, so it must be 0 or less."
        if name not in DEDUCTIONS and weight < 0:
            yield f"component {name}: its weight is {row['weight']}; it raises the score, so it must be 0 or more."
        if COMPONENTS[name] != (row["scale"] is not None):
            yield f"component {name}: scale must be {'a number of days' if COMPONENTS[name] else 'empty, because it is not measured in days'}."


def _metric_faults(rows: Sequence[Row]) -> Iterator[str]:
    yield from _repeated("the metrics", rows, "metric_id")
    yield from _repeated("the metrics", rows, "label")
    for row in rows:
        if (row["numerator"] is None) != (row["denominator"] is None):
            yield f"metric {row['metric_id']}: numerator and denominator belong together."


def _range_faults(where: str, what: str, named_by: str, rows: Sequence[Row]) -> Iterator[str]:
    """Yield gaps and overlaps of ranges of days that must hold every day, once."""
    turned = [row for row in rows if row["days_from"] is not None and row["days_to"] is not None and _number(row["days_from"]) > _number(row["days_to"])]
    if turned:
        yield from (f"{where}: {what} {row[named_by]} ends on day {row['days_to']} before it starts on day {row['days_from']}." for row in turned)
        return
    in_order = sorted(rows, key=lambda row: (row["days_from"] is not None, _number(row["days_from"])))
    if not in_order:
        yield f"{where}: there is no {what} with days."
        return
    if in_order[0]["days_from"] is not None:
        yield f"{where}: no {what} holds the days before {in_order[0]['days_from']}; leave days_from of the first one empty."
    for row, following in pairwise(in_order):
        if following["days_from"] is None or row["days_to"] is None or _number(row["days_to"]) >= _number(following["days_from"]):
            first = following["days_from"] if following["days_from"] is not None else "the start"
            yield f"{where}: {what} {row[named_by]} and {what} {following[named_by]} overlap on day {first}."
        elif _number(row["days_to"]) + 1 < _number(following["days_from"]):
            missing = _number(row["days_to"]) + 1
            ends, starts = f"{row[named_by]} ends on {row['days_to']}", f"{following[named_by]} starts on {following['days_from']}"
            yield f"{where}: no {what} holds day {missing}: {what} {ends} and {starts}."
    if in_order[-1]["days_to"] is not None:
        yield f"{where}: no {what} holds the days after {in_order[-1]['days_to']}; leave days_to of the last one empty."


def _by(rows: Sequence[Row], column: str) -> Iterator[tuple[str, list[Row]]]:
    """Yield each value of a column with its rows."""
    for value, grouped in groupby(sorted(rows, key=lambda row: str(row[column])), key=lambda row: str(row[column])):
        yield value, list(grouped)


def _repeated(where: str, rows: Sequence[Row], column: str) -> Iterator[str]:
    yield from (f"{where}: {column} {value} stands there {len(found)} times." for value, found in _by(rows, column) if len(found) > 1)


def _number(cell: Cell) -> int:
    return cell if isinstance(cell, int) else 0


TABLES = {
    "aging_buckets": Table(
        "The aging buckets, by preset; the setting `aging_preset` chooses one. Those of a preset follow one another without gap or overlap; "
        "the first has no first day, the last no last day, and `unapplied` no days at all.",
        {
            "preset": NAME,
            "bucket_id": NAME,
            "label": LABEL,
            "bucket_order": Kind("a whole number from 1 to 999", _whole(1, 999)),
            "days_from": DAYS_BOUND,
            "days_to": DAYS_BOUND,
        },
        _bucket_faults,
    ),
    "provision_rates": Table(
        "The expected loss by pool (risk class; * = all others) and days past due, as a fraction of the gross balance. "
        "The rates of a pool hold every day once.",
        {
            "preset": NAME,
            "pool": Kind("a risk class, or * for all others", _text(40)),
            "days_from": DAYS_BOUND,
            "days_to": DAYS_BOUND,
            "rate": Kind("a fraction from 0 to 1, at most 4 decimals (0.05 = 5 %)", _decimal("0", "1", 4)),
        },
        _provision_faults,
    ),
    "dunning_levels": Table(
        "What the worklist suggests, by the age of a customer's oldest past-due item. Levels rise with their days; the first holds from day 1.",
        {
            "dunning_level": Kind("a whole number from 0 to 99", _whole(0, 99)),
            "days_from": Kind("a whole number of days from 0 to 36500", _whole(0, 36500)),
            "action": NAME,
            "label": LABEL,
        },
        _dunning_faults,
    ),
    "targets": Table(
        "Targets of metrics, for a company, for ALL (the group), or for * (every company without one of its own). One target at a time.",
        {
            "company_id": Kind("a company_id, ALL, or *", _text(40)),
            "metric_id": NAME,
            "valid_from": Kind("a date as YYYY-MM-DD", _day(may_be_empty=False)),
            "valid_to": Kind("a date as YYYY-MM-DD, or empty for until further notice", _day(may_be_empty=True)),
            "target_value": Kind("a number with at most 15 digits and 6 decimals", _decimal("-999999999999999", "999999999999999", 6)),
        },
        _target_faults,
    ),
    "worklist_weights": Table(
        "The weights of the worklist's components, each 0 to 100 points. `open_promise`, `dispute` and `contacted_lately` are deducted: 0 or less.",
        {
            "component": Kind(f"one of {', '.join(COMPONENTS)}", _one_of(*COMPONENTS)),
            "weight": Kind("a number from -10 to 10, at most 3 decimals", _decimal("-10", "10", 3)),
            "scale": Kind("a whole number of days from 1 to 3650, or empty", _whole(1, 3650, may_be_empty=True)),
            "description": SENTENCE,
        },
        _weight_faults,
    ),
}

# What the models compute, in words: it comes with them, and a home has no say in it.
SHIPPED = {
    "metric_definitions": Table(
        "What each metric means.",
        {
            "metric_id": NAME,
            "label": LABEL,
            "unit": Kind(f"one of {', '.join(UNITS)}", _one_of(*UNITS)),
            "better": Kind("higher, lower, or empty", _one_of("higher", "lower", "")),
            "numerator": OPTIONAL_SENTENCE,
            "denominator": OPTIONAL_SENTENCE,
            "definition": SENTENCE,
            "not_comparable_with": OPTIONAL_SENTENCE,
        },
        _metric_faults,
    ),
}


def faults_across(tables: Mapping[str, Rows], aging_preset: str, said_in: Mapping[str, Path]) -> Iterator[str]:
    """Yield what settings and tables break together: the chosen preset must be there, and targets name metrics."""
    presets = sorted({str(row["preset"]) for row in tables["aging_buckets"]})
    if aging_preset not in presets:
        where = said_in["aging_preset"]
        yield f"{where}: aging_preset is {aging_preset!r}; it must be a preset of {said_in['aging_buckets']}: {', '.join(presets) or 'there is none'}."
    metrics = {str(row["metric_id"]) for row in tables["metric_definitions"]}
    for name in sorted({str(row["metric_id"]) for row in tables["targets"]} - metrics):
        yield f"{said_in['targets']}: there is no metric {name!r}. The metrics are: {', '.join(sorted(metrics))}."
