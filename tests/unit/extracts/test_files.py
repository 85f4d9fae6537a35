"""Files that are not what they should be: the drop is refused and says why; lines that are not: exactly these are rejected."""

from __future__ import annotations

import gzip
import random
import re

import duckdb
import pytest
from landing import audit_balances, csv, document, land, put, query, refusal, write_drop

from orchestration.extracts import errors
from orchestration.extracts.text_files import CHUNK

GOOD = csv([document("D1"), document("D2")])
HEADER = GOOD.splitlines(keepends=True)[0]


def lines(home):
    """Return which lines were loaded and which were rejected."""
    loaded = [line for (line,) in query(home, "select source_line from raw_ledger.documents order by 1")]
    rejected = [line for (line,) in query(home, "select line from meta.rejects order by 1")]
    audit_balances(home)
    return loaded, rejected


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"", errors.UnreadableFile, "zero bytes"),
        (b"\n\n", errors.BadHeader, "empty"),
        (b"<!DOCTYPE html><html><body>Please log in</body></html>", errors.UnreadableFile, "HTML"),
        (b"\x7fELF\x02\x01\x01\x00\x00" + bytes(100), errors.UnreadableFile, "control characters"),
        (bytes(5000), errors.UnreadableFile, "control characters"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(1, 201)), errors.UnreadableFile, "UTF-8"),
        (GOOD.encode().replace(b"K1", "Käufer".encode("cp1252")), errors.UnreadableFile, "line 2: it is not UTF-8"),
        (GOOD.encode("utf-16"), errors.UnreadableFile, "UTF-8"),
        (gzip.compress(GOOD.encode(), mtime=0), errors.UnreadableFile, "gzip file under another name"),
        (GOOD.removeprefix(HEADER).replace("2026-01-01", "2026-01-02", 1), errors.BadHeader, "header is missing"),
        (GOOD.removeprefix(HEADER), errors.BadHeader, "header is missing"),
        (GOOD.removeprefix(HEADER).replace("K1", "", 1), errors.BadHeader, "header is missing"),
        (GOOD.replace(",", ";"), errors.BadHeader, "one single column"),
        (GOOD.replace("gross_amount", "betrag"), errors.BadHeader, "lacks gross_amount"),
        (GOOD.replace("gross_amount", "Gross_Amount"), errors.BadHeader, "lacks gross_amount"),
        (GOOD.replace("due_date", "document_id"), errors.BadHeader, "document_id twice"),
        (GOOD.replace("due_date", ""), errors.BadHeader, "column 7 of its header has no name"),
    ],
    ids=[
        "empty", "blank", "html", "elf", "zeros", "png", "cp1252", "utf16", "gzip", "no_header", "values_twice", "value_empty", "semicolons", "renamed",
        "other_case", "twice", "nameless",
    ],
)  # fmt: skip
def test_a_file_that_is_no_export_refuses_the_drop(tmp_path, content, kind, says):
    error = refusal(tmp_path, write_drop(tmp_path / "drop", documents=content, customers="customer_id,name\nK1,One\n"))
    assert type(error) is kind
    assert says in str(error)
    assert "drop ledger/documents.csv" in str(error)
    assert query(tmp_path, "select count(*) from raw_ledger.customers") == [(0,)]
    assert query(tmp_path, "select status, file from meta.load_audit") == [("refused", "ledger/documents.csv")]


@pytest.mark.parametrize(("cut", "says"), [(-1, "ends too early"), (-12, "ends too early"), (30, "ends too early"), (0, "zero bytes"), (5, "ends too early")])
def test_a_gzip_file_that_was_cut_off_is_refused(tmp_path, cut, says):
    packed = gzip.compress(csv([document(f"D{n}") for n in range(500)]).encode())
    put(tmp_path / "drop/ledger/documents.csv.gz", packed[:cut])
    assert says in str(refusal(tmp_path, tmp_path / "drop"))


