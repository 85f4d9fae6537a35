"""What is known when: versions from drops, in any order of loading, against the oracle's fold over the same drops."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landing import document, land, query, write_drop
from oracle.drops import FEEDS, knowledge_times, read_inbox, state_at

from orchestration import lake

FIRST = {"extracted_at": "2026-01-10T06:00:00Z"}
OPEN = "9999-12-31 00:00:00"


def manifest(day: int, **said: str) -> str:
    return "".join(f"{name}: {value}\n" for name, value in {"extracted_at": f"2026-01-{day:02}T06:00:00Z", **said}.items())


def versions(home: Path, columns: str = "document_id, gross_amount::double::int") -> list[tuple]:
    """Return documents as (…, first day known, first day not known any more or None)."""
    until = f"case when known_to < '{OPEN}' then day(known_to) end"
    return query(home, f"select {columns}, day(known_from), {until} from raw_ledger.documents order by 1, known_from")


def drop(home: Path, day: int, rows: list[dict[str, str]], **said: str) -> None:
    land(home, write_drop(home / f"drops/{day:02}", manifest(day, **said), documents=rows))


def test_full_incremental_and_deleted_rows(tmp_path):
    drop(tmp_path, 1, [document("A"), document("B"), document("C")])
    drop(tmp_path, 2, [document("A", gross_amount="200"), document("D")], mode="incremental")
    drop(tmp_path, 4, [document("A", gross_amount="200"), document("C")])
    drop(tmp_path, 5, [document("B")], mode="incremental")
    assert versions(tmp_path) == [
        ("A", 100, 1, 2),
        ("A", 200, 2, None),
        ("B", 100, 1, 4),
        ("B", 100, 5, None),
        ("C", 100, 1, None),
        ("D", 100, 2, 4),
    ]


def test_of_a_full_drop_that_says_most_again_the_rest_is_followed(tmp_path):
    """Each drop is put into the tables before the next one comes: what it says again is left alone there."""
    rows = [document("A"), document("B"), document("C", gross_amount="100"), document("D"), document("E", reference="x")]
    drop(tmp_path, 1, rows)
    assert len(versions(tmp_path)) == 5
    again = [document("A", is_deleted="true"), document("B"), document("C", gross_amount="200"), document("E"), document("F")]
    drop(tmp_path, 3, again)
    assert versions(tmp_path) == [
        *(("A", 100, 1, 3), ("B", 100, 1, None), ("C", 100, 1, 3), ("C", 200, 3, None), ("D", 100, 1, 3)),
        *(("E", 100, 1, 3), ("E", 100, 3, None), ("F", 100, 3, None)),
    ]
    drop(tmp_path, 5, [document("A"), *again[1:]])
    assert versions(tmp_path)[:3] == [("A", 100, 1, 3), ("A", 100, 5, None), ("B", 100, 1, None)]
    assert len(versions(tmp_path)) == 9


def test_a_row_marked_deleted_needs_its_key_and_nothing_else(tmp_path):
    drop(tmp_path, 1, [document("A"), document("B")])
    land(tmp_path, write_drop(tmp_path / "drops/02", manifest(2, mode="incremental"), documents=DELETION))
    assert versions(tmp_path) == [("A", 100, 1, 2), ("B", 100, 1, None)]
    assert query(tmp_path, "select key, reason from meta.rejects") == [("B", "is_deleted maybe is neither true nor false")]
    assert query(tmp_path, "select document_id, is_flagged from raw_ledger.documents order by 1") == [("A", False), ("B", True)]


DELETION = """document_id,customer_id,document_type,document_date,posting_date,currency,gross_amount,is_deleted
A,,,,,,,true
B,K1,invoice,2026-01-01,2026-01-01,EUR,100,maybe
"""


def test_a_b_a_are_three_states_where_the_source_says_when(tmp_path):
    drop(tmp_path, 1, [document("A")])
    drop(tmp_path, 2, [document("A", gross_amount="200")])
    drop(tmp_path, 3, [document("A")])
    assert versions(tmp_path) == [("A", 100, 1, 2), ("A", 200, 2, 3), ("A", 100, 3, None)]


def test_without_a_time_of_its_own_the_same_content_is_a_duplicate(tmp_path):
    one, other = [document("A")], [document("A", gross_amount="200")]
    for number, rows in enumerate((one, other, one)):
        folder = write_drop(tmp_path / f"in/{number}", documents=rows)
        result = lake.load(folder, tmp_path, now=datetime(2026, 1, number + 1, tzinfo=UTC))
        assert (len(result.landed), len(result.duplicate)) == ((1, 0) if number < 2 else (0, 1))
    assert versions(tmp_path) == [("A", 100, 1, 2), ("A", 200, 2, None)]
    assert query(tmp_path, "select status, rows_in, rows_loaded, rows_duplicate from meta.load_audit order by loaded_at") == [
        ("landed", 1, 1, 0),
        ("landed", 1, 1, 0),
        ("duplicate", 1, 0, 1),
    ]


def test_the_same_drop_again_or_renamed_is_a_duplicate_and_changes_nothing(tmp_path):
    folder = write_drop(tmp_path / "in/one", manifest(1), documents=[document("A")])
    land(tmp_path, tmp_path / "in")
    before = query(tmp_path, "from raw_ledger.documents")
    again = lake.load(tmp_path / "in", tmp_path)
    shutil.copytree(folder, tmp_path / "elsewhere/two")
    (tmp_path / "elsewhere/two/ledger/documents.csv").rename(tmp_path / "elsewhere/two/ledger/documents_renamed.csv")
    renamed = lake.load(tmp_path / "elsewhere", tmp_path)
    assert (again.landed, again.duplicate, renamed.landed, renamed.duplicate) == ([], ["one"], [], ["two"])
    assert query(tmp_path, "from raw_ledger.documents") == before
    lake.load(tmp_path / "in", tmp_path)
    assert query(tmp_path, "select status, count(*) from meta.load_audit group by 1 order by 1") == [("duplicate", 2), ("landed", 1)]


def test_the_same_name_with_other_content_is_a_new_version_and_says_so(tmp_path):
    for day in (1, 2):
        land(tmp_path, write_drop(tmp_path / "export", manifest(day), documents=[document("A", gross_amount=str(day))]))
    assert versions(tmp_path) == [("A", 1, 1, 2), ("A", 2, 2, None)]
    notes = query(tmp_path, "select note from meta.load_audit order by loaded_at")
    assert notes[0] == (None,)
    assert "other content: a new version" in notes[1][0]


def test_the_clock_may_be_set_back_loading_order_is_still_knowledge_order(tmp_path):
    for number, hour in enumerate((12, 10, 11)):
        folder = write_drop(tmp_path / f"in/{number}", documents=[document("A", gross_amount=str(number))])
        lake.load(folder, tmp_path, now=datetime(2026, 1, 1, hour, tzinfo=UTC))
    assert [row[1] for row in versions(tmp_path)] == [0, 1, 2]
    assert [record.path[-1] for record in lake.drops(tmp_path)] == ["0", "1", "2"]


def test_a_rejected_row_counts_as_present_and_its_last_good_version_is_flagged(tmp_path):
    drop(tmp_path, 1, [document("A"), document("B"), document("C")])
    drop(tmp_path, 2, [document("A", gross_amount="1.005"), document("B")])
    flagged = "document_id, is_flagged"
    assert versions(tmp_path, flagged) == [("A", True, 1, None), ("B", False, 1, None), ("C", False, 1, 2)]
    drop(tmp_path, 3, [document("A"), document("B", currency="XXX")])
    assert versions(tmp_path, flagged) == [("A", False, 1, None), ("B", True, 1, None), ("C", False, 1, 2)]
    drop(tmp_path, 4, [document("B", gross_amount="2")])
    assert versions(tmp_path, flagged) == [("A", False, 1, 4), ("B", True, 1, 4), ("B", False, 4, None), ("C", False, 1, 2)]


def test_a_feed_with_an_unreadable_key_deletes_nothing_in_that_drop(tmp_path):
    drop(tmp_path, 1, [document("A"), document("B")])
    drop(tmp_path, 2, [document("A"), document("", gross_amount="5")])
    assert versions(tmp_path) == [("A", 100, 1, None), ("B", 100, 1, None)]
    drop(tmp_path, 3, [document("A")])
    assert versions(tmp_path) == [("A", 100, 1, None), ("B", 100, 1, 3)]


def test_one_key_twice_the_same_is_one_row_and_different_is_none(tmp_path):
    drop(tmp_path, 1, [document("A"), document("B"), document("C")])
    drop(
        tmp_path,
        2,
        [
            document("A"),
            document("A", gross_amount="100.0"),
            document("B", gross_amount="7"),
            document("B", gross_amount="8"),
            document("C", gross_amount="9"),
            document("C", currency=""),
        ],
    )
    assert versions(tmp_path, "document_id, gross_amount::int, is_flagged") == [
        ("A", 100, False, 1, None),
        ("B", 100, True, 1, None),
        ("C", 100, True, 1, None),
    ]
    assert query(tmp_path, "select key, line from meta.rejects order by 2") == [("B", 4), ("B", 5), ("C", 6), ("C", 7)]
    assert query(tmp_path, "select rows_in, rows_loaded, rows_rejected, rows_duplicate from meta.load_audit order by loaded_at") == [(3, 3, 0, 0), (6, 1, 4, 1)]


def test_a_scope_protects_what_lies_outside(tmp_path):
    rows = [
        document("A", company_id="C1", posting_date="2026-01-05"),
        document("B", company_id="C1", posting_date="2025-12-31"),
        document("C", company_id="C2", posting_date="2026-01-05"),
    ]
    drop(tmp_path, 10, rows)
    drop(tmp_path, 12, [document("N", company_id="C1", posting_date="2026-01-06")], scope="{companies: [C1], posting_from: 2026-01-01}")
    assert versions(tmp_path, "document_id") == [("A", 10, 12), ("B", 10, None), ("C", 10, None), ("N", 12, None)]


def test_lines_and_applications_lie_in_the_scope_of_what_they_belong_to(tmp_path):
    lines = "document_id,sequence,due_date,amount\nA,1,2026-02-01,50\nB,1,2026-02-01,50\n"
    applied = "application_id,source_type,source_id,document_id,amount\n1,receipt,R,A,5\n2,receipt,R,B,5\n3,receipt,R,UNKNOWN,5\n"
    both = [document("A", company_id="C1"), document("B", company_id="C2")]
    land(tmp_path, write_drop(tmp_path / "1", manifest(1), documents=both, installments=lines, applications=applied))
    scope = "{companies: [C1]}"
    only = "application_id,source_type,source_id,document_id,amount\n4,receipt,R,A,5\n"
    nothing = {"installments": "document_id,sequence,due_date,amount\nC,1,2026-02-01,1\n", "applications": only}
    land(tmp_path, write_drop(tmp_path / "2", manifest(2, scope=scope), documents=both[:1], **nothing))
    until = f"known_to = '{OPEN}'"
    assert query(tmp_path, f"select document_id, {until} from raw_ledger.installments order by 1") == [("A", False), ("B", True), ("C", True)]
    assert query(tmp_path, f"select application_id, {until} from raw_ledger.applications order by 1") == [("1", False), ("2", True), ("3", True), ("4", True)]


def test_the_lines_of_a_parent_are_replaced_together_also_incrementally(tmp_path):
    def plan(day, lines, mode):
        text = "document_id,sequence,due_date,amount\n" + "".join(f"{d},{s},2026-02-01,{a}\n" for d, s, a in lines)
        land(tmp_path, write_drop(tmp_path / str(day), manifest(day, mode=mode), installments=text))

    plan(1, [("A", 1, 50), ("A", 2, 50), ("B", 1, 10)], "full")
    plan(2, [("A", 1, 100)], "incremental")
    plan(3, [("A", 1, 40), ("A", 3, 60)], "incremental")
    until = f"case when known_to < '{OPEN}' then day(known_to) end"
    assert query(tmp_path, f"select document_id, sequence, amount::int, day(known_from), {until} from raw_ledger.installments order by all") == [
        ("A", 1, 40, 3, None),
        ("A", 1, 50, 1, 2),
        ("A", 1, 100, 2, 3),
        ("A", 2, 50, 1, 2),
        ("A", 3, 60, 3, None),
        ("B", 1, 10, 1, None),
    ]


def test_a_line_that_is_said_again_tells_that_the_others_of_its_parent_are_gone(tmp_path):
    """Also where the parent lies outside of the scope, so that nothing of it is missing from the drop."""
    old = [document("A", posting_date="2026-01-01"), document("B", posting_date="2026-01-01")]
    lines = "document_id,sequence,due_date,amount\nA,1,2026-02-01,50\nA,2,2026-03-01,50\nB,1,2026-02-01,50\n"
    land(tmp_path, write_drop(tmp_path / "1", manifest(10), documents=old, installments=lines))
    assert query(tmp_path, "select count(*) from raw_ledger.installments") == [(3,)]
    again = "document_id,sequence,due_date,amount\nA,1,2026-02-01,50\n"
    new = [document("N", posting_date="2026-01-11")]
    land(tmp_path, write_drop(tmp_path / "2", manifest(12, scope="{posting_from: 2026-01-10}"), documents=new, installments=again))
    until = f"case when known_to < '{OPEN}' then day(known_to) end"
    assert query(tmp_path, f"select document_id, sequence, {until} from raw_ledger.installments order by all") == [("A", 1, None), ("A", 2, 12), ("B", 1, None)]


def test_what_vanishes_from_open_items_was_settled(tmp_path):
    rows = [document("A", open_amount="100"), document("B", open_amount="60"), document("C", open_amount="0", settled_on="2026-01-01")]
    drop(tmp_path, 1, rows, mode="open_items")
    drop(tmp_path, 2, [document("A", open_amount="70")], mode="open_items")
    drop(tmp_path, 3, [document("B", open_amount="0")], mode="open_items")
    shown = "document_id, open_amount::int, load_mode, day(books_through)"
    assert versions(tmp_path, shown) == [
        ("A", 100, "open_items", 31, 1, 2),
        ("A", 70, "open_items", 1, 2, 3),
        ("A", 0, "open_items", 2, 3, None),
        ("B", 60, "open_items", 31, 1, 2),
        ("B", 0, "open_items", 1, 2, None),
        ("C", 0, "open_items", 31, 1, None),
    ]


def test_what_vanished_and_is_still_missing_from_a_full_drop_was_deleted(tmp_path):
    drop(tmp_path, 1, [document("A", open_amount="100"), document("B", open_amount="60")], mode="open_items")
    drop(tmp_path, 2, [document("B", open_amount="60")], mode="open_items")
    drop(tmp_path, 3, [document("B")])
    drop(tmp_path, 4, [document("C")], mode="incremental")
    expected = [("A", 100, 1, 2), ("A", 0, 2, 3), ("B", 60, 1, 3), ("B", None, 3, None), ("C", None, 4, None)]
    assert versions(tmp_path, "document_id, open_amount::int") == expected


def test_two_systems_in_turn_are_followed_as_if_at_once(tmp_path):
    rates = "from_currency,to_currency,rate_date,rate\nUSD,EUR,2026-01-01,{}\n"
    for day, source, rate in [(1, "a", "0.9"), (2, "b", "0.9"), (3, "b", "0.8"), (4, "a", "0.9")]:
        rows = [document("A"), document("B")][: 1 if day > 2 else 2]
        write_drop(tmp_path / f"in/{day}", manifest(day, source_id=source), documents=rows, exchange_rates=rates.format(rate))
        land(tmp_path / "in order", tmp_path / f"in/{day}")
        lake.refresh_raw(tmp_path / "in order")
    land(tmp_path / "at once", tmp_path / "in")
    for table in ("documents", "exchange_rates"):
        assert query(tmp_path / "in order", f"from raw_ledger.{table} order by all") == query(tmp_path / "at once", f"from raw_ledger.{table} order by all")
    assert versions(tmp_path / "at once", "document_id") == [("a:A", 1, None), ("a:B", 1, 4), ("b:A", 2, None), ("b:B", 2, 3)]


def test_open_amounts_belong_to_the_mode_open_items(tmp_path):
    drop(tmp_path, 1, [document("A", open_amount="10", settled_on="2026-01-02")])
    assert versions(tmp_path, "open_amount, settled_on") == [(None, None, 1, None)]
    result = lake.load(write_drop(tmp_path / "2", manifest(2, mode="open_items"), documents=[document("A")]), tmp_path)
    assert "lacks open_amount" in str(result.refused[0])
    drop(tmp_path, 3, [document("A", open_amount="")], mode="open_items")
    assert query(tmp_path, "select reason from meta.rejects") == [("open_amount is required and empty",)]


def test_a_source_id_keeps_two_systems_apart(tmp_path):
    applied = "source_type,source_id,document_id,amount,applied_on\ncredit_memo,A,B,5,\ncredit_memo,A,B,5,\n"
    parts = {"documents": [document("A"), document("B", customer_id="UNIDENTIFIED")], "applications": applied}
    land(tmp_path, write_drop(tmp_path / "1", manifest(1), **parts))
    land(tmp_path, write_drop(tmp_path / "2", manifest(2, source_id="erp2", scope="{companies: [C1]}"), **parts))
    land(tmp_path, write_drop(tmp_path / "3", manifest(3, source_id="erp2"), documents=[document("A")]))
    assert versions(tmp_path, "document_id, company_id, customer_id") == [
        ("A", "C1", "K1", 1, None),
        ("B", "C1", "UNIDENTIFIED", 1, None),
        ("erp2:A", "erp2:C1", "erp2:K1", 2, None),
        ("erp2:B", "erp2:C1", "UNIDENTIFIED", 2, 3),
    ]
    assert query(tmp_path, "select application_id, source_type, source_id, document_id from raw_ledger.applications order by 1") == [
        ("document|A|B|||1", "document", "A", "B"),
        ("document|A|B|||2", "document", "A", "B"),
        ("document|erp2:A|erp2:B|||1", "document", "erp2:A", "erp2:B"),
        ("document|erp2:A|erp2:B|||2", "document", "erp2:A", "erp2:B"),
    ]


def test_a_lost_or_damaged_warehouse_is_rebuilt_from_the_lake(tmp_path):
    drop(tmp_path, 1, [document("A"), document("B", currency="")])
    before = query(tmp_path, "from raw_ledger.documents"), query(tmp_path, "from meta.rejects"), query(tmp_path, "from meta.load_audit")
    place = tmp_path / "warehouse.duckdb"
    for damage in (
        place.unlink,
        lambda: place.write_bytes(b""),
        lambda: place.write_bytes(b"garbage" * 999),
        lambda: place.write_bytes(place.read_bytes()[:5000]),
    ):
        damage()
        assert (query(tmp_path, "from raw_ledger.documents"), query(tmp_path, "from meta.rejects"), query(tmp_path, "from meta.load_audit")) == before


def test_what_a_killed_load_left_behind_is_swept_up(tmp_path):
    drop(tmp_path, 1, [document("A")])
    [kept] = (tmp_path / "lake/ledger/documents").glob("*.parquet")
    for orphan in ("ledger/documents/0123.parquet", "rejects/0123.parquet", ".staging/0123/documents.parquet", "drops/0123.json.tmp"):
        (tmp_path / "lake" / orphan).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(kept, tmp_path / "lake" / orphan)
    drop(tmp_path, 2, [document("A", gross_amount="2")])
    assert sorted(path.name for path in (tmp_path / "lake").rglob("*") if "0123" in path.name) == []
    assert versions(tmp_path) == [("A", 100, 1, 2), ("A", 2, 2, None)]


def test_a_disk_that_is_full_is_named_and_nothing_is_left(tmp_path):
    from orchestration.errors import ArwError

    drop(tmp_path, 1, [document("A")])
    folder = write_drop(tmp_path / "2", manifest(2), documents=[document("B")])
    (tmp_path / "lake/ledger/documents").chmod(0o500)
    shutil.rmtree(tmp_path / "lake/ledger/documents")
    (tmp_path / "lake/ledger/documents").write_text("in the way")
    with pytest.raises(ArwError, match="the warehouse was left unchanged"):
        lake.load(folder, tmp_path)
    assert not (tmp_path / "lake/.staging").exists() or not list((tmp_path / "lake/.staging").iterdir())
    assert len(lake.drops(tmp_path)) == 1


# The property: any set of drops, loaded in any order, gives at every moment the state that the oracle folds from them.

IDS = st.sampled_from("ABCD")
DAY = st.sampled_from(["2026-01-01", "2026-01-03", "2026-01-06"])
DOCUMENTS = st.lists(
    st.builds(
        lambda key, amount, company, posted, opened: document(key, gross_amount=amount, company_id=company, posting_date=posted, open_amount=opened),
        IDS,
        st.sampled_from(["100", "200.00", "1.005"]),
        st.sampled_from(["C1", "C2"]),
        DAY,
        st.sampled_from(["0", "50", "100"]),
    ),
    min_size=1,
    max_size=5,
)
LINES = st.lists(
    st.builds(
        lambda key, sequence, amount: {"document_id": key, "sequence": sequence, "due_date": "2026-02-01", "amount": amount},
        IDS,
        st.sampled_from(["1", "2", "x"]),
        st.sampled_from(["10", "20", "-1"]),
    ),
    min_size=1,
    max_size=4,
)
APPLICATIONS = st.lists(
    st.builds(
        lambda key, target, amount, day: {
            "application_id": key,
            "source_type": "receipt",
            "source_id": "R",
            "document_id": target,
            "amount": amount,
            "applied_on": day,
        },
        st.sampled_from("123"),
        IDS,
        st.sampled_from(["10", "20"]),
        st.one_of(st.just(""), DAY),
    ),
    min_size=1,
    max_size=3,
)
SCOPES = st.sampled_from([None, None, {"companies": "[C1]"}, {"posting_from": "2026-01-02"}, {"companies": "[C1]", "posting_from": "2026-01-02"}])
FEED_ROWS = st.fixed_dictionaries({}, optional={"documents": DOCUMENTS, "installments": LINES, "applications": APPLICATIONS}).filter(bool)


def drops_in(modes: list[str]) -> st.SearchStrategy[list]:
    return st.lists(st.tuples(st.sampled_from(modes), SCOPES, FEED_ROWS), min_size=1, max_size=4)


# A ledger exports open items or it does not.
DROPS = st.one_of(drops_in(["full", "full", "incremental"]), drops_in(["open_items"]))


@settings(max_examples=8, deadline=None, derandomize=True)
@given(drops=DROPS, shuffle=st.randoms(use_true_random=False))
def test_any_drops_in_any_order_give_the_state_that_the_oracle_folds(drops, shuffle):
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        inbox = folder / "inbox"
        for number, (mode, scope, feeds) in enumerate(drops):
            said = {"mode": mode}
            if scope:
                said["scope"] = "{" + ", ".join(f"{name}: {value}" for name, value in scope.items()) + "}"
            write_drop(inbox / f"{number:02}", manifest(number + 1, **said), **feeds)
            (inbox / f"{number:02}/ledger").mkdir(exist_ok=True)
        land(folder / "at once", inbox)
        _agrees_with_the_oracle(folder / "at once", inbox)
        folders = sorted(inbox.iterdir())
        for one in folders:
            # The tables follow drop by drop.
            land(folder / "in order", one)
            lake.refresh_raw(folder / "in order")
        shuffle.shuffle(folders)
        for one in folders:
            land(folder / "shuffled", one)
            lake.refresh_raw(folder / "shuffled")
        assert _content(folder / "at once") == _content(folder / "in order") == _content(folder / "shuffled")


def _agrees_with_the_oracle(home: Path, inbox: Path) -> None:
    drops = read_inbox(inbox)
    lake.refresh_raw(home)
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as con:
        for moment in knowledge_times(drops):
            state = state_at(drops, moment)
            for feed in ("documents", "installments", "applications"):
                columns = [name for name in FEEDS[feed].columns if name not in ("open_amount", "settled_on")]
                known = con.execute(
                    f"select {', '.join(columns)} from raw_ledger.{feed} where known_from <= $at and $at < known_to",
                    {"at": moment.replace(tzinfo=None)},
                ).fetchall()
                expected = [tuple(row[name] for name in columns) for row in state.rows[feed].values()]
                assert sorted(known, key=str) == sorted(expected, key=str), (feed, moment)
        for feed in ("documents", "installments", "applications"):
            key = ", ".join(FEEDS[feed].key)
            [[overlaps]] = con.execute(
                f"select count(*) from (select lead(known_from) over (partition by {key} order by known_from) < known_to as is_early "
                f"from raw_ledger.{feed}) where is_early"
            ).fetchall()
            [[empty]] = con.execute(f"select count(*) from raw_ledger.{feed} where known_from >= known_to").fetchall()
            assert (overlaps, empty) == (0, 0)


def _content(home: Path) -> dict[str, list[tuple]]:
    lake.refresh_raw(home)
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as con:
        tables = [f"raw_ledger.{feed}" for feed in ("documents", "installments", "applications")]
        content = {table: sorted(con.execute(f"from {table}").fetchall(), key=str) for table in (*tables, "meta.rejects")}
        audit = "select drop_id, feed, file, sha256, rows_in, rows_loaded, rows_rejected, rows_duplicate, status from meta.load_audit"
        return content | {"audit": sorted(con.execute(audit).fetchall(), key=str)}
