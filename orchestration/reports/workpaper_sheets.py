"""The sheets of the auditor's workpaper: typed cells, totals as formulas over the sheets that they come from, print set-up, a box to sign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from orchestration.reconciliation import CAUSES
from orchestration.reports.sheets import (
    ACCENT,
    HEAD_ROWS,
    QUIET,
    RULE,
    SHEET_ROWS,
    Sheets,
    finish_sheet,
    new_workbook,
    sheet_names,
    write_amount,
    write_formula,
    write_text,
)

if TYPE_CHECKING:
    from orchestration.reports.workpaper import Record, Workpaper

SUMMARY, CAUSE_ROWS, ITEMS = "Reconciliation", "Causes", "Open items"
CAUSE_LABELS = {
    "timing": "Timing",
    "manual_journal": "Manual journal",
    "unapplied": "Unapplied or unidentified",
    "exchange_rounding": "Exchange rounding",
    "missing_document": "Document missing on one side",
    "held": "Held by an exception",
    "rejected": "Rejected",
}
MEANINGS = {
    "timing": "Posted in one of the two before the period end and in the other after it, or told here only after the general ledger was last read.",
    "manual_journal": "A journal in one of the two only: a journal document, an adjustment of type other or a revaluation here; in the general ledger, what "
    "came and was taken back by the next period end without a posting here.",
    "unapplied": "Unidentified cash, or cash on account, that the general ledger keeps off the receivable account.",
    "exchange_rounding": "Rounding of base amounts, while every document currency is explained: at most half a minor unit per movement of the open items.",
    "missing_document": "A document that only one of the two holds: deleted or a draft in the extracts, or posted here and not there.",
    "held": "What an exception holds out of the subledger until other rows make it right.",
    "rejected": "Rows that landing rejected, less the good version that stands in their place.",
}
MOVEMENTS = ("billed", "finance_charge", "credited", "collected", "discount", "written_off", "refunded", "transferred", "revalued", "other")
SIGN_OFF = ("Prepared by", "Date", "Reviewed by", "Date", "Conclusion")

# Columns of the summary.
_GL, _SUBLEDGER, _DIFFERENCE, _FIRST_CAUSE = 7, 8, 9, 10
_UNEXPLAINED = _FIRST_CAUSE + len(CAUSES)
_CAUSE_LINE, _CAUSE_NAME, _CAUSE_AMOUNT = 0, 6, 10
_ITEM_LINE, _ITEM_BASE_LINE, _ITEM_OPEN, _ITEM_OPEN_BASE = 0, 1, 14, 16
# What is read back of each sheet: its meaning, the column of the line, the column of the amount.
PROVEN = {
    SUMMARY: [
        ("general ledger", "A", xl_col_to_name(_GL)),
        ("subledger", "A", xl_col_to_name(_SUBLEDGER)),
        ("difference", "A", xl_col_to_name(_DIFFERENCE)),
        ("unexplained", "A", xl_col_to_name(_UNEXPLAINED)),
    ],
    CAUSE_ROWS: [("causes", xl_col_to_name(_CAUSE_LINE), xl_col_to_name(_CAUSE_AMOUNT))],
    ITEMS: [
        ("open items", xl_col_to_name(_ITEM_LINE), xl_col_to_name(_ITEM_OPEN)),
        ("open items", xl_col_to_name(_ITEM_BASE_LINE), xl_col_to_name(_ITEM_OPEN_BASE)),
    ],
}


class Column(NamedTuple):
    """A column of a list: its heading, where its values come from, its width, and for money the column that names the currency."""

    heading: str
    name: str
    width: int
    currency: str | None = None


CAUSE_COLUMNS = (
    Column("Line", "line", 6),
    Column("Company", "company_id", 11),
    Column("Account", "receivable_account", 12),
    Column("Period end", "period_end", 12),
    Column("Balance", "balance_kind", 18),
    Column("Currency", "currency", 9),
    Column("Cause", "cause", 26),
    Column("What", "object_type", 13),
    Column("Key", "object_id", 22),
    Column("Posting date", "posting_date", 12),
    Column("Amount", "amount", 16, "currency"),
    Column("Evidence", "evidence", 100),
)
ITEM_COLUMNS = (
    Column("Line", "line", 6),
    Column("Line in base", "base_line", 8),
    Column("As of", "as_of_date", 12),
    Column("Company", "company_id", 11),
    Column("Account", "receivable_account", 12),
    Column("Customer id", "customer_id", 14),
    Column("Customer", "customer_name", 34),
    Column("Document", "document_id", 18),
    Column("Number", "document_number", 16),
    Column("Type", "item_type", 16),
    Column("Document date", "document_date", 12),
    Column("Posting date", "posting_date", 12),
    Column("Due date", "due_date", 12),
    Column("Currency", "currency", 9),
    Column("Open", "open_amount", 16, "currency"),
    Column("Base currency", "base_currency", 9),
    Column("Open in base", "open_amount_base", 16, "base_currency"),
    Column("Item", "item_id", 26),
)
CUSTOMER_COLUMNS = (
    Column("Company", "company_id", 11),
    Column("Customer id", "customer_id", 14),
    Column("Customer", "name", 34),
    Column("As of", "as_of_date", 12),
    Column("Currency", "currency", 9),
    Column("ERP's balance", "erp_amount", 16, "currency"),
    Column("Subledger", "subledger_amount", 16, "currency"),
)
OUTSIDE_COLUMNS = (
    Column("Company", "company_id", 11),
    Column("Currency", "currency", 9),
    Column("Gross receivable", "gross_receivable_amount", 18, "currency"),
    Column("Rejected", "rejected_amount", 16, "currency"),
    Column("Held", "held_amount", 16, "currency"),
    Column("Held applications", "held_applications_amount", 16, "currency"),
    Column("Rejected rows", "rejected_rows", 9),
    Column("Held rows", "held_rows", 9),
    Column("Unreadable rows", "unreadable_rows", 11),
)
HELD_COLUMNS = (
    Column("Company", "company_id", 11),
    Column("What", "object_type", 13),
    Column("Key", "object_id", 22),
    Column("Reason", "reason", 30),
    Column("Customer id", "customer_id", 14),
    Column("Currency", "currency", 9),
    Column("Amount", "amount", 16, "currency"),
    Column("Since (UTC)", "since", 18),
    Column("Detail", "detail", 50),
)
REJECTED_COLUMNS = (
    Column("Company", "company_id", 11),
    Column("Feed", "feed", 14),
    Column("Key", "key", 22),
    Column("File", "file", 26),
    Column("Line", "line", 9),
    Column("Currency", "currency", 9),
    Column("Amount", "amount", 16, "currency"),
    Column("Reason", "reason", 70),
    Column("Drop", "drop_id", 24),
)
CHECK_COLUMNS = (
    Column("Check", "check_id", 42),
    Column("Rule", "rule", 11),
    Column("Passed", "passed", 9),
    Column("Rows at fault", "rows", 9),
    Column("Overridden", "is_overridden", 11),
    Column("Detail", "detail", 90),
)
OVERRIDE_COLUMNS = (
    Column("Check", "check_id", 42),
    Column("By", "overridden_by", 20),
    Column("When (UTC)", "overridden_at", 18),
    Column("Books as of", "as_of", 12),
    Column("Rows at fault", "rows", 9),
    Column("Because", "because", 90),
)
DROP_COLUMNS = (
    Column("Drop", "drop_id", 24),
    Column("Read from the sources (UTC)", "extracted_at", 20),
    Column("Books through", "books_through", 12),
    Column("System", "source_id", 12),
    Column("Profile", "profile", 14),
    Column("Folder", "path", 70),
)


def write(path: Path, paper: Workpaper, sheet_rows: int = SHEET_ROWS) -> None:
    """Write the workbook."""
    pointer = paper.version.pointer
    title = f"Reconciliation of receivables {paper.period}"
    published_at = datetime.fromisoformat(str(pointer["published_at"]).replace("Z", "+00:00")).replace(tzinfo=None)
    with new_workbook(path, title, published_at) as book:
        sheets = Sheets(book, "Receivables: subledger and general ledger", f"period {paper.period}", f"Version {paper.version.name}")
        label = f"{', '.join(map(str, paper.periods))} · books as of {pointer['as_of']}, known at {pointer['known_at']} · version {paper.version.name}"
        summary = sheets.add(SUMMARY)
        lists = {
            name: [sheets.add(each) for each in sheet_names(name, len(rows), sheet_rows)] for name, rows in ((CAUSE_ROWS, paper.causes), (ITEMS, paper.items))
        }
        _write_summary(summary, sheets, paper, label, {name: [sheet.get_name() for sheet in found] for name, found in lists.items()})
        causes = [row | {"cause": CAUSE_LABELS[row["cause"]]} for row in paper.causes]
        _write_list(lists[CAUSE_ROWS], sheets, "What makes up the differences", label, CAUSE_COLUMNS, causes, sheet_rows)
        _write_list(lists[ITEMS], sheets, "The subledger: open items at the period end", label, ITEM_COLUMNS, paper.items, sheet_rows)
        _write_rollforward(sheets.add("Roll-forward"), sheets, label, paper)
        for name, heading, columns, rows in (
            ("Customers", "The ERP's customer balances beside the subledger's", CUSTOMER_COLUMNS, paper.customers),
            ("Not in the subledger", "Rejected and held, per company and currency", OUTSIDE_COLUMNS, paper.outside),
            ("Held", "What exceptions hold out of the subledger", HELD_COLUMNS, paper.held),
            ("Rejected", "Rows of the ledger that landing rejected", REJECTED_COLUMNS, paper.rejected),
            ("Checks", "The audit before this version was published", CHECK_COLUMNS, paper.checks),
            ("Overrides", "Who let which check pass, and why", OVERRIDE_COLUMNS, paper.overrides),
            ("Drops", "The extracts that the figures come from", DROP_COLUMNS, paper.drops),
        ):
            found = [sheets.add(each) for each in sheet_names(name, len(rows), sheet_rows)]
            _write_list(found, sheets, heading, label, columns, rows, sheet_rows, has_difference=name == "Customers")
        _write_provenance(sheets.add("About"), sheets, label, paper)


def _write_summary(sheet: Worksheet, sheets: Sheets, paper: Workpaper, label: str, names: dict[str, list[str]]) -> None:
    sheets.title(sheet, "General ledger and subledger", label)
    for column, width in enumerate((6, 14, 28, 12, 12, 18, 9)):
        sheet.set_column(column, column, width)
    sheet.set_column(_GL, _UNEXPLAINED, 15)
    sheet.set_column(_UNEXPLAINED + 1, _UNEXPLAINED + 1, 14)
    texts = ("Company", "Name", "Account", "Period end", "Balance", "Currency")
    money = ("General ledger", "Subledger", "Difference", *(CAUSE_LABELS[cause] for cause in CAUSES), "Unexplained")
    sheets.headings(sheet, 3, [("Line", True), *((text, False) for text in texts), *((text, True) for text in money), ("Result", False)])
    row = HEAD_ROWS
    for line in paper.lines:
        edge = {"bottom": 1, "bottom_color": RULE}
        plain, cash = sheets.format(indent=1, **edge), sheets.money(line["currency"], **edge)
        sheet.write_number(row, 0, line["line"], sheets.format(font_color=QUIET, **edge))
        for column, value in enumerate((line["company_id"], line["name"], line["receivable_account"]), start=1):
            write_text(sheet, row, column, value, plain)
        sheet.write_datetime(row, 4, line["period_end"], sheets.format(num_format="yyyy-mm-dd", align="left", **edge))
        write_text(sheet, row, 5, line["balance_kind"].replace("_", " "), plain)
        write_text(sheet, row, 6, line["currency"], plain)
        write_amount(sheet, row, _GL, line["gl_amount"], cash)
        is_base = line["balance_kind"] == "base_total"
        where, what = (_ITEM_BASE_LINE, _ITEM_OPEN_BASE) if is_base else (_ITEM_LINE, _ITEM_OPEN)
        write_formula(sheet, row, _SUBLEDGER, _sum_of_line(names[ITEMS], where, what, row), cash, line["subledger_amount"])
        difference = f"={xl_rowcol_to_cell(row, _GL)}-{xl_rowcol_to_cell(row, _SUBLEDGER)}"
        write_formula(sheet, row, _DIFFERENCE, difference, sheets.money(line["currency"], bold=True, **edge), line["difference_amount"])
        for column, cause in enumerate(CAUSES, start=_FIRST_CAUSE):
            formula = _sum_of_line(names[CAUSE_ROWS], _CAUSE_LINE, _CAUSE_AMOUNT, row, (_CAUSE_NAME, CAUSE_LABELS[cause]))
            write_formula(sheet, row, column, formula, cash, line[f"{cause}_amount"])
        causes = f"{xl_rowcol_to_cell(row, _FIRST_CAUSE)}:{xl_rowcol_to_cell(row, _UNEXPLAINED - 1)}"
        # Rounded to the thousandth, beyond which no amount goes: a spreadsheet counts in doubles.
        rest = f"=ROUND({xl_rowcol_to_cell(row, _DIFFERENCE)}-SUM({causes}),3)"
        write_formula(sheet, row, _UNEXPLAINED, rest, sheets.money(line["currency"], bold=True, **edge), line["unexplained_amount"])
        result = "Ties" if line["is_reconciled"] else "Explained" if line["is_explained"] else "Not explained"
        write_text(sheet, row, _UNEXPLAINED + 1, result, plain)
        row += 1
    sheet.freeze_panes(HEAD_ROWS, 4)
    sheet.repeat_rows(3)
    sheet.autofilter(HEAD_ROWS - 1, 0, row - 1, _UNEXPLAINED + 1)
    _write_counts(sheet, sheets, row + 1, HEAD_ROWS, row - 1, paper)
    _write_sign_off(sheet, sheets, row + 6)


def _sum_of_line(names: Sequence[str], line: int, amount: int, row: int, *conditions: tuple[int, str]) -> str:
    """Return the formula that adds up a line's rows on other sheets; sorting them changes nothing."""
    parts = []
    for name in names:
        ranges = {column: f"'{name}'!${xl_col_to_name(column)}:${xl_col_to_name(column)}" for column in (line, amount, *(c for c, _ in conditions))}
        also = "".join(f',{ranges[column]},"{value}"' for column, value in conditions)
        parts.append(f"SUMIFS({ranges[amount]},{ranges[line]},$A{row + 1}{also})")
    return f"={'+'.join(parts)}"