def test_a_damaged_gzip_file_is_refused(tmp_path):
    packed = bytearray(gzip.compress(csv([document(f"D{n}") for n in range(500)]).encode()))
    packed[len(packed) // 2] ^= 0xFF
    put(tmp_path / "drop/ledger/documents.csv.gz", bytes(packed))
    assert isinstance(refusal(tmp_path, tmp_path / "drop"), errors.UnreadableFile)


def test_a_compression_bomb_is_refused_before_it_is_unpacked(tmp_path):
    put(tmp_path / "drop/ledger/documents.csv.gz", gzip.compress(bytes(50_000_000)))
    assert isinstance(refusal(tmp_path / "home", tmp_path / "drop"), errors.UnsafeFile)
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file() and path.stat().st_size > 100_000]


def test_gzip_of_several_members_is_one_file(tmp_path):
    head, tail = GOOD[:100], GOOD[100:]
    put(tmp_path / "drop/ledger/documents.csv.gz", gzip.compress(head.encode()) + gzip.compress(tail.encode()))
    land(tmp_path, tmp_path / "drop")
    assert lines(tmp_path) == ([2, 3], [])


@pytest.mark.parametrize("target", ["../outside.csv", "/etc/hostname"])
def test_a_link_in_a_drop_is_refused(tmp_path, target):
    put(tmp_path / "outside.csv", GOOD)
    write_drop(tmp_path / "drop", customers="customer_id,name\nK1,One\n")
    (tmp_path / "drop/ledger/documents.csv").symlink_to(target)
    assert isinstance(refusal(tmp_path, tmp_path / "drop"), errors.UnsafeFile)


def test_a_linked_folder_is_refused(tmp_path):
    write_drop(tmp_path / "elsewhere", documents=GOOD)
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop/ledger").symlink_to(tmp_path / "elsewhere/ledger")
    assert isinstance(refusal(tmp_path, tmp_path / "drop"), errors.UnsafeFile)


@pytest.mark.parametrize("name", ["ledger/invoices.csv", "ledger/documents.xlsx", "ledger/documents.csv.zip", "ledger/2026/documents.csv", "crm/documents.csv"])
def test_a_data_file_that_belongs_to_no_feed_is_refused(tmp_path, name):
    write_drop(tmp_path / "drop", documents=GOOD)
    put(tmp_path / "drop" / name, GOOD)
    assert isinstance(refusal(tmp_path, tmp_path / "drop"), errors.UnknownFile)


def test_what_is_no_data_is_left_alone(tmp_path):
    write_drop(tmp_path / "drop", documents=GOOD)
    for name in ("README.md", "ledger/_SUCCESS", "ledger/.documents.csv.swp", ".git/x.csv"):
        put(tmp_path / "drop" / name, "x")
    land(tmp_path, tmp_path / "drop")
    assert lines(tmp_path) == ([2, 3], [])


def test_one_refused_drop_does_not_hold_up_the_others(tmp_path):
    from orchestration import lake

    write_drop(tmp_path / "inbox/1", documents=b"")
    write_drop(tmp_path / "inbox/2", documents=GOOD)
    (tmp_path / "inbox/3").mkdir()
    result = lake.load(tmp_path / "inbox", tmp_path)
    assert (result.seen, len(result.landed), len(result.refused)) == (3, 1, 2)
    assert [type(error) for error in result.refused] == [errors.UnreadableFile, errors.NotADrop]
    assert lines(tmp_path) == ([2, 3], [])


@pytest.mark.parametrize("rows", [2, 3])
def test_control_totals_count_what_was_read_before_anything_is_rejected(tmp_path, rows):
    content = csv([document("D1", gross_amount="0.10"), document("D2", gross_amount="0.205"), document("D2X", gross_amount="-0.7")][:rows])
    total = {2: "0.305", 3: "-0.395"}[rows]
    said = f"feeds: {{documents: {{rows: {rows}, total: {{gross_amount: {total}}}}}}}"
    land(tmp_path, write_drop(tmp_path / "drop", said, documents=content))
    assert lines(tmp_path) == ([2], list(range(3, rows + 2)))


