"""The policy: what a home may decide, and how every wrong decision is told before anything is built."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration import policy, reference
from orchestration.extracts.contract import minor_units
from orchestration.policy import WrongPolicy
from orchestration.policy_tables import COMPONENTS, SHIPPED, TABLES
from orchestration.settings import Home, project_dir

ROOT = project_dir()
BUCKETS = "preset,bucket_id,label,bucket_order,days_from,days_to"
RATES = "preset,pool,days_from,days_to,rate"
LEVELS = "dunning_level,days_from,action,label"
TARGETS = "company_id,metric_id,valid_from,valid_to,target_value"
WEIGHTS = "component,weight,scale,description"
UNAPPLIED = "default,unapplied,Unapplied,9,,"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def table(home: Home, name: str, header: str, *rows: str) -> Path:
    home.policy_tables.mkdir(exist_ok=True)
    path = home.policy_tables / f"{name}.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def faults(home: Home) -> tuple[str, ...]:
    with pytest.raises(WrongPolicy) as raised:
        policy.read(home)
    message = str(raised.value)
    assert "Nothing was changed" in message and "Correct the file and run again" in message
    assert all(fault in message for fault in raised.value.faults)
    return raised.value.faults


def test_a_home_that_says_nothing_has_the_defaults() -> None:
    said = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    expected = {name: str(value) if isinstance(value, float) else value for name, value in said.items() if name not in policy.RUN_PARAMETERS + policy.STAGED}
    assert dict(policy.read(None).settings) == expected


def test_every_table_of_policy_and_no_other_is_a_seed() -> None:
    assert {path.stem for path in (ROOT / "seeds").glob("*.csv")} == {*TABLES, *SHIPPED, "currencies"}


def test_the_seed_of_currencies_holds_those_that_landing_takes() -> None:
    lines = (ROOT / "seeds" / "currencies.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert {line.split(",")[0]: int(line.split(",")[1]) for line in lines} == dict(minor_units())


def test_the_components_of_the_score_are_those_of_the_model() -> None:
    model = (ROOT / "models/marts/reporting/rpt_collector_worklist.sql").read_text(encoding="utf-8")
    listed = re.search(r"set components = \[(.+?)\]", model)
    assert listed and re.findall(r"'(\w+)'", listed[1]) == list(COMPONENTS)
    assert {name for name, has_scale in COMPONENTS.items() if has_scale} == set(re.findall(r"weights\.(\w+)_scale", model))


RIGHT = {
    "aging_preset": ("split_30", "split_30"),
    "credits_aged": ("TRUE", True),
    "dso_window_months": ("12", 12),
    "sales_basis": ("net", "net"),
    "cei_sales": ("total", "total"),
    "week_end_day": ("7", 7),
    "fiscal_year_start_month": ("12", 12),
    "reporting_currency": ("'NOK'", "NOK"),
    "max_rate_age_days": ("0", 0),
    "promise_kept_ratio": ("1.0000", "1"),
    "promise_grace_days": ("60", 60),
    "touch_credit_days": ("0", 0),
    "max_outside_share": ("0", "0"),
    "max_volume_change": ("10", "10"),
    "export_parquet": ("false", False),
}
WRONG = {
    "aging_preset": ("a b", "[default]", ""),
    "credits_aged": ("yes", "1", ""),
    "dso_window_months": ("2", "0", "13", "3.0", "three", "-3"),
    "sales_basis": ("Gross", "both", "null"),
    "cei_sales": ("average", ""),
    "week_end_day": ("0", "8", "Friday", "5.5", ""),
    "fiscal_year_start_month": ("0", "13", "April"),
    "reporting_currency": ("EURO", "eur", "ALL1", "1"),
    "max_rate_age_days": ("-1", "367", "a week"),
    "promise_kept_ratio": ("0", "1.01", "95", "95 %", "0.95001", "-0.5", ".5", "1e-1"),
    "promise_grace_days": ("-1", "61", "3.5"),
    "touch_credit_days": ("-1", "91"),
    "max_outside_share": ("-0.001", "1.000001", "0.1 %", "0.0000001", "nan"),
    "max_volume_change": ("-0.5", "10.1", "inf"),
    "export_parquet": ("no", "0"),
}


def test_every_setting_is_tried_on_both_sides() -> None:
    assert set(RIGHT) == set(WRONG) == {setting.name for setting in policy.SETTINGS}


@pytest.mark.parametrize("name", RIGHT)
def test_a_home_decides_a_setting(home: Home, name: str) -> None:
    text, value = RIGHT[name]
    home.policy_file.write_text(f"# ours\n{name}: {text}\n", encoding="utf-8")
    decided = policy.read(home)
    assert decided.settings[name] == value
    assert decided.said_in[name] == home.policy_file
    assert {other: found for other, found in decided.settings.items() if other != name} == {
        other: found for other, found in policy.read(None).settings.items() if other != name
    }


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts])
def test_a_wrong_setting_is_told_with_file_line_value_and_what_may_be(home: Home, name: str, text: str) -> None:
    home.policy_file.write_text(f"# ours\n\n{name}: {text}\n", encoding="utf-8")
    (fault,) = faults(home)
    assert str(home.policy_file) in fault and name in fault
    if not text.startswith("["):
        (allowed,) = (setting.allowed for setting in policy.SETTINGS if setting.name == name)
        assert f"is {text!r}; it must be {allowed}" in fault
    assert f"{home.policy_file}, line 3" in fault


def test_a_preset_that_no_table_has_is_told_with_those_that_there_are(home: Home) -> None:
    home.policy_file.write_text("aging_preset: weekly\n", encoding="utf-8")
    (fault,) = faults(home)
    assert fault.startswith(f"{home.policy_file}: aging_preset is 'weekly'") and fault.endswith("default, split_30, standard.")


def test_all_faults_are_told_at_once(home: Home) -> None:
    home.policy_file.write_text("week_end_day: 9\nsales_basis: both\n", encoding="utf-8")
    table(home, "provision_rates", RATES, "default,*,,,1.5")
    assert [re.sub(r".*/", "", fault).split(":")[0] for fault in faults(home)] == ["policy.yaml, line 1", "policy.yaml, line 2", "provision_rates.csv, line 2"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("week_end_day: 5\nweek_end_day: 5\n", "line 2: week_end_day stands there twice"),
        ("week_ends_on: 5\n", "line 1: there is no setting 'week_ends_on'"),
        ("as_of: 2026-06-30\n", "line 1: as_of is no policy; it is said with the command (`--as-of`)"),
        ("policy_tables: x\n", "there is no setting 'policy_tables'"),
        ("- week_end_day\n", "line 1: settings are written `name: value`"),
        ("week_end_day 5\n", "line 1: settings are written `name: value`"),
        ("week_end_day: {day: 5}\n", "line 1: week_end_day must be one value"),
        ("week_end_day: [5\n", "it is no YAML"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(home: Home, text: str, told: str) -> None:
    home.policy_file.write_text(text, encoding="utf-8")
    (fault,) = faults(home)
    assert fault.startswith(str(home.policy_file)) and told in fault


def test_an_empty_file_decides_nothing(home: Home) -> None:
    home.policy_file.write_text("# nothing yet\n", encoding="utf-8")
    assert policy.read(home).sha256 == policy.read(None).sha256


GOOD_BUCKETS = ("default,a,Not due,1,,0", "default,b,Late,2,1,30", "default,c,Very late,3,31,")
WRONG_TABLES = [
    # Aging buckets: in order, without gap or overlap, all days, `unapplied` reserved.
    ("aging_buckets", BUCKETS, (*GOOD_BUCKETS[:2], "default,c,Very late,3,32,", UNAPPLIED), "no bucket holds day 31: bucket b ends on 30 and c starts on 32"),
    ("aging_buckets", BUCKETS, (*GOOD_BUCKETS[:2], "default,c,Very late,3,30,", UNAPPLIED), "bucket b and bucket c overlap on day 30"),
    ("aging_buckets", BUCKETS, ("default,a,Not due,1,,", *GOOD_BUCKETS[1:], UNAPPLIED), "bucket a and bucket b overlap"),
    ("aging_buckets", BUCKETS, (*GOOD_BUCKETS[1:], UNAPPLIED), "no bucket holds the days before 1"),
    ("aging_buckets", BUCKETS, (*GOOD_BUCKETS[:2], UNAPPLIED), "no bucket holds the days after 30"),
    ("aging_buckets", BUCKETS, (GOOD_BUCKETS[0], "default,b,Late,2,30,1", GOOD_BUCKETS[2], UNAPPLIED), "bucket b ends on day 1 before it starts on day 30"),
    ("aging_buckets", BUCKETS, GOOD_BUCKETS, "one bucket must be `unapplied`, without days"),
    ("aging_buckets", BUCKETS, (*GOOD_BUCKETS[:2], "default,unapplied,Very late,3,31,"), "one bucket must be `unapplied`, without days"),
    ("aging_buckets", BUCKETS, (UNAPPLIED,), "there is no bucket with days"),
    ("aging_buckets", BUCKETS, (*GOOD_BUCKETS[:2], "default,b,Very late,3,31,", UNAPPLIED), "bucket_id b stands there 2 times"),
    ("aging_buckets", BUCKETS, (*GOOD_BUCKETS[:2], "default,c,Late,3,31,", UNAPPLIED), "label Late stands there 2 times"),
    ("aging_buckets", BUCKETS, (*GOOD_BUCKETS[:2], "default,c,Very late,2,31,", UNAPPLIED), "bucket_order 2 stands there 2 times"),
    ("aging_buckets", BUCKETS, ("default,a,Not due,2,,0", "default,b,Late,1,1,30", GOOD_BUCKETS[2], UNAPPLIED), "bucket_order must rise with the days"),
    ("aging_buckets", BUCKETS, (*GOOD_BUCKETS[:2], "default,c,Very late,x,31,", UNAPPLIED), "line 4: bucket_order is 'x'; it must be a whole number"),
    ("aging_buckets", BUCKETS, (*GOOD_BUCKETS[:2], "default,c c,Very late,3,31,", UNAPPLIED), "line 4: bucket_id is 'c c'; it must be letters"),
    ("aging_buckets", BUCKETS, (*GOOD_BUCKETS[:2], "default,c,,3,31,", UNAPPLIED), "line 4: label is ''; it must be a text"),
    ("aging_buckets", BUCKETS, (*GOOD_BUCKETS[:2], "default,c,Very late,3,31", UNAPPLIED), "line 4: the line has 5 values instead of 6"),
    (
        "aging_buckets",
        BUCKETS,
        tuple(row.replace("default", "ours") for row in (*GOOD_BUCKETS, UNAPPLIED)),
        "aging_preset is 'default'; it must be a preset of",
    ),
    ("aging_buckets", BUCKETS.replace(",", ";"), (), "line 1: the columns must be preset,bucket_id"),
    ("aging_buckets", "preset,bucket_id,label,bucket_order,days_to,days_from", (*GOOD_BUCKETS, UNAPPLIED), "in this order"),
    # Provision rates: 0 to 1, complete for every pool, and one for everybody else.
    ("provision_rates", RATES, ("default,*,,0,0.01", "default,*,1,,1.0001"), "line 3: rate is '1.0001'; it must be a fraction from 0 to 1"),
    ("provision_rates", RATES, ("default,*,,0,-0.01", "default,*,1,,1"), "line 2: rate is '-0.01'"),
    ("provision_rates", RATES, ("default,*,,0,0.00001", "default,*,1,,1"), "line 2: rate is '0.00001'"),
    ("provision_rates", RATES, ("default,*,,0,0.01", "default,*,2,,1"), "preset default, pool *: no rate holds day 1"),
    ("provision_rates", RATES, ("default,*,,1,0.01", "default,*,1,,1"), "preset default, pool *: rate 0.01 and rate 1 overlap on day 1"),
    ("provision_rates", RATES, ("default,A,,,0.01",), "preset default: the pool * is missing"),
    ("provision_rates", RATES, ("default,*,,,0.01", "default,A,,90,0.5"), "preset default, pool A: no rate holds the days after 90"),
    # Dunning levels rise with their days, from day 1 on.
    ("dunning_levels", LEVELS, ("0,1,call,Call", "0,30,warn,Warn"), "dunning_level 0 stands there 2 times"),
    ("dunning_levels", LEVELS, ("0,1,call,Call", "1,1,warn,Warn"), "days_from 1 stands there 2 times"),
    ("dunning_levels", LEVELS, ("1,1,call,Call", "0,30,warn,Warn"), "the levels must rise with their days"),
    ("dunning_levels", LEVELS, ("0,15,call,Call",), "the first level must hold from day 1"),
    ("dunning_levels", LEVELS, (), "the first level must hold from day 1"),
    ("dunning_levels", LEVELS, ("0,-1,call,Call",), "line 2: days_from is '-1'"),
    # Targets: of metrics that there are, one at a time.
    ("targets", TARGETS, ("*,dso,2020-01-01,,45",), "there is no metric 'dso'"),
    ("targets", TARGETS, ("*,dso_days,2020-01-01,2020-12-31,45", "*,dso_days,2020-12-31,,40"), "company *, metric dso_days: two targets hold on 2020-12-31"),
    ("targets", TARGETS, ("*,dso_days,2020-01-01,2019-12-31,45",), "valid_to 2019-12-31 lies before valid_from 2020-01-01"),
    ("targets", TARGETS, ("*,dso_days,01.01.2020,,45",), "line 2: valid_from is '01.01.2020'; it must be a date as YYYY-MM-DD"),
    ("targets", TARGETS, ("*,dso_days,2021-02-30,,45",), "line 2: valid_from is '2021-02-30'"),
    ("targets", TARGETS, ("*,dso_days,2020-01-01,,45 days",), "line 2: target_value is '45 days'"),
    # Weights: of every component, on the side that it counts on.
    (
        "worklist_weights",
        WEIGHTS,
        tuple(f"{name},0,{'30' if scale else ''},x" for name, scale in COMPONENTS.items() if name != "dispute"),
        "dispute is missing",
    ),
    ("worklist_weights", WEIGHTS, ("charm,1,,x",), "line 2: component is 'charm'; it must be one of past_due_amount"),
    ("worklist_weights", WEIGHTS, ("oldest_age,-1,30,x",), "component oldest_age: its weight is -1; it raises the score, so it must be 0 or more"),
    ("worklist_weights", WEIGHTS, ("dispute,1,,x",), "component dispute: its weight is 1; it is deducted, so it must be 0 or less"),
    ("worklist_weights", WEIGHTS, ("oldest_age,1,,x",), "component oldest_age: scale must be a number of days"),
    ("worklist_weights", WEIGHTS, ("oldest_age,1,0,x",), "line 2: scale is '0'"),
    ("worklist_weights", WEIGHTS, ("over_limit,1,30,x",), "component over_limit: scale must be empty"),
    ("worklist_weights", WEIGHTS, ("over_limit,0.0001,,x",), "line 2: weight is '0.0001'"),
]


@pytest.mark.parametrize(("name", "header", "rows", "told"), WRONG_TABLES, ids=[f"{name}: {told[:40]}" for name, _, _, told in WRONG_TABLES])
def test_a_wrong_table_is_told_with_file_and_reason(home: Home, name: str, header: str, rows: tuple[str, ...], told: str) -> None:
    path = table(home, name, header, *rows)
    found = [fault for fault in faults(home) if told in fault]
    assert len(found) == 1 and str(path) in found[0]


def test_every_table_is_tried() -> None:
    assert {name for name, *_ in WRONG_TABLES} == set(TABLES)


@pytest.mark.parametrize("name", ["aging_bucket.csv", "currencies.csv", "metric_definitions.csv", "aging_buckets.xlsx"])
def test_a_file_that_is_no_table_of_the_policy_is_refused(home: Home, name: str) -> None:
    home.policy_tables.mkdir()
    (home.policy_tables / name).write_text("", encoding="utf-8")
    (fault,) = faults(home)
    assert name in fault and "The tables are: aging_buckets.csv" in fault


def test_a_table_of_the_home_replaces_the_default_whole(home: Home) -> None:
    table(home, "aging_buckets", BUCKETS, *GOOD_BUCKETS, UNAPPLIED)
    decided = policy.read(home)
    assert [row["bucket_id"] for row in decided.tables["aging_buckets"]] == ["a", "b", "c", "unapplied"]
    said = policy.stage(decided, home)
    assert said == {"policy_folder": str(home.staged_policy), "policy_tables": ["aging_buckets"]}
    assert (home.staged_policy / "aging_buckets.csv").read_text(encoding="utf-8").splitlines() == [BUCKETS, *GOOD_BUCKETS, UNAPPLIED]
    (home.policy_tables / "aging_buckets.csv").unlink()
    assert policy.stage(policy.read(home), home) == {}
    assert not home.staged_policy.exists()


def test_what_excel_writes_is_read(home: Home) -> None:
    path = table(home, "aging_buckets", BUCKETS, *GOOD_BUCKETS, UNAPPLIED)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b",,,,,\r\n")
    assert len(policy.read(home).tables["aging_buckets"]) == 4


def test_the_hash_is_of_the_decisions_not_of_how_they_are_written(home: Home) -> None:
    default = policy.read(None).sha256
    home.policy_file.write_text("promise_kept_ratio: 0.9500\nweek_end_day: 5\nexport_parquet: false\n", encoding="utf-8")
    seed = (ROOT / "seeds" / "provision_rates.csv").read_text(encoding="utf-8").splitlines()
    table(home, "provision_rates", seed[0], *(row.replace("0.5000", "0.5") for row in seed[1:]))
    assert policy.read(home).sha256 == default
    home.policy_file.write_text("promise_kept_ratio: 0.96\n", encoding="utf-8")
    assert policy.read(home).sha256 != default
    home.policy_file.unlink()
    table(home, "provision_rates", seed[0], *(row.replace("0.5000", "0.51") for row in seed[1:]))
    assert policy.read(home).sha256 != default


def test_what_a_hash_stands_for_is_kept(home: Home) -> None:
    home.policy_file.write_text("week_end_day: 7\n", encoding="utf-8")
    decided = policy.read(home)
    policy.keep(decided, home)
    (kept,) = home.policies.iterdir()
    assert kept.name == f"{decided.sha256}.json"
    content = json.loads(kept.read_text(encoding="utf-8"))
    assert content["settings"]["week_end_day"] == 7 and len(content["tables"]["aging_buckets"]) == len(decided.tables["aging_buckets"])
    before = kept.stat().st_mtime_ns
    policy.keep(decided, home)
    assert kept.stat().st_mtime_ns == before


def test_what_a_build_is_told_wins_over_the_files(home: Home) -> None:
    home.policy_file.write_text("week_end_day: 7\n", encoding="utf-8")
    assert policy.read(home, {"week_end_day": 1, "credits_aged": True, "known_at": "2026-01-01"}).settings["week_end_day"] == 1
    with pytest.raises(WrongPolicy, match="week_end_day is '8'"):
        policy.read(home, {"week_end_day": 8})


@st.composite
def ranges(draw: st.DrawFn) -> list[tuple[int | None, int | None]]:
    """Return some ranges of days, mostly the contiguous ones between a few edges, and sometimes with one end moved."""
    edges = sorted(draw(st.sets(st.integers(-40, 160), max_size=12)))
    bounds: list[int | None] = [None, *edges, None]
    found = [(None if low is None else low + 1, high) for low, high in pairwise(bounds)]
    if draw(st.booleans()):
        at = draw(st.integers(0, len(found) - 1))
        low, high = found[at]
        by = draw(st.integers(-3, 3))
        found[at] = (low, None if high is None else high + by) if draw(st.booleans()) else (None if low is None else low + by, high)
    return found


@settings(deadline=None)
@given(ranges())
def test_buckets_are_taken_if_every_day_is_in_exactly_one(found: list[tuple[int | None, int | None]]) -> None:
    rows = [
        {"preset": "p", "bucket_id": f"b{n}", "label": f"B{n}", "bucket_order": n, "days_from": low, "days_to": high} for n, (low, high) in enumerate(found, 1)
    ]
    rows.append({"preset": "p", "bucket_id": "unapplied", "label": "U", "bucket_order": 99, "days_from": None, "days_to": None})
    told = list(TABLES["aging_buckets"].faults(rows))
    held = [sum((low is None or day >= low) and (high is None or day <= high) for low, high in found) for day in range(-60, 181)]
    is_turned = any(low is not None and high is not None and low > high for low, high in found)
    assert (not told) == (all(times == 1 for times in held) and not is_turned)


def test_the_page_on_policy_lists_every_setting_and_table() -> None:
    page = (ROOT / reference.POLICY).read_text(encoding="utf-8")
    assert reference.with_made_parts(page) == page, "run `make reference`"
    for setting in policy.SETTINGS:
        assert f"| `{setting.name}` |" in page
    for name in TABLES:
        assert f"### {name}.csv" in page
