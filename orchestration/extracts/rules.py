"""The contract as SQL: what makes a value wrong in itself, and how a right one is typed.

Every function takes the name of a column whose text is already clean (see ``clean``) and returns a SQL expression.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestration.extracts.contract import Column, Feed, minor_units

# Two systems' ids are kept apart by their prefix; these are the warehouse's own and mean the same in every system.
SHARED_IDS = ("UNIDENTIFIED",)
NUMBER = r"-?([0-9]+(\.[0-9]+)?|\.[0-9]+)"
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
# Every day of the calendar from FIRST_DAY to LAST_DAY, leap days and all: a date is proven right in one pass.
CALENDAR_DAY = (
    r"(19[0-9]{2}|20[0-9]{2}|2100)-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    r"|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    r"|((19|20)(0[48]|[2468][048]|[13579][26])|2000)-02-29"
)
MOMENT = DAY + r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?"
# Tabs and line breaks belong to free text; in an identifier, nothing that cannot be seen does.
CONTROL_IN_TEXT = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{80}-\x{9F}]"
CONTROL = r"[\x00-\x1F\x7F\x{80}-\x{9F}]"
FIRST_DAY, LAST_DAY = "1900-01-01", "2100-12-31"
TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")
MOST_DIGITS = {"DECIMAL(18,3)": (15, 3), "DECIMAL(18,9)": (9, 9)}


def quoted(name: str) -> str:
    """Return a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Return a SQL string."""
    return "'" + value.replace("'", "''") + "'"


def clean(column: Column, text: str, *, may_be_padded: bool = True) -> str:
    """Return the text to judge: empty is NULL; all but free text is trimmed, where that can make a difference (it costs as much as reading)."""
    if column.type == "text":
        return f"case when trim({text}) <> '' then {text} end" if may_be_padded else text
    trimmed = f"nullif(trim({text}), '')" if may_be_padded else text
    if column.synonyms:
        whens = " ".join(f"when {literal(said)} then {literal(meant)}" for said, meant in column.synonyms.items())
        return f"case {trimmed} {whens} else {trimmed} end"
    return trimmed


def is_proven_untrimmed(column: Column) -> bool:
    """Whether the cheap test finds spaces around a value by itself, so that a first reading need not trim it."""
    return column.type not in ("id", "code", "text")


def prefixed(column: Column, expression: str, source_id: str) -> str:
    """Return an id with its system's prefix."""
    if column.type != "id" or not source_id:
        return expression
    shared = ", ".join(literal(name) for name in SHARED_IDS)
    return f"case when {expression} in ({shared}) then {expression} else {literal(source_id + ':')} || {expression} end"


def faults(feed: Feed, column: Column, *, is_required: bool) -> list[tuple[str, str]]:
    """Return what can be wrong with a column's clean text, as (condition, message) pairs of SQL."""
    c = quoted(column.name)
    found = [(f"{c} is null", "'is required and empty'")] if is_required else []
    return found + [(f"({c} is not null and {condition})", message) for condition, message in _value_faults(feed, column, c)]


def _value_faults(feed: Feed, column: Column, c: str) -> list[tuple[str, str]]:
    match column.type:
        case "text":
            return [(f"regexp_matches({c}, '{CONTROL_IN_TEXT}')", "'holds control characters'")]
        case "id" | "code":
            found = [(f"regexp_matches({c}, '{CONTROL}')", "'holds control characters'")]
            if column.name == "company_id":
                found.append((f"{c} = 'ALL'", "'is ALL, which stands for the whole group'"))
            if column.values:
                found.append((f"{c} not in ({_list(column.values)})", f"{c} || ' is none of {', '.join(column.values)}'"))
            return found
        case "currency":
            return [(f"{c} not in ({_list(minor_units())})", f"{c} || ' is no ISO 4217 currency'")]
        case "boolean":
            return [(f"lower({c}) not in ({_list(TRUE + FALSE)})", f"{c} || ' is neither true nor false'")]
        case "date":
            return [
                (f"not regexp_full_match({c}, '{DAY}')", f"{c} || ' is no date written YYYY-MM-DD'"),
                (f"try_cast({c} as date) is null", f"{c} || ' is no day of the calendar'"),
                (_outside_years(f"try_cast({c} as date)"), f"{c} || ' is out of range'"),
            ]
        case "timestamp":
            return [
                (f"not regexp_full_match({c}, '{MOMENT}')", f"{c} || ' is no ISO timestamp'"),
                (f"try_cast({c} as timestamptz) is null", f"{c} || ' is no moment of the calendar'"),
                (_outside_years(f"try_cast({c} as timestamptz)"), f"{c} || ' is out of range'"),
            ]
        case "integer":
            found = [
                (f"not regexp_full_match({c}, '-?[0-9]+')", f"{c} || ' is no whole number'"),
                (f"try_cast({c} as integer) is null", f"{c} || ' is out of range'"),
            ]
            if column.range:
                low, high = column.range
                found.append((f"try_cast({c} as integer) not between {low} and {high}", f"{c} || ' is not from {low} to {high}'"))
            return found
        case _:
            return _number_faults(feed, column, c)