@pytest.mark.parametrize(
    "said",
    ["{rows: 3}", "{rows: 1}", "{rows: 2, total: {gross_amount: 200.01}}", '{total: {gross_amount: "199.999"}}', "{total: {gross_amount: 200, tax_amount: 1}}"],
)
def test_a_control_total_that_is_off_refuses_the_drop(tmp_path, said):
    error = refusal(tmp_path, write_drop(tmp_path / "drop", f"feeds: {{documents: {said}}}", documents=GOOD))
    assert isinstance(error, errors.ControlTotalOff)


def test_a_last_line_that_was_cut_within_the_amount_is_caught_by_the_total(tmp_path):
    cut = csv([document("D1", gross_amount="12345.67")])[:-4]
    assert cut.endswith("12345")
    said = 'feeds: {documents: {rows: 1, total: {gross_amount: "12345.67"}}}'
    assert isinstance(refusal(tmp_path, write_drop(tmp_path / "drop", said, documents=cut)), errors.ControlTotalOff)


def test_a_malformed_line_counts_for_the_control_total_of_rows(tmp_path):
    land(tmp_path, write_drop(tmp_path / "drop", "feeds: {documents: {rows: 3}}", documents=GOOD + "D3,too,short\n"))
    assert lines(tmp_path) == ([2, 3], [4])


@pytest.mark.parametrize(
    ("content", "loaded", "rejected"),
    [
        (GOOD, [2, 3], []),
        ("\ufeff" + GOOD, [2, 3], []),
        (GOOD.rstrip("\n"), [2, 3], []),
        (GOOD.replace("\n", "\r\n"), [2, 3], []),
        (GOOD.replace("\n", "\r"), [2, 3], []),
        (GOOD.replace("\n", "\r\n", 1), [2, 3], []),
        (GOOD + "\n\n", [2, 3], []),
        (GOOD.replace("\nD2", "\n\n\nD2"), [2, 5], []),
        (GOOD + "D3,short\n" + GOOD.splitlines()[1].replace("D1", "D4") + "\n", [2, 3, 5], [4]),
        (GOOD.replace("\nD2", "\nD3,K1,one,two,three,four,five,six,seven,eight,nine\nD2"), [2, 4], [3]),
        (GOOD.replace("K1", '"Acme, Inc."'), [2, 3], []),
        (GOOD.replace("K1", '"K1'), [], [2, 3]),
        (GOOD.replace("K1", '"K1', 1), [3], [2]),
        (GOOD.replace("K1", 'K"1', 1), [3], [2]),
        (GOOD.replace("K1", 'K"1"', 1), [3], [2]),
        (GOOD.replace("K1", '"K1"x', 1), [3], [2]),
        (HEADER + GOOD.splitlines()[1] + "\n" + "TOTAL,,,,,,,,100.00\n", [2], [3]),
        (HEADER + "D1,C1,K1,invoice,2026-01-01,2026-01-01,2026-01-31,EUR," + "9" * 2_100_000 + "\n" + GOOD.splitlines()[2] + "\n", [3], [2]),
        (HEADER.replace("document_id,company_id", "company_id,document_id") + "C1,D1" + GOOD.splitlines()[1][5:] + "\n", [2], []),
    ],
)  # fmt: skip
def test_lines_are_numbered_and_rejected_exactly(tmp_path, content, loaded, rejected):
    land(tmp_path, write_drop(tmp_path / "drop", documents=content))
    assert lines(tmp_path) == (loaded, rejected)