def _write_counts(sheet: Worksheet, sheets: Sheets, row: int, first: int, last: int, paper: Workpaper) -> None:
    """Write how many balances tie, are explained and are not."""
    column = xl_col_to_name(_UNEXPLAINED + 1)
    for offset, result in enumerate(("Ties", "Explained", "Not explained")):
        write_text(sheet, row + offset, 1, result, sheets.format(bold=True))
        count = sum(result == ("Ties" if line["is_reconciled"] else "Explained" if line["is_explained"] else "Not explained") for line in paper.lines)
        formula = f'=COUNTIF({column}{first + 1}:{column}{last + 1},"{result}")'
        write_formula(sheet, row + offset, 3, formula, sheets.format(align="right"), Decimal(count))


def _write_sign_off(sheet: Worksheet, sheets: Sheets, row: int) -> None:
    write_text(sheet, row, 1, "Sign-off", sheets.format(bold=True, font_size=12, font_color=ACCENT))
    for offset, label in enumerate(SIGN_OFF, start=1):
        sheet.set_row(row + offset, 24 if label != "Conclusion" else 60)
        write_text(sheet, row + offset, 1, label, sheets.format(bold=True, border=1, border_color=RULE))
        for column in range(2, 6):
            sheet.write_blank(
                row + offset, column, None, sheets.format(top=1, bottom=1, top_color=RULE, bottom_color=RULE, right=1 if column == 5 else 0, right_color=RULE)
            )


