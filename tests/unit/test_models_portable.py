"""The SQL of models/ runs on DuckDB and Spark: what only one of them has, or what the two read differently, stays in dispatch macros.

The raw text is read token by token, Jinja taken out: compiled SQL already holds what the DuckDB variants of our macros made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlglot import tokenize
from sqlglot.tokens import TokenType

from orchestration.settings import project_dir

# A model's config holds Jinja in quotes; a separator stands between the rounds of a loop only.
CONFIG = re.compile(r"\{\{\s*config\(.*?\)\s*\}\}[ \t]*$", re.DOTALL | re.MULTILINE)
SEPARATOR = re.compile(r"\{%-?\s*if not loop\.last\s*-?%\},\s*\{%-?\s*endif\s*-?%\}")
JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
# The floor of a quotient is the same number, whatever type the quotient had.
FLOOR = re.compile(r"floor\((?:[^()]|\([^()]*\))*\)")
MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)\(.*?-?%\}(.*?)\{%-?\s*endmacro\s*-?%\}", re.DOTALL)
# Variants for one engine, and what is made only where DuckDB is: the published table functions.
ENGINE_BOUND = re.compile(r"^(default__|duckdb__|spark__|create_as_of_functions)")

FORBIDDEN_WORDS = {
    "qualify": "a row_number() CTE does it",
    "asof": "a lateral join does it",
    "exclude": "`* except (…)` is understood by both",
    "arg_max": "max_by is understood by both",
    "arg_min": "min_by is understood by both",
    "strftime": "formats differ; take dates apart with extract",
    "generate_series": "the calendar macro is dispatched",
    "unnest": "explode and unnest differ; join the calendar",
    "list_agg": "array_agg is understood by both",
    "string_agg": "listagg and string_agg differ",
    "varchar": "dbt.type_string() is understood by both",
    "text": "dbt.type_string() is understood by both",
    "hugeint": "decimal(38, 0) is understood by both",
    "current_date": "as_of is a parameter; the clock is never asked",
    "current_timestamp": "knowledge time comes from the drops; the clock is never asked",
    "now": "the clock is never asked",
    "today": "the clock is never asked",
    "datediff": "days_between is dispatched",
    "date_trunc": "month_start is dispatched",
    "dayofweek": "numbers differ; the weekday is in the calendar",
    "regexp_replace": "first or all: engines differ",
    "double": "money and ratios are exact decimals",
    "float": "money and ratios are exact decimals",
    "real": "money and ratios are exact decimals",
    "avg": "decimal or double: engines differ; sum and safe_divide",
}


def sources() -> Iterator[tuple[str, str]]:
    """Yield name and text of every model and of every macro that models share on both engines."""
    project = project_dir()
    for path in sorted((project / "models").rglob("*.sql")):
        yield path.relative_to(project).as_posix(), path.read_text(encoding="utf-8")
    for path in sorted((project / "dbt_project" / "macros").glob("*.sql")):
        for name, body in MACRO.findall(path.read_text(encoding="utf-8")):
            if not ENGINE_BOUND.match(name):
                yield f"{path.name}: {name}", body


def faults(sql: str) -> list[str]:
    """Return what in the text is understood by one engine only, or by each in its own way."""
    text = SEPARATOR.sub(" ", CONFIG.sub(" ", sql))
    text = JINJA.sub(lambda found: " jinja " if found[0].startswith("{{") else " ", text)
    text = FLOOR.sub(" floored ", text)
    tokens = tokenize(text, read="duckdb")
    found = []
    for before, token, after in zip([None, *tokens[:-1]], tokens, [*tokens[1:], None], strict=True):
        word = token.text.lower()
        quoted = token.token_type in (TokenType.STRING, TokenType.IDENTIFIER)
        is_column = before is not None and before.token_type == TokenType.DOT
        if not quoted and word in FORBIDDEN_WORDS and not is_column:
            found.append(f"line {token.line}: {word}: {FORBIDDEN_WORDS[word]}")
        if token.token_type == TokenType.IDENTIFIER:
            found.append(f'line {token.line}: "{token.text}" is a string in Spark')
        if token.token_type == TokenType.DIV:
            found.append(f"line {token.line}: // is DuckDB's own")
        if token.token_type == TokenType.SLASH:
            found.append(f"line {token.line}: / gives decimals or doubles; safe_divide is dispatched")
        if token.token_type == TokenType.DCOLON:
            found.append(f"line {token.line}: :: is DuckDB's own; cast(… as …)")
        if token.token_type == TokenType.COMMA and after is not None and after.text.lower() in ("from", ")", "where"):
            found.append(f"line {token.line}: trailing comma")
        if word == "union" and after is not None and after.text.lower() == "by":
            found.append(f"line {token.line}: union by name is DuckDB's own")
    found += [f"array_agg with an order is DuckDB's own: {match[0]}" for match in re.finditer(r"array_agg\([^()]*order\s+by[^()]*\)", text, re.IGNORECASE)]
    return found


@pytest.mark.parametrize(("name", "sql"), [pytest.param(name, sql, id=name) for name, sql in sources()])
def test_the_sql_is_understood_alike_by_both_engines(name: str, sql: str) -> None:
    assert faults(sql) == [], name


@pytest.mark.parametrize(
    "sql",
    [
        "select a from t qualify row_number() over (order by a) = 1",
        "select * exclude (a) from t",
        "select arg_max(a, b) from t",
        "select cast(a as varchar) from t",
        "select a::date from t",
        'select "a" from t',
        "select a // b from t",
        "select a / b from t",
        "select a,\nfrom t",
        "select (a, b,) from t",
        "select 1 union all by name select 2 union by name select 3",
        "select * from generate_series(1, 2)",
        "select unnest(a) from t",
        "select array_agg(a order by b) from t",
        "select strftime(d, '%Y') from t",
        "select current_date",
        "select avg(amount) from t",
        "select * from a asof join b using (c)",
    ],
)
def test_the_lint_sees_what_is_not_portable(sql: str) -> None:
    assert faults(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select a, count(*) from t group by 1",
        "select * except (a) from t",
        "select t.text, 'current_date, varchar' as said from t -- avg, now and a / b in a comment",
        "select {{ safe_divide('a / b', 'c') }} as ratio from t",
        "select cast(a as {{ dbt.type_string() }}) from t {# qualify #}",
    ],
)
def test_the_lint_lets_the_portable_pass(sql: str) -> None:
    assert faults(sql) == []