def test_line_breaks_within_quotes_keep_every_line_number_true(tmp_path):
    noted = [
        document("D1", reference="one\ntwo, three"),
        document("D2"),
        document("D3", reference='say "hi"\n\n"bye"', gross_amount="x"),
        document("D4", reference='"'),
        document("D5"),
    ]
    text = csv(noted).replace("\nD2,", "\nbroken,line\nD2,")
    land(tmp_path, write_drop(tmp_path / "drop", documents=text))
    assert query(tmp_path, "select document_id, source_line, reference from raw_ledger.documents order by 2") == [
        ("D1", 2, "one\ntwo, three"),
        ("D2", 5, None),
        ("D4", 9, '"'),
        ("D5", 10, None),
    ]
    assert query(tmp_path, "select line, key, reason from meta.rejects order by 1") == [
        (4, None, "has 2 values where the header has 10"),
        (6, "D3", "gross_amount x is no plain number"),
    ]


def test_a_quote_that_was_never_closed_takes_only_its_own_line(tmp_path):
    rows = [document(f"D{n}", reference=f"a\nb{n}" if n % 3 == 0 else "r") for n in range(30)]
    text = csv(rows).replace("D7,C1,K1", 'D7,C1,"K1')
    land(tmp_path, write_drop(tmp_path / "drop", documents=text))
    loaded = [key for (key,) in query(tmp_path, "select document_id from raw_ledger.documents order by source_line")]
    assert loaded == [f"D{n}" for n in range(30) if n != 7]
    assert query(tmp_path, "select text[:10] from meta.rejects") == [('D7,C1,"K1,',)]


def test_many_rows_keep_their_order_and_lines(tmp_path):
    rows = [document(f"D{n:06}", gross_amount=f"{n}.00" if n % 1000 else "bad") for n in range(30_000)]
    land(tmp_path, write_drop(tmp_path / "drop", documents=rows))
    assert query(tmp_path, "select count(*), count_if(gross_amount = source_line - 2) from raw_ledger.documents") == [(29_970, 29_970)]
    assert query(tmp_path, "select count(*), count_if(key = 'D' || lpad((line - 2)::varchar, 6, '0')) from meta.rejects") == [(30, 30)]


def test_several_files_are_one_feed_and_unknown_columns_are_kept(tmp_path):
    write_drop(tmp_path / "drop", documents=GOOD)
    put(tmp_path / "drop/ledger/documents_2.csv", csv([document("D3", colour="red"), document("D4", colour="")]))
    put(tmp_path / "drop/ledger/documents_x.csv.gz", gzip.compress(csv([document("D2"), document("D5")]).encode()))
    land(tmp_path, tmp_path / "drop")
    assert query(tmp_path, "select document_id, source_file, source_line from raw_ledger.documents order by 1") == [
        ("D1", "ledger/documents.csv", 2),
        ("D2", "ledger/documents.csv", 3),
        ("D3", "ledger/documents_2.csv", 2),
        ("D4", "ledger/documents_2.csv", 3),
        ("D5", "ledger/documents_x.csv.gz", 3),
    ]
    audited = query(tmp_path, "select file, rows_in, rows_loaded, rows_rejected, rows_duplicate, note from meta.load_audit order by 1")
    assert [row[:5] for row in audited] == [
        ("ledger/documents.csv", 2, 2, 0, 0),
        ("ledger/documents_2.csv", 2, 2, 0, 0),
        ("ledger/documents_x.csv.gz", 2, 1, 0, 1),
    ]
    assert "unknown columns kept: colour" in audited[1][5]
    [landed] = (tmp_path / "lake/ledger/documents").glob("*.parquet")
    kept = duckdb.execute("select extra from read_parquet($file) where document_id = 'D3'", {"file": str(landed)}).fetchall()
    assert kept == [('{"colour":"red"}',)]