def _write_list(
    found: Sequence[Worksheet],
    sheets: Sheets,
    title: str,
    label: str,
    columns: Sequence[Column],
    rows: Sequence[Record],
    sheet_rows: int,
    *,
    has_difference: bool = False,
) -> None:
    """Write a list over as many sheets as it needs; with ``has_difference``, the last two columns' difference as a formula."""
    per_sheet = sheet_rows - HEAD_ROWS
    numeric = {column.name for column in columns if column.currency or column.name in ("line", "base_line") or column.name.endswith("rows")}
    for number, sheet in enumerate(found):
        part = rows[number * per_sheet : (number + 1) * per_sheet]
        sheets.title(sheet, title, label)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
        headings = [(column.heading, column.name in numeric) for column in columns]
        if has_difference:
            sheet.set_column(len(columns), len(columns), 16)
            headings.append(("Difference", True))
        sheets.headings(sheet, 3, headings)
        for row, record in enumerate(part, start=HEAD_ROWS):
            for place, column in enumerate(columns):
                _write_value(sheet, sheets, row, place, record[column.name], record[column.currency] if column.currency else None)
            if has_difference:
                first, second = xl_rowcol_to_cell(row, len(columns) - 2), xl_rowcol_to_cell(row, len(columns) - 1)
                write_formula(sheet, row, len(columns), f"={first}-{second}", sheets.money(record["currency"], bold=True), record["difference_amount"])
        if not part:
            write_text(sheet, HEAD_ROWS, 0, "None.", sheets.format(italic=True, font_color=QUIET))
        finish_sheet(sheet, len(part), len(headings), 1)


