"""How numbers and dates are written in a file, as SQL that rewrites them the canonical way.

Nothing is guessed: what is not written as declared keeps its text, with a note that makes the contract's rule reject it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestration.extracts.rules import literal

NEGATIVE_STYLES = ("minus", "trailing_minus", "parentheses", "cr_dr")
ISO_DATE = "%Y-%m-%d"


@dataclass(frozen=True)
class Formats:
    """How one file writes its values; the defaults are the canonical ways."""

    decimal_mark: str = "."
    grouping_mark: str = ""
    negative: tuple[str, ...] = ("minus",)
    date_format: str = ISO_DATE
    timestamp_format: str = ""


def number(text: str, formats: Formats) -> str:
    """Return SQL for a number written plainly, from ``text`` written as ``formats`` say."""
    if (formats.decimal_mark, formats.grouping_mark, formats.negative) == (".", "", ("minus",)):
        return text
    written = f"trim({text})"
    kept = f"regexp_replace({written}, {literal(f'[^0-9{re.escape(formats.decimal_mark)}]')}, '', 'g')"
    plain = f"replace({kept}, {literal(formats.decimal_mark)}, '.')"
    is_negative = f"regexp_matches({written}, '^[-(]|-$|CR$')"
    return f"""
        case
            when {written} = '' then null
            when regexp_full_match({written}, {literal(_number_pattern(formats))})
                then case when {is_negative} then '-' else '' end || {plain}
            else {_refused(text, "as the profile writes numbers")}
        end
    """


def _number_pattern(formats: Formats) -> str:
    decimal = re.escape(formats.decimal_mark)
    whole = "[0-9]+"
    if formats.grouping_mark:
        whole = f"(?:[0-9]{{1,3}}(?:{re.escape(formats.grouping_mark)}[0-9]{{3}})+|[0-9]+)"
    size = f"(?:{whole}(?:{decimal}[0-9]+)?|{decimal}[0-9]+)"
    styles = {
        "minus": f"-?{size}",
        "trailing_minus": f"{size}-?",
        "parentheses": f"{size}|[(]{size}[)]",
        "cr_dr": f"{size}(?: ?(?:CR|DR))?",
    }
    return "|".join(styles[style] for style in formats.negative)


def day(text: str, date_format: str) -> str:
    """Return SQL for a date written YYYY-MM-DD, from ``text`` in ``date_format`` (a midnight behind it does not count)."""
    if date_format == ISO_DATE:
        return text
    moment = f"try_strptime(trim({text}), {literal(date_format)})"
    return f"""
        case
            when trim({text}) = '' then null
            when {moment} = date_trunc('day', {moment}) then strftime({moment}, '{ISO_DATE}')
            else {_refused(text, f"written {date_format}")}
        end
    """


def moment(text: str, timestamp_format: str) -> str:
    """Return SQL for an ISO timestamp in UTC, from ``text`` in ``timestamp_format`` (none: ISO already)."""
    if not timestamp_format:
        return text
    parsed = f"try_strptime(trim({text}), {literal(timestamp_format)})"
    return f"""
        case
            when trim({text}) = '' then null
            when {parsed} is not null then strftime(timezone('UTC', {parsed}::timestamptz), '%Y-%m-%dT%H:%M:%S.%f')
            else {_refused(text, f"written {timestamp_format}")}
        end
    """


def mapped(text: str, values: dict[str, str]) -> str:
    """Return SQL that replaces the values that a profile maps; the others stay as they are."""
    whens = " ".join(f"when {literal(said)} then {literal(meant)}" for said, meant in values.items())
    return f"case trim({text}) {whens} else {text} end"


def _refused(text: str, rule: str) -> str:
    return f"{text} || {literal(f' (not {rule})')}"