def _number_faults(feed: Feed, column: Column, c: str) -> list[tuple[str, str]]:
    whole, decimals = MOST_DIGITS[column.sql_type]
    significant = f"length(rtrim(split_part({c}, '.', 2), '0'))"
    found = [
        (f"not regexp_full_match({c}, '{NUMBER}')", f"{c} || ' is no plain number'"),
        (f"length(ltrim(split_part(ltrim({c}, '-'), '.', 1), '0')) > {whole}", f"{c} || ' is too large'"),
        (f"{significant} > {decimals}", f"{c} || ' has more than {decimals} decimals'"),
    ]
    if _is_in_row_currency(feed, column):
        allowed = f"case when currency in ({_list(_with_units(0))}) then 0 when currency is null or currency in ({_list(_with_units(3))}) then 3 else 2 end"
        found.append((f"{significant} > {allowed}", f"{c} || ' has more decimals than ' || currency || ' has'"))
    value = f"try_cast({c} as {column.sql_type})"
    if column.type == "money":
        found.append((f"{value} < 0", f"{c} || ' is negative; amounts are positive, the type says which way'"))
    elif column.type == "rate":
        found.append((f"{value} <= 0", f"{c} || ' is no rate above zero'"))
    elif column.range:
        low, high = column.range
        found.append((f"{value} not between {low} and {high}", f"{c} || ' is not from {low} to {high}'"))
    return found


def passes(feed: Feed, column: Column, *, is_required: bool, may_hold_control: bool) -> str:
    """Return a cheap test that only a right value passes; what does not pass is judged by ``faults``."""
    c = quoted(column.name)
    match column.type:
        case "date":
            test = f"regexp_full_match({c}, '{CALENDAR_DAY}')"
        case "currency":
            # A pattern, for a long list is planned as a join, whose planning costs more than a small file.
            test = f"regexp_full_match({c}, '{'|'.join(minor_units())}')"
        case "money" | "signed_money":
            test = _plain_amount(feed, column, c)
        case "decimal" | "rate":
            above_zero = f" and {typed(column)} > 0" if column.type == "rate" else ""
            test = f"(regexp_full_match({c}, '[0-9]{{1,9}}([.][0-9]{{1,9}}0*)?'){above_zero})"
            test = test if not column.range else f"not ({_any(faults(feed, column, is_required=False))})"
        case "text":
            test = f"not regexp_matches({c}, '{CONTROL_IN_TEXT}')" if may_hold_control else "true"
        case "id" | "code" if not may_hold_control:
            test = f"{c} in ({_list(column.values)})" if column.values else "true"
            test = f"{c} <> 'ALL'" if column.name == "company_id" else test
        case _:
            test = f"not ({_any(faults(feed, column, is_required=False))})"
    right = f"coalesce({test}, false)"
    return f"({c} is not null and {right})" if is_required else f"({c} is null or {right})"


def _plain_amount(feed: Feed, column: Column, c: str) -> str:
    sign = "-?" if column.type == "signed_money" else ""

    def written(decimals: int) -> str:
        # A database writes the zeros of its own scale behind what is significant.
        return f"regexp_full_match({c}, '{sign}[0-9]{{1,15}}([.][0-9]{{1,{decimals}}}0*)?')"

    if not _is_in_row_currency(feed, column):
        return written(3)
    return f"""
        case
            when regexp_full_match(currency, '{"|".join(_with_units(0))}') then regexp_full_match({c}, '{sign}[0-9]{{1,15}}([.]0+)?')
            when currency is null or regexp_full_match(currency, '{"|".join(_with_units(3))}') then {written(3)}
            else {written(2)}
        end
    """


def _is_in_row_currency(feed: Feed, column: Column) -> bool:
    return column.is_money and not column.name.endswith("_base") and "currency" in feed.column_names


def _with_units(decimals: int) -> list[str]:
    """Return the currencies with that many decimals."""
    return [code for code, units in minor_units().items() if units == decimals]


def _any(found: list[tuple[str, str]]) -> str:
    return " or ".join(f"coalesce({condition}, false)" for condition, _ in found)


def typed(column: Column, expression: str | None = None) -> str:
    """Return the typed value of a clean text without faults (of one with faults: NULL or nonsense)."""
    c = expression or quoted(column.name)
    match column.type:
        case "id" | "code" | "text" | "currency":
            return c
        case "boolean":
            return f"lower({c}) in ({_list(TRUE)})"
        case "timestamp":
            return f"timezone('UTC', try_cast(replace({c}, ',', '.') as timestamptz))"
        case _:
            return f"try_cast({c} as {column.sql_type})"


def _outside_years(moment: str) -> str:
    return f"cast({moment} as date) not between date '{FIRST_DAY}' and date '{LAST_DAY}'"


def _list(values: Iterable[str]) -> str:
    return ", ".join(literal(value) for value in values)