def _write_value(sheet: Worksheet, sheets: Sheets, row: int, column: int, value: Any, currency: str | None) -> None:
    # Set in, so that a text does not touch the number before it.
    plain = sheets.format(indent=1)
    if value is None:
        return
    if isinstance(value, bool):
        write_text(sheet, row, column, "yes" if value else "no", plain)
    elif isinstance(value, Decimal):
        write_amount(sheet, row, column, value, sheets.money(currency or ""))
    elif isinstance(value, int):
        sheet.write_number(row, column, value, sheets.format())
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value, sheets.format(num_format="yyyy-mm-dd hh:mm:ss", align="left"))
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, sheets.format(num_format="yyyy-mm-dd", align="left"))
    else:
        write_text(sheet, row, column, str(value), plain)


def _write_rollforward(sheet: Worksheet, sheets: Sheets, label: str, paper: Workpaper) -> None:
    """Write opening, movements and closing of the months, each in its currency and in base; closing is a formula, and what it should be stands beside it."""
    sheets.title(sheet, "Roll-forward of the month", f"{label} · opening + movements = closing, in document currency and in base; all accounts")
    for column, width in enumerate((12, 11, 9, 10)):
        sheet.set_column(column, column, width)
    first = 4
    closing = first + 1 + len(MOVEMENTS)
    sheet.set_column(first, closing + 2, 15)
    headings = [("Month end", False), ("Company", False), ("Of currency", False), ("Shown in", False), ("Opening", True)]
    headings += [(name.replace("_", " ").capitalize(), True) for name in MOVEMENTS]
    sheets.headings(sheet, 3, [*headings, ("Closing", True), ("Sum of the events", True), ("Difference", True)])
    row = HEAD_ROWS
    for record in paper.rollforward:
        for suffix, currency in (("", record["currency"]), ("_base", record["base_currency"])):
            plain, cash = sheets.format(), sheets.money(currency)
            sheet.write_datetime(row, 0, record["month_end"], sheets.format(num_format="yyyy-mm-dd", align="left"))
            for column, value in enumerate((record["company_id"], record["currency"], currency if not suffix else f"{currency} (base)"), start=1):
                write_text(sheet, row, column, value, plain)
            for column, name in enumerate(("opening", *MOVEMENTS), start=first):
                write_amount(sheet, row, column, record[f"{name}_amount{suffix}"], cash)
            events, total = record[f"events_amount{suffix}"] or Decimal(0), record[f"closing_amount{suffix}"]
            cells = f"{xl_rowcol_to_cell(row, first)}:{xl_rowcol_to_cell(row, closing - 1)}"
            write_formula(sheet, row, closing, f"=ROUND(SUM({cells}),3)", sheets.money(currency, bold=True), total)
            write_amount(sheet, row, closing + 1, events, cash)
            write_formula(sheet, row, closing + 2, f"={xl_rowcol_to_cell(row, closing)}-{xl_rowcol_to_cell(row, closing + 1)}", cash, total - events)
            row += 1
    finish_sheet(sheet, row - HEAD_ROWS, closing + 3, 4)