def test_a_header_without_rows_is_legal_where_nothing_was_known_or_the_manifest_says_so(tmp_path):
    empty = HEADER
    land(tmp_path, write_drop(tmp_path / "1", "extracted_at: 2026-01-01T00:00:00Z", documents=empty))
    land(tmp_path, write_drop(tmp_path / "2", "extracted_at: 2026-01-02T00:00:00Z", documents=GOOD))
    error = refusal(tmp_path, write_drop(tmp_path / "3", "extracted_at: 2026-01-03T00:00:00Z", documents=empty))
    assert isinstance(error, errors.EmptyDelivery)
    land(tmp_path, write_drop(tmp_path / "4", "{extracted_at: 2026-01-04T00:00:00Z, mode: incremental}", documents=empty))
    assert query(tmp_path, "select count(*) from raw_ledger.documents where known_to > '9999-01-01'") == [(2,)]
    land(tmp_path, write_drop(tmp_path / "5", "{extracted_at: 2026-01-05T00:00:00Z, feeds: {documents: {rows: 0}}}", documents=empty))
    assert query(tmp_path, "select count(*) from raw_ledger.documents where known_to > '9999-01-01'") == [(0,)]


@pytest.mark.parametrize(
    "said",
    [
        "books-through: 2026-01-31",
        "mode: partial",
        "extracted_at: yesterday",
        "extracted_at: 2026-02-30T00:00:00Z",
        "books_through: 31.01.2026",
        "feeds: {invoices: {rows: 1}}",
        "feeds: {documents: {rows: many}}",
        "feeds: {documents: {total: {colour: 1}}}",
        "feeds: {customers: {mode: open_items}}",
        "scope: {companies: C1}",
        "{mode: full, mode: incremental}",
        "time_zone: Middle/Earth",
        "mode: [full",
        "- mode",
    ],
)
def test_a_manifest_that_cannot_be_meant_refuses_the_drop(tmp_path, said):
    assert isinstance(refusal(tmp_path, write_drop(tmp_path / "drop", said, documents=GOOD)), errors.BadManifest)


def test_books_close_on_the_day_before_the_extract_in_its_time_zone(tmp_path):
    said = [
        "extracted_at: 2026-06-26T01:00:00Z",
        "{extracted_at: 2026-06-26T01:00:00Z, time_zone: America/New_York}",
        "{extracted_at: 2026-06-26T01:00:00+02:00, books_through: 2026-06-30}",
    ]
    for number, manifest in enumerate(said):
        land(tmp_path, write_drop(tmp_path / str(number), manifest, documents=GOOD))
    assert query(tmp_path, "select extracted_at::varchar, books_through::varchar from meta.drops order by 2") == [
        ("2026-06-26 01:00:00", "2026-06-24"),
        ("2026-06-26 01:00:00", "2026-06-25"),
        ("2026-06-25 23:00:00", "2026-06-30"),
    ]


def parquet(path, select):
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.execute(f"copy ({select}) to '{path}' (format parquet)")
    return path.parent.parent


TYPED = """
    select 'D' || i as document_id, 7 as company_id, 'K' as customer_id, 'invoice' as document_type, date '2026-01-01' as document_date,
        timestamp '2026-01-01 00:00:00' as posting_date, 'EUR' as currency, {amount} as gross_amount
    from range(3) as numbers(i)
"""


@pytest.mark.parametrize("amount", ["100", "100.50::decimal(9, 2)", "100.500::decimal(18, 3)", "'100.50'"])
def test_parquet_with_exact_types_is_taken(tmp_path, amount):
    land(tmp_path, parquet(tmp_path / "drop/ledger/documents.parquet", TYPED.format(amount=amount)))
    assert lines(tmp_path) == ([1, 2, 3], [])
    assert query(tmp_path, "select distinct company_id, posting_date::varchar from raw_ledger.documents") == [("7", "2026-01-01")]


def test_parquet_values_are_judged_like_any_others(tmp_path):
    amount = "case i when 1 then 1.005 else 1 end::decimal(18, 3)"
    land(tmp_path, parquet(tmp_path / "drop/ledger/documents.parquet", TYPED.format(amount=amount)))
    assert lines(tmp_path) == ([1, 3], [2])


