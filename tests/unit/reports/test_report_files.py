"""The report's files as their readers get them: typed, exact, harmless, and adding up to what was frozen."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import zipfile
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pdf_text
import pytest
import weeks
from python_calamine import CalamineWorkbook
from weeks import HOSTILE, WEEK_END, Open, freeze

from orchestration.files import sha256_of
from orchestration.reports import figures, items, proof, weekly, workbook
from orchestration.reports.figures import DoesNotAddUp
from orchestration.reports.money import NOTHING
from orchestration.reports.sheets import HEAD_ROWS, TooManyDigits
from orchestration.reports.workbook import ITEM_COLUMNS
from orchestration.settings import Home
from orchestration.snapshots import Snapshot, SnapshotRefused, context_file, items_file

COMPANIES = {"C1": "EUR", "C2": "USD"}
MIXED = [
    Open("A", "1000.50", 0),
    Open("A", "200.25", 31),
    Open("A", "-75.10"),
    Open("B", "8000.00", 121, currency="JPY", amount_base="50.12"),
    Open("B", "12.345", 5, currency="KWD", amount_base="36.90"),
    Open("B", "99.99", 1, company_id="C2", currency="USD"),
    Open("IC", "500.00", 45),
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def mixed(home: Home) -> tuple[Snapshot, list[Path]]:
    snapshot = freeze(home, MIXED, {"A": "Ängström & Söhne", "IC": "Sister Ltd"}, companies=COMPANIES, intercompany=("IC",))
    return snapshot, weekly.write(home, snapshot)


def frozen(snapshot: Snapshot) -> dict[tuple[str, str], Decimal]:
    return {(total.company_id, total.currency): Decimal(total.open_amount) for total in snapshot.totals}


def sheet(path: Path, name: str) -> list[list[object]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name(name).to_python(skip_empty_area=False)


def xml(path: Path, sheet_name: str) -> str:
    names = CalamineWorkbook.from_path(str(path)).sheet_names
    with zipfile.ZipFile(path) as book:
        return book.read(f"xl/worksheets/sheet{names.index(sheet_name) + 1}.xml").decode()


def test_every_file_adds_up_to_the_frozen_totals(home: Home) -> None:
    snapshot, (xlsx, csv_file, pdf) = mixed(home)

    by_item: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    columns = ["line", *(name for _, name, _ in ITEM_COLUMNS)]
    for row in sheet(xlsx, "Open items")[HEAD_ROWS:]:
        item = dict(zip(columns, row, strict=True))
        by_item[str(item["company_id"]), str(item["currency"])] += Decimal(str(item["open_amount"]))
    assert by_item == frozen(snapshot)

    by_row: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    with csv_file.open(encoding="utf-8-sig", newline="") as file:
        for line in csv.DictReader(file):
            by_row[line["company_id"], line["currency"]] += Decimal(line["open_amount"])
    assert by_row == frozen(snapshot)

    text = " ".join(pdf_text.pages(pdf))
    for shown in ("1,625.65", "8,000", "12.345", "99.99"):
        assert shown in text


def test_a_summary_total_is_a_formula_that_holds_its_value(home: Home) -> None:
    _, (xlsx, _, _) = mixed(home)
    lines = {(row[1], row[3]): row[11] for row in sheet(xlsx, "Summary")[HEAD_ROWS:] if isinstance(row[0], float)}
    assert lines == {("C1", "EUR"): 1625.65, ("C1", "JPY"): 8000.0, ("C1", "KWD"): 12.345, ("C2", "USD"): 99.99}
    summary = xml(xlsx, "Summary")
    assert "<f>SUM(E5:K5)</f><v>1625.650</v>" in summary
    assert "<f>SUMIFS('By customer'!$G:$G,'By customer'!$A:$A,$A5)</f><v>1000.500</v>" in summary


def test_cells_are_numbers_dates_and_text_with_the_decimals_of_their_currency(home: Home) -> None:
    _, (xlsx, _, _) = mixed(home)
    names = ["line", *(name for _, name, _ in ITEM_COLUMNS)]
    items = [dict(zip(names, row, strict=True)) for row in sheet(xlsx, "Open items")[HEAD_ROWS:]]
    assert {type(item["open_amount"]) for item in items} == {float}
    assert {item["due_date"] for item in items if item["customer_id"] == "IC"} == {date(2026, 9, 8)}
    assert {item["document_id"] for item in items} == {f"D{n}" for n in range(len(MIXED))}
    with zipfile.ZipFile(xlsx) as book:
        formats = set(re.findall(r'formatCode="([^"]+)"', book.read("xl/styles.xml").decode()))
    assert {f"{number};-{number};&quot;{NOTHING}&quot;" for number in ("#,##0", "#,##0.00", "#,##0.000")} <= formats


def test_sheets_are_ready_to_read_and_to_print(home: Home) -> None:
    _, (xlsx, _, _) = mixed(home)
    for name in ("Summary", "By customer", "Open items", "Definitions"):
        text = xml(xlsx, name)
        assert 'orientation="landscape"' in text
        assert "<pageSetUpPr fitToPage=" in text
        assert 'state="frozen"' in text
        assert "Page &amp;P of &amp;N" in text
    for name in ("By customer", "Open items"):
        assert "<autoFilter ref=" in xml(xlsx, name)
    with zipfile.ZipFile(xlsx) as book:
        assert book.read("xl/workbook.xml").decode().count("_xlnm.Print_Titles") == 3


def test_hostile_text_is_text_in_the_workbook(home: Home) -> None:
    items = [Open(f"H{n}", "10.00", n * 13, document_number=text) for n, text in enumerate(HOSTILE)]
    xlsx, _, _ = weekly.write(home, freeze(home, items, {f"H{n}": text for n, text in enumerate(HOSTILE)}))
    for name in ("By customer", "Open items"):
        assert {row[3] for row in sheet(xlsx, name)[HEAD_ROWS:]} == set(HOSTILE)
    formulas = re.findall(r"<f>(.*?)</f>", xml(xlsx, "By customer") + xml(xlsx, "Open items"))
    assert formulas
    assert all(re.fullmatch(r"SUM\(G\d+:M\d+\)", formula) for formula in formulas)
    with zipfile.ZipFile(xlsx) as book:
        assert not [member for member in book.namelist() if "rels" in member and "hyperlink" in book.read(member).decode()]
        assert "<hyperlink" not in xml(xlsx, "Open items")


def test_hostile_text_is_no_formula_in_the_csv_file_and_numbers_stay_numbers(home: Home) -> None:
    items = [Open(f"H{n}", "10.00", document_number=text) for n, text in enumerate(HOSTILE)] + [Open("H0", "-1234.50")]
    _, csv_file, _ = weekly.write(home, freeze(home, items, {f"H{n}": text for n, text in enumerate(HOSTILE)}))
    assert csv_file.read_bytes().startswith(b"\xef\xbb\xbf")
    with csv_file.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["customer_name"].removeprefix("'") for row in rows} == set(HOSTILE)
    for row in rows:
        for name, value in row.items():
            if value[:1] in ("=", "+", "-", "@", "\t", "\r"):
                assert name in ("open_amount", "open_amount_base", "original_amount", "original_amount_base", "days_past_due")
                assert Decimal(value) < 0
    assert "-1234.500" in {row["open_amount"] for row in rows}


def test_hostile_text_is_shown_as_typed_in_the_pdf(home: Home) -> None:
    names = {f"H{n}": text for n, text in enumerate(HOSTILE)}
    _, _, pdf = weekly.write(home, freeze(home, [Open(customer, "10.00", 40) for customer in names], names))
    shown = "".join(pdf_text.pages(pdf)[-1].replace("\N{ZERO WIDTH SPACE}", "").split())
    for text in HOSTILE:
        assert "".join(text.split()) in shown
    assert b"/URI" not in pdf.read_bytes()


def test_no_open_items_is_a_report_that_says_so(home: Home) -> None:
    xlsx, csv_file, pdf = weekly.write(home, freeze(home, []))
    assert sheet(xlsx, "Summary")[HEAD_ROWS][1] == "No open items."
    assert len(csv_file.read_text(encoding="utf-8-sig").splitlines()) == 1
    (only,) = pdf_text.pages(pdf)
    assert "No open items at the close of this week." in only


def test_one_customer_fills_one_executive_page_and_one_table(home: Home) -> None:
    _, _, pdf = weekly.write(home, freeze(home, [Open("A", "1234.56", 40)], {"A": "Only Customer GmbH"}))
    first, second = pdf_text.pages(pdf)
    assert "Only Customer GmbH" in first
    assert "1,234.56" in first
    assert "Page 2 of 2" in second


def test_the_table_of_many_customers_repeats_its_heading_on_every_page(home: Home) -> None:
    items = [Open(f"{n:04d}", "10.00", n % 150) for n in range(300)]
    _, _, pdf = weekly.write(home, freeze(home, items))
    table_pages = pdf_text.pages(pdf)[1:]
    assert len(table_pages) > 3
    assert all("Customers of C1 Holding" in page for page in table_pages[:-1])
    assert "3,000.00" in table_pages[-1]


def test_several_companies_have_a_page_of_their_own_behind_the_group(home: Home) -> None:
    _, (_, _, pdf) = mixed(home)
    pages = pdf_text.pages(pdf)
    assert [page.split(" Friday")[0].removeprefix("RECEIVABLES AGING ") for page in (pages[0], pages[1], pages[3])] == ["Group", "C1 Holding", "C2 Holding"]
    assert "this week end is neither" in pages[0]


def test_intercompany_is_in_the_table_and_not_in_the_headline(home: Home) -> None:
    snapshot = freeze(home, MIXED, companies=COMPANIES, intercompany=("IC",))
    company = figures.read(home, snapshot).companies[0]
    assert company.now.balance.net == Decimal("1212.67")
    assert company.now.intercompany == Decimal("500.00")
    assert company.closing == Decimal("1712.67")
    assert company.now.balance.unapplied == Decimal("75.10")
    assert company.now.balance.past_due == Decimal("287.27")
    assert company.now.balance.over_90 == Decimal("50.12")


def test_rows_that_a_sheet_cannot_hold_go_on_in_the_next(home: Home, tmp_path: Path) -> None:
    snapshot = freeze(home, [Open(f"{n:03d}", "1.00") for n in range(25)])
    report = figures.read(home, snapshot)
    xlsx = tmp_path / "split.xlsx"
    with items.of_week(home, report) as frozen:
        workbook.write(xlsx, report, frozen, sheet_rows=HEAD_ROWS + 10)
    names = CalamineWorkbook.from_path(str(xlsx)).sheet_names
    assert names == ["Summary", "By customer", "By customer 2", "By customer 3", "Open items", "Open items 2", "Open items 3", "Definitions"]
    assert [len(sheet(xlsx, name)) - HEAD_ROWS for name in names[4:7]] == [10, 10, 5]
    assert sheet(xlsx, "Summary")[HEAD_ROWS][11] == 25.0
    assert "'By customer 3'!$G:$G" in xml(xlsx, "Summary")


def test_any_number_of_buckets_is_shown_and_adds_up(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    edges = range(-15, 300, 15)
    aged = [(f"b{n}", f"Up to {edge} days", n, None if n == 1 else edge - 14, edge) for n, edge in enumerate(edges, start=1)]
    last = ("rest", "All older", 90, aged[-1][4] + 1, None)
    monkeypatch.setattr(weeks, "BUCKETS", [*aged, last, ("unapplied", "Open credits", 91, None, None)])
    snapshot = freeze(home, [Open(f"C{days}", f"{days + 100}.25", days) for days in range(-40, 400, 11)] + [Open("A", "-7.10")])
    xlsx, _, pdf = weekly.write(home, snapshot)
    heads = sheet(xlsx, "By customer")[HEAD_ROWS - 1]
    text = " ".join(" ".join(pdf_text.pages(pdf)).split())
    for _, label, *_ in weeks.BUCKETS:
        assert label in heads and label in text
    meanings = {row[0]: row[2] for row in sheet(xlsx, "Definitions")}
    assert meanings["Up to -15 days"].startswith("up to -15 days past due") and meanings["All older"] == "286 days past due and more"
    assert meanings["Open credits"].startswith("open credits")


def test_one_bucket_for_all_days_is_no_open_credit(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weeks, "BUCKETS", [("all", "All", 1, None, None), ("unapplied", "Open credits", 2, None, None)])
    snapshot = freeze(home, [Open("A", "10.00", -5), Open("A", "20.00", 200), Open("A", "-7.10")])
    xlsx, *_ = weekly.write(home, snapshot)
    assert {row[0]: row[2] for row in sheet(xlsx, "Definitions")}["All"] == "any number of days past due"


def test_an_amount_that_a_spreadsheet_cannot_hold_is_refused(home: Home) -> None:
    snapshot = freeze(home, [Open("A", "12345678901234.567", currency="KWD")], companies={"C1": "KWD"})
    with pytest.raises(weekly.ReportFailed, match="more digits than a spreadsheet can hold") as refused:
        weekly.write(home, snapshot)
    assert isinstance(refused.value.__cause__, TooManyDigits)
    assert not list(home.reports.rglob("*"))


def test_movements_that_do_not_close_refuse_the_report_and_leave_nothing(home: Home) -> None:
    moved = [{"company_id": "C1", "currency": "EUR", "base_currency": "EUR", "movement": "billed", "amount": "9.00", "amount_base": "9.00"}]
    snapshot = freeze(home, [Open("A", "10.00")], movements=moved)
    with pytest.raises(DoesNotAddUp, match=r"are 9\.00 EUR .* its open items 10\.000"):
        weekly.write(home, snapshot)
    assert not list(home.reports.rglob("*"))


def test_a_csv_file_that_lost_a_row_is_refused(home: Home) -> None:
    snapshot = freeze(home, [Open("A", "10.00"), Open("B", "5.00")])
    _, csv_file, _ = weekly.write(home, snapshot)
    csv_file.write_text("\n".join(csv_file.read_text(encoding="utf-8-sig").splitlines()[:-1]), encoding="utf-8-sig")
    with pytest.raises(DoesNotAddUp, match=r"the rows of the CSV file of C1 EUR add up to 1 / 10\.000 / 10\.000, and 2 / 15\.000 / 15\.000 was frozen"):
        proof.of_table(csv_file, figures.read(home, snapshot))


def test_a_workbook_that_lost_an_item_is_refused(home: Home, tmp_path: Path) -> None:
    snapshot = freeze(home, [Open("A", "10.00"), Open("B", "5.00")])
    report = figures.read(home, snapshot)
    with items.of_week(home, report) as frozen:
        frozen.con.execute("delete from items where place = 1")
        workbook.write(tmp_path / "short.xlsx", report, frozen)
    with pytest.raises(DoesNotAddUp, match="the open items of the workbook of C1 EUR add up to 1 / 5"):
        proof.of_workbook(tmp_path / "short.xlsx", report)


def test_a_changed_snapshot_is_not_reported(home: Home) -> None:
    snapshot = freeze(home, [Open("A", "10.00")])
    for path in (items_file(home, snapshot), context_file(home, snapshot)):
        kept = path.read_bytes()
        path.write_bytes(kept.replace(b"EUR", b"USD", 1))
        with pytest.raises(SnapshotRefused, match="was changed: its checksum is not the recorded one"):
            weekly.write(home, snapshot)
        path.write_bytes(kept)


def test_lost_files_are_written_again_as_they_were(home: Home) -> None:
    _, files = mixed(home)
    before = [sha256_of(path) for path in files]
    assert weekly.write_missing(home, lambda _: None) == []
    files[1].unlink()
    assert weekly.write_missing(home, lambda _: None) == files
    assert [sha256_of(path) for path in files] == before
    assert files[0].parent == home.reports / WEEK_END.isoformat()


def test_a_full_disk_is_said_and_leaves_nothing_half(home: Home) -> None:
    freeze(home, [Open(f"{n:03d}", "10.00") for n in range(200)])
    program = (
        "import resource, sys; from pathlib import Path; from orchestration.reports import weekly; from orchestration.settings import Home; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); weekly.write_missing(Home(Path(sys.argv[1])), print)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(home.root)], capture_output=True, text=True, check=False)
    assert "ReportFailed: The report of 2026-10-23 could not be written" in done.stderr
    assert "No file of it was left behind" in done.stderr
    assert not [path for path in home.reports.rglob("*") if path.is_file()]
    assert len(weekly.write_missing(home, lambda _: None)) == 3