def _write_provenance(sheet: Worksheet, sheets: Sheets, label: str, paper: Workpaper) -> None:
    sheets.title(sheet, "About this workpaper", label)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 120)
    pointer, build = paper.version.pointer, paper.build
    origin = [
        ("Version", paper.version.name),
        ("Published file", f"{pointer['file']}, SHA-256 {pointer['sha256']}"),
        ("Published at", str(pointer["published_at"])),
        ("Books as of", f"{pointer['as_of']}, known at {pointer['known_at']}"),
        ("Drops", f"{build['drops']}, set {build['drops_hash']}"),
        ("Policy", str(build["policy_hash"])),
        ("Models", f"{build['models_hash']}, on {build['engine']}"),
        ("Amounts", "positive = the customer owes; base amounts at book rate; difference = general ledger less subledger"),
        ("Subledger", "the open items at the period end, as known by the version: sum of the sheet Open items, which is the sum of marts.fct_ar_events"),
    ]
    row = 3
    for title, lines in (("Origin", origin), ("Cause", [(CAUSE_LABELS[cause], MEANINGS[cause]) for cause in CAUSES])):
        sheets.headings(sheet, row, [(title, False), ("Meaning" if title == "Cause" else "", False)])
        row += 1
        row = _write_pairs(sheet, sheets, row, lines) + 1
    sheet.freeze_panes(3, 1)


def _write_pairs(sheet: Worksheet, sheets: Sheets, row: int, pairs: Iterable[tuple[str, str]]) -> int:
    for place, pair in enumerate(pairs, start=row):
        for column, value in enumerate(pair):
            write_text(sheet, place, column, value, sheets.format(text_wrap=True, valign="top", bold=column == 0, bottom=1, bottom_color=RULE))
        row = place + 1
    return row