@pytest.mark.parametrize(
    ("select", "kind"),
    [
        (TYPED.format(amount="100.5::double"), errors.BadType),
        (TYPED.format(amount="100.5::float"), errors.BadType),
        (TYPED.format(amount="1").replace("'K' as", "1.0::double as"), errors.BadType),
        (TYPED.format(amount="1").replace("date '2026-01-01'", "20260101"), errors.BadType),
        (TYPED.format(amount="1").replace("'EUR' as currency,", ""), errors.BadHeader),
    ],
)
def test_parquet_with_other_types_refuses_the_drop(tmp_path, select, kind):
    assert type(refusal(tmp_path, parquet(tmp_path / "drop/ledger/documents.parquet", select))) is kind


def test_a_parquet_file_that_was_cut_off_is_refused(tmp_path):
    parquet(tmp_path / "drop/ledger/documents.parquet", TYPED.format(amount="1"))
    path = tmp_path / "drop/ledger/documents.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    assert isinstance(refusal(tmp_path, tmp_path / "drop"), errors.UnreadableFile)


def test_values_over_several_lines_are_read_as_they_stand_wherever_the_file_is_cut_for_reading(tmp_path):
    """Python's own csv module writes them and tells the lines; the file is longer than what is looked at in one piece."""
    choice = random.Random(3).choice
    pieces = ["a", ",", '"', "\n", " ", "\u00a0", "Zahlung", "\u3000", "; ", '""', "é"]
    noted = [document(f"D{n:05}", reference="".join(choice(pieces) for _ in range(n % 40)) or None) for n in range(20_000)]
    # A blank line within a value sends the file another way, which is tested elsewhere.
    noted = [{**row, "reference": re.sub("\n+", "\n", row["reference"] or "")} for row in noted]
    text, line, expected = csv(noted), 2, []
    for row in noted:
        expected.append((row["document_id"], line, row["reference"] if row["reference"].strip(" \u00a0\u3000") else None))
        line += 1 + row["reference"].count("\n")
    assert len(text.encode()) > 1.5 * CHUNK
    land(tmp_path, write_drop(tmp_path / "drop", documents=text))
    assert query(tmp_path, "select document_id, source_line, reference from raw_ledger.documents order by 1") == expected


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u2003", "\u202f", "\u3000", "\u1680"])
@pytest.mark.parametrize("where", ["front", "back", "quoted"])
def test_spaces_around_values_are_trimmed_and_told(tmp_path, space, where):
    rows = [document("D1"), document("D2", customer_id={"front": f"{space}K9", "back": f"K9{space}", "quoted": f"{space}K,9{space}"}[where])]
    land(tmp_path, write_drop(tmp_path / "drop", documents=csv(rows)))
    assert query(tmp_path, "select customer_id from raw_ledger.documents where document_id = 'D2'") == [("K,9" if where == "quoted" else "K9",)]


def test_a_file_is_read_as_its_lines_are_whatever_happened_to_its_quotes(tmp_path):
    """A blank line at the end changes nothing, but makes landing put the records together line by line."""
    random_ = random.Random(11)
    values = ["plain", "one\ntwo", 'say "hi"', "a,b", "", '"', "x\ny\nz"]
    wrong = 0
    for case in range(40):
        text = csv([document(f"D{n}", reference=random_.choice(values), customer_id=random_.choice(["K1", "K,2"])) for n in range(8)])
        for _ in range(case % 3):
            place = random_.randrange(text.index("\n") + 1, len(text))
            text = text[:place] + random_.choice(['"', '""', "", "\n"]) + text[place + random_.randrange(2) :]
        found = []
        for name, content in (("as it is", text), ("by lines", text.rstrip("\n") + "\n\n")):
            home = tmp_path / f"{case} {name}"
            land(home, write_drop(home / "drop", documents=content))
            rows = query(home, "select document_id, source_line, reference, customer_id from raw_ledger.documents order by all")
            found.append((rows, query(home, "select line, text, reason from meta.rejects order by all")))
        assert found[0] == found[1], text
        wrong += len(found[0][1]) > 0
    assert wrong > 10
