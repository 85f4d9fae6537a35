"""The policy: what a finance team decides, not a developer. Read, put to its rules, and handed to the build.

    dbt_project.yml, `vars`     the default of every setting
    seeds/<table>.csv           the default of every table
    <home>/policy.yaml          settings of this home, by name; the others keep their default
    <home>/policy/<table>.csv   tables of this home, each replacing the default whole

An upgrade touches nothing in the home. What breaks a rule is refused before anything is built, all faults at once. docs/how-to/policy.md lists all.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import yaml

from orchestration.errors import ArwError
from orchestration.extracts.contract import minor_units
from orchestration.files import write_json
from orchestration.policy_tables import SHIPPED, TABLES, Rows, Table, faults_across, plain
from orchestration.settings import Home, project_dir

Value = str | int | bool | None

# Variables of dbt that are no policy: what is said on the command line, and what `stage` says.
RUN_PARAMETERS = ("as_of", "known_at")
STAGED = ("policy_folder", "policy_tables")
EMPTY = ("", "null", "Null", "NULL", "~")


class WrongPolicy(ArwError):
    """A setting or a table of the policy breaks its rules; nothing was built."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            "The policy cannot be used:\n"
            + "\n".join(faults)
            + "\nNothing was changed; the published version is the one before. Correct the file and run again; `arw policy` checks it without building, "
            "docs/how-to/policy.md lists every setting."
        )


@dataclass(frozen=True)
class Setting:
    """One setting: ``parse`` returns the value of a text, or raises ValueError; ``allowed`` says which there are."""

    name: str
    means: str
    allowed: str
    parse: Callable[[str], Value]
    # False: how something is delivered. It changes no figure, so it is no version of the policy.
    is_of_figures: bool = True


@dataclass(frozen=True)
class Policy:
    """The policy in force; ``said_in`` names the file that each setting and table comes from."""

    settings: Mapping[str, Value]
    tables: Mapping[str, Rows]
    said_in: Mapping[str, Path]

    @property
    def sha256(self) -> str:
        """Return the hash of all that decides a figure; the same for the same decisions, however they were written."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    @property
    def content(self) -> dict[str, object]:
        """Return settings and tables as plain values."""
        figures = {setting.name for setting in SETTINGS if setting.is_of_figures}
        return {
            "settings": {name: value for name, value in self.settings.items() if name in figures},
            "tables": {name: [dict(row) for row in self.tables[name]] for name in TABLES},
        }


def _whole(lowest: int, highest: int) -> Callable[[str], Value]:
    def parse(text: str) -> Value:
        if not re.fullmatch(r"-?\d{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError
        return int(text)

    return parse


def _fraction(lowest: str, highest: str, decimals: int) -> Callable[[str], Value]:
    def parse(text: str) -> Value:
        if not re.fullmatch(rf"\d+(\.\d{{1,{decimals}}})?", text) or not Decimal(lowest) <= Decimal(text) <= Decimal(highest):
            raise ValueError
        return plain(Decimal(text))

    return parse


def _one_of(*choices: str | int) -> Callable[[str], Value]:
    by_text: dict[str, Value] = {str(choice): choice for choice in choices}

    def parse(text: str) -> Value:
        if text not in by_text:
            raise ValueError
        return by_text[text]

    return parse


def _switch(text: str) -> Value:
    if text.lower() not in ("true", "false"):
        raise ValueError
    return text.lower() == "true"


def _name(text: str) -> Value:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,39}", text):
        raise ValueError
    return text


def _currency_or_none(text: str) -> Value:
    if text in EMPTY:
        return None
    if text not in minor_units():
        raise ValueError
    return text


SETTINGS = (
    Setting("aging_preset", "Which set of aging buckets applies.", "a preset of the table aging_buckets", _name),
    Setting(
        "credits_aged",
        "Whether open credits are aged by their own due date, else posting date, instead of standing in the bucket `unapplied`.",
        "true or false",
        _switch,
    ),
    Setting("dso_window_months", "How many months of credit sales DSO and the collection effectiveness index look at.", "1, 3, 6 or 12", _one_of(1, 3, 6, 12)),
    Setting("sales_basis", "Whether credit sales count with tax (gross) or without (net).", "gross or net", _one_of("gross", "net")),
    Setting(
        "cei_sales",
        "Which sales the collection effectiveness index of a whole window takes: those of a mean month, or those of all its months.",
        "monthly_average or total",
        _one_of("monthly_average", "total"),
    ),
    Setting("week_end_day", "The weekday on which a week ends.", "a whole number from 1 (Monday) to 7 (Sunday)", _whole(1, 7)),
    Setting(
        "fiscal_year_start_month",
        "The first month of the fiscal year of a company for which the ledger does not say it; the group's year is that of its lowest company_id.",
        "a whole number from 1 (January) to 12 (December)",
        _whole(1, 12),
    ),
    Setting(
        "reporting_currency",
        "The currency of the group's figures (company_id ALL); empty = the base currency of the lowest company_id.",
        "the three letters of a currency (ISO 4217), or empty",
        _currency_or_none,
    ),
    Setting(
        "max_rate_age_days", "By how many days an exchange rate may be older than the date that it converts.", "a whole number from 0 to 366", _whole(0, 366)
    ),
    Setting(
        "promise_kept_ratio",
        "The part of a promised amount that has to come in for the promise to count as kept.",
        "a fraction from 0.0001 to 1, at most 4 decimals (0.95 = 95 %)",
        _fraction("0.0001", "1", 4),
    ),
    Setting("promise_grace_days", "For how many days after the promised date cash still counts for the promise.", "a whole number from 0 to 60", _whole(0, 60)),
    Setting("touch_credit_days", "For how many days after a touch cash is attributed to it.", "a whole number from 0 to 90", _whole(0, 90)),
    Setting(
        "max_outside_share",
        "The part of the gross receivable that may be rejected or held before nothing is published.",
        "a fraction from 0 to 1, at most 6 decimals (0.001 = 0.1 %)",
        _fraction("0", "1", 6),
    ),
    Setting(
        "max_volume_change",
        "By how much the rows of a full drop, or the empty values of a column, may change before a person has to look.",
        "a fraction from 0 to 10, at most 6 decimals (0.5 = 50 %)",
        _fraction("0", "10", 6),
    ),
    Setting(
        "export_parquet",
        "Whether `arw run` also writes the published tables as Parquet files.",
        "true or false",
        _switch,
        is_of_figures=False,
    ),
)


def read(home: Home | None, variables: Mapping[str, object] | None = None) -> Policy:
    """Return the policy of a home (None: the defaults); ``variables`` win over its files. Raises WrongPolicy with every fault at once."""
    faults: list[str] = []
    settings, said_in = _read_settings(home, variables or {}, faults)
    tables: dict[str, Rows] = {}
    for name, path in _table_files(home, faults).items():
        said_in[name] = path
        tables[name] = _read_table(path, TABLES | SHIPPED, name, faults)
    if not faults:
        faults += faults_across(tables, str(settings["aging_preset"]), said_in)
    if faults:
        raise WrongPolicy(faults)
    return Policy(settings, tables, said_in)


def stage(policy: Policy, home: Home) -> dict[str, object]:
    """Write the tables that the home replaces to where dbt takes them from; return the variables that say so."""
    shutil.rmtree(home.staged_policy, ignore_errors=True)
    own = [name for name in TABLES if policy.said_in[name].parent == home.policy_tables]
    for name in own:
        home.staged_policy.mkdir(parents=True, exist_ok=True)
        # Written from what was checked, so that nothing else can be read in it.
        with (home.staged_policy / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(TABLES[name].columns)
            writer.writerows(row.values() for row in policy.tables[name])
    return {"policy_folder": str(home.staged_policy), "policy_tables": own} if own else {}


def keep(policy: Policy, home: Home) -> None:
    """Keep what the policy's hash stands for: a frozen week names the hash, and can be made again only with the policy itself."""
    path = home.policies / f"{policy.sha256}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, policy.content)


def listing(policy: Policy) -> list[dict[str, object]]:
    """Return every setting with its value and default (as written), what is allowed, what it means and where it was said."""
    default = read(None).settings
    return [
        {
            "setting": setting.name,
            "value": _as_written(policy.settings[setting.name]),
            "default_value": _as_written(default[setting.name]),
            "allowed": setting.allowed,
            "means": setting.means,
            "said_in": str(policy.said_in[setting.name]),
        }
        for setting in SETTINGS
    ]


def _as_written(value: Value) -> str | None:
    """Return a value as policy.yaml would say it."""
    return str(value).lower() if isinstance(value, bool) else None if value is None else str(value)


def _read_settings(home: Home | None, variables: Mapping[str, object], faults: list[str]) -> tuple[dict[str, Value], dict[str, Path]]:
    """Return the value of every setting and the file that says it; what breaks a rule goes to ``faults``."""
    known = {setting.name: setting for setting in SETTINGS}
    project_file = project_dir() / "dbt_project.yml"
    settings: dict[str, Value] = {}
    said_in: dict[str, Path] = {}

    def take(name: str, text: str, where: str, path: Path) -> None:
        if name in RUN_PARAMETERS:
            faults.append(f"{where}: {name} is no policy; it is said with the command (`--{name.replace('_', '-')}`).")
        elif name not in known:
            faults.append(f"{where}: there is no setting {name!r}. The settings are: {', '.join(sorted(known))}.")
        else:
            try:
                settings[name] = known[name].parse(text)
                said_in[name] = path
            except ValueError:
                faults.append(f"{where}: {name} is {text!r}; it must be {known[name].allowed}.")

    for name, text, line in _scalars(project_file, "vars", faults, apart=(*RUN_PARAMETERS, *STAGED)):
        take(name, text, f"{project_file}, line {line}", project_file)
    faults += [f"{project_file}: {name} has no default under `vars`." for name in known if name not in settings and not faults]
    if home and home.policy_file.exists():
        for name, text, line in _scalars(home.policy_file, None, faults):
            take(name, text, f"{home.policy_file}, line {line}", home.policy_file)
    for name, value in variables.items():
        if name not in RUN_PARAMETERS:
            take(name, "" if value is None else str(value), "the variables of this build", Path("variables"))
    return settings, said_in


def _scalars(path: Path, below: str | None, faults: list[str], apart: Sequence[str] = ()) -> Iterator[tuple[str, str, int]]:
    """Yield name, text and line of each entry of a YAML mapping but those ``apart``; every scalar stays the text that it is."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        faults.append(f"{path}: it is no YAML: {' '.join(str(error).split())}.")
        return
    if below and isinstance(node, yaml.MappingNode):
        node = next((value for key, value in node.value if key.value == below), None)
    if node is None:
        return
    if not isinstance(node, yaml.MappingNode):
        faults.append(f"{path}, line {node.start_mark.line + 1}: settings are written `name: value`, one per line.")
        return
    seen: set[str] = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.value in apart:
            continue
        if not isinstance(value, yaml.ScalarNode):
            faults.append(f"{path}, line {line}: {key.value} must be one value, not a list or a mapping.")
        elif key.value in seen:
            faults.append(f"{path}, line {line}: {key.value} stands there twice.")
        else:
            seen.add(key.value)
            yield str(key.value), str(value.value).strip(), line


def _table_files(home: Home | None, faults: list[str]) -> dict[str, Path]:
    """Return the file of each table: the home's own where there is one."""
    shipped = project_dir() / "seeds"
    files = {name: shipped / f"{name}.csv" for name in TABLES | SHIPPED}
    for path in sorted(home.policy_tables.iterdir()) if home and home.policy_tables.is_dir() else []:
        if path.name.startswith("."):
            continue
        if path.suffix != ".csv" or path.stem not in TABLES:
            faults.append(f"{path}: this is no table of the policy. The tables are: {', '.join(f'{name}.csv' for name in TABLES)}.")
        else:
            files[path.stem] = path
    return files


def _read_table(path: Path, tables: Mapping[str, Table], name: str, faults: list[str]) -> Rows:
    """Return a table's rows, typed and in the file's order, and put every fault into ``faults``."""
    table = tables[name]
    try:
        # A byte order mark is what Excel puts before "CSV UTF-8".
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        faults.append(f"{path}: it cannot be read as CSV in UTF-8 ({error}).")
        return ()
    if not lines or lines[0] != list(table.columns):
        faults.append(f"{path}, line 1: the columns must be {','.join(table.columns)}, in this order; the file has {','.join(lines[0]) if lines else 'none'}.")
        return ()
    rows = []
    before = len(faults)
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cells):
            continue
        if len(cells) != len(table.columns):
            faults.append(f"{path}, line {number}: the line has {len(cells)} values instead of {len(table.columns)}.")
            continue
        row: dict[str, Value] = {}
        for (column, kind), cell in zip(table.columns.items(), cells, strict=True):
            try:
                row[column] = kind.parse(cell)
            except (ValueError, InvalidOperation):
                faults.append(f"{path}, line {number}: {column} is {cell!r}; it must be {kind.allowed}.")
        rows.append(row)
    if len(faults) == before:
        faults += [f"{path}: {fault}" for fault in table.faults(rows)]
    return tuple(rows)
