"""The report as a workbook: typed cells, totals as formulas that also hold their values, and text that is never a formula or a link."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name, xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from orchestration.policy_tables import UNAPPLIED
from orchestration.reports.figures import ZERO, Bucket, Company, Report, Standing
from orchestration.reports.items import Items
from orchestration.reports.sheets import (
    ACCENT,
    HEAD_ROWS,
    QUIET,
    RULE,
    SHEET_ROWS,
    Formula,
    LongSheet,
    Sheets,
    finish_sheet,
    new_workbook,
    sheet_names,
    write_amount,
    write_formula,
    write_text,
)
from orchestration.snapshots import Snapshot

ITEM_COLUMNS = (
    ("Company", "company_id", 11),
    ("Customer id", "customer_id", 14),
    ("Customer", "customer_name", 34),
    ("Document", "document_id", 18),
    ("Number", "document_number", 16),
    ("Installment", "installment_sequence", 11),
    ("Type", "item_type", 16),
    ("Document date", "document_date", 12),
    ("Posting date", "posting_date", 12),
    ("Due date", "due_date", 12),
    ("Days past due", "days_past_due", 9),
    ("Bucket", "bucket_label", 14),
    ("Currency", "currency", 9),
    ("Original", "original_amount", 16),
    ("Open", "open_amount", 16),
    ("Base currency", "base_currency", 9),
    ("Open in base", "open_amount_base", 16),
    ("Disputed", "disputed_amount", 16),
    ("Promised on", "promised_on", 12),
    ("Collector", "collector", 20),
    ("Account", "receivable_account", 12),
    ("Reference", "reference", 20),
    ("Item", "item_id", 26),
)
CURRENCY_OF = {"original_amount": "currency", "open_amount": "currency", "open_amount_base": "base_currency", "disputed_amount": "currency"}


def write(path: Path, report: Report, items: Items, sheet_rows: int = SHEET_ROWS) -> None:
    """Write the workbook of one frozen week."""
    frozen = report.snapshot
    footer = f"Snapshot {frozen.sequence}, {frozen.record_sha256[:12]}"
    with new_workbook(path, f"Receivables aging {frozen.snapshot_date}", datetime.fromisoformat(frozen.taken_at)) as book:
        sheets = Sheets(book, "Receivables aging", f"as of {frozen.snapshot_date}", footer)
        summary = sheets.add("Summary")
        by_customer = [sheets.add_long(name) for name in sheet_names("By customer", len(report.accounts), sheet_rows)]
        _write_summary(summary, sheets, report, [sheet.get_name() for sheet in by_customer])
        _write_customers(by_customer, sheets, report, sheet_rows)
        _write_items([sheets.add_long(name) for name in sheet_names("Open items", report.snapshot.row_count, sheet_rows)], sheets, report, items, sheet_rows)
        _write_definitions(sheets.add("Definitions"), sheets, report)


def _label(report: Report) -> str:
    day = report.snapshot.snapshot_date
    return f"As of {day:%A}, {day.day} {day:%B %Y} · frozen {report.snapshot.taken_at[:10]} from version {report.snapshot.version}"


def _write_summary(sheet: Worksheet, sheets: Sheets, report: Report, customer_sheets: Sequence[str]) -> None:
    buckets = report.buckets
    sheets.title(sheet, "Receivables aging", _label(report))
    sheet.set_column(0, 0, 6)
    sheet.set_column(1, 1, 11)
    sheet.set_column(2, 2, 32)
    sheet.set_column(3, 3, 9)
    first, last = 4, 3 + len(buckets)
    sheet.set_column(first, last + 4, 16)
    headings = [("Line", True), ("Company", False), ("Name", False), ("Currency", False), *((bucket.label, True) for bucket in buckets)]
    sheets.headings(sheet, 3, [*headings, ("Total", True), ("of which past due", True), ("Base currency", False), ("Total in base", True)])
    row = HEAD_ROWS
    places: dict[str, tuple[int, int]] = {}
    for line in report.lines:
        start, _ = places.get(line.company_id, (row, row))
        places[line.company_id] = (start, row)
        style = sheets.format(bottom=1, bottom_color=RULE)
        cash = sheets.money(line.currency, bottom=1, bottom_color=RULE)
        sheet.write_number(row, 0, line.number, sheets.format(bottom=1, bottom_color=RULE, font_color=QUIET))
        for column, value in enumerate((line.company_id, line.company_name, line.currency), start=1):
            write_text(sheet, row, column, value, style)
        for column, bucket in enumerate(buckets, start=first):
            write_formula(sheet, row, column, _sum_of_line(customer_sheets, column + 2, row), cash, line.buckets.get(bucket.bucket_id, ZERO))
        total = sheets.money(line.currency, bottom=1, bottom_color=RULE, bold=True)
        write_formula(sheet, row, last + 1, f"=SUM({xl_range(row, first, row, last)})", total, line.open_amount)
        write_formula(sheet, row, last + 2, _sum_of_line(customer_sheets, last + 4, row), cash, line.past_due)
        write_text(sheet, row, last + 3, line.base_currency, style)
        write_formula(
            sheet, row, last + 4, _sum_of_line(customer_sheets, last + 7, row), sheets.money(line.base_currency, bottom=1, bottom_color=RULE), line.open_base
        )
        row += 1
    if not report.lines:
        write_text(sheet, row, 1, "No open items.", sheets.format(italic=True, font_color=QUIET))
        row += 1
    sheet.freeze_panes(HEAD_ROWS, 4)
    sheet.repeat_rows(3)
    _write_headlines(sheet, sheets, report, row + 1, {company_id: xl_range(a, last + 4, b, last + 4) for company_id, (a, b) in places.items()})


def _sum_of_line(sheets: Sequence[str], column: int, row: int) -> str:
    """Return the formula that adds up a column of the customers' sheets over one line of the summary; sorting them changes nothing."""
    name = xl_col_to_name(column)
    return "=" + "+".join(f"SUMIFS('{sheet}'!${name}:${name},'{sheet}'!$A:$A,$A{row + 1})" for sheet in sheets)


def _write_headlines(sheet: Worksheet, sheets: Sheets, report: Report, row: int, totals: Mapping[str, str]) -> None:
    """Write the headline figures of each company beside last week's and last year's."""
    write_text(
        sheet,
        row,
        0,
        "Headline figures, in base currency at book rate, without intercompany customers",
        sheets.format(bold=True, font_size=12, font_color=ACCENT),
    )
    row += 1
    names = ["", "Company", "Name", "Currency", "Figure", "", "This week", "Last week", "Change", "A year ago", "Change"]
    sheets.headings(sheet, row, [(name, column >= 6) for column, name in enumerate(names)])
    row += 1
    for company in report.companies:
        for place, (name, (now, week_ago, year_ago)) in enumerate(_headlines(company)):
            is_ratio = name == "Past due ratio"
            edge = {"top": 1, "top_color": RULE} if place == 0 else {}
            style = sheets.format(**edge)
            cash = sheets.format(num_format="0.0%", align="right", **edge) if is_ratio else sheets.money(company.currency, **edge)
            write_text(sheet, row, 0, "", style)
            for column, value in enumerate((company.company_id, company.name, company.currency, name, ""), start=1):
                write_text(sheet, row, column, value, style)
            if name == "All open items":
                write_formula(sheet, row, 6, f"=SUM({totals[company.company_id]})" if company.company_id in totals else "=0", cash, now)
            elif name == "Past due ratio":
                write_formula(sheet, row, 6, f'=IF(G{row - 1}>0,G{row}/G{row - 1},"n/a")', cash, _rounded(now))
            else:
                write_amount(sheet, row, 6, now or ZERO, cash)
            for column, then in ((7, week_ago), (9, year_ago)):
                if then is None:
                    write_text(sheet, row, column, "", style)
                    write_text(sheet, row, column + 1, "", style)
                    continue
                write_amount(sheet, row, column, _rounded(then) or ZERO, cash)
                here, before = xl_rowcol_to_cell(row, 6), xl_rowcol_to_cell(row, column)
                difference = None if now is None else (_rounded(now) or ZERO) - (_rounded(then) or ZERO)
                write_formula(sheet, row, column + 1, f'=IF(ISNUMBER({here}),{here}-{before},"")', cash, difference)
            row += 1


def _rounded(value: Decimal | None) -> Decimal | None:
    """Return a ratio with as many places as marts have; amounts have fewer."""
    return None if value is None else round(value, 6)


def _headlines(company: Company) -> list[tuple[str, list[Decimal | None]]]:
    """Return this week's, last week's and last year's value of each headline figure; the ratio follows its two parts."""
    figures: list[tuple[str, Callable[[Standing], Decimal | None]]] = [
        ("All open items", lambda standing: standing.balance.net + standing.intercompany),
        ("Net receivable", lambda standing: standing.balance.net),
        ("Unapplied credits", lambda standing: standing.balance.unapplied),
        ("Over 90 days", lambda standing: standing.balance.over_90),
        ("Gross receivable", lambda standing: standing.balance.gross),
        ("Past due", lambda standing: standing.balance.past_due),
        ("Past due ratio", lambda standing: standing.balance.past_due_ratio),
    ]
    standings = (company.now, company.week_ago, company.year_ago)
    return [(name, [None if standing is None else figure(standing) for standing in standings]) for name, figure in figures]


def _write_customers(sheets_: Sequence[LongSheet], sheets: Sheets, report: Report, sheet_rows: int) -> None:
    buckets = report.buckets
    headings = [
        *(("Line", True), ("Company", False), ("Customer id", False), ("Customer", False), ("Intercompany", False), ("Currency", False)),
        *((bucket.label, True) for bucket in buckets),
        *(("Total", True), ("of which past due", True), ("Oldest, days past due", True), ("Base currency", False), ("Total in base", True)),
    ]
    first, last = 6, 5 + len(buckets)
    per_sheet = sheet_rows - HEAD_ROWS
    for number, sheet in enumerate(sheets_):
        part = report.accounts[number * per_sheet : (number + 1) * per_sheet]
        sheets.title(sheet, "By customer and bucket", f"{_label(report)} · each row adds to the line of the summary that it names")
        for column, width in enumerate((6, 11, 14, 34, 12, 9)):
            sheet.set_column(column, column, width)
        sheet.set_column(first, last + 5, 16)
        sheets.headings(sheet, 3, headings)
        text, quiet = sheets.format(), sheets.format(font_color=QUIET)
        # In the order in which they are needed, which numbers the formats.
        pairs = dict.fromkeys((account.currency, account.base_currency) for account in part)
        styles = {pair: (sheets.money(pair[0]), sheets.money(pair[0], bold=True), sheets.money(pair[1])) for pair in pairs}
        for row, account in enumerate(part, start=HEAD_ROWS):
            cash, total, cash_base = styles[account.currency, account.base_currency]
            customer = account.customer
            said = (account.company_id, customer.customer_id, customer.name, "intercompany" if customer.is_intercompany else "", account.currency)
            sheet.write_cells(
                row,
                [
                    (account.line, quiet),
                    *((value, text) for value in said),
                    *((account.buckets.get(bucket.bucket_id, ZERO), cash) for bucket in buckets),
                    (Formula(f"SUM({xl_range(row, first, row, last)})", account.open_amount), total),
                    (account.past_due, cash),
                    (account.oldest_days, text),
                    (account.base_currency, text),
                    (account.open_base, cash_base),
                ],
            )
        finish_sheet(sheet, len(part), len(headings), 4)


def _write_items(sheets_: Sequence[LongSheet], sheets: Sheets, report: Report, items: Items, sheet_rows: int) -> None:
    numbers = {"days_past_due", "installment_sequence", *CURRENCY_OF}
    quiet, plain, dates = sheets.format(font_color=QUIET), sheets.format(), sheets.format(num_format="yyyy-mm-dd", align="left")
    cash = {currency: sheets.money(currency) for currency in sorted({code for line in report.lines for code in (line.currency, line.base_currency)})}

    def style(name: str, values: Mapping[str, Any]) -> Format:
        return cash[values[CURRENCY_OF[name]]] if name in CURRENCY_OF else dates if isinstance(values[name], date) else plain

    def style_number(name: str) -> str:
        if name in CURRENCY_OF and cash:
            cases = " ".join(f"when '{currency}' then '{of._get_xf_index()}'" for currency, of in cash.items())
            return f"case {CURRENCY_OF[name]} {cases} end"
        return f"'{(quiet if name == 'line' else dates if items.columns.get(name) == 'DATE' else plain)._get_xf_index()}'"

    names = [name for _, name, _ in ITEM_COLUMNS]
    per_sheet = sheet_rows - HEAD_ROWS
    rows = items.cells(names, style_number, HEAD_ROWS + 1, per_sheet)
    for sheet in sheets_:
        sheets.title(sheet, "Open items", f"{_label(report)} · {report.snapshot.row_count:,} items")
        sheet.set_column(0, 0, 6)
        for column, (_, _, width) in enumerate(ITEM_COLUMNS, start=1):
            sheet.set_column(column, column, width)
        sheets.headings(sheet, 3, [("Line", True), *((heading, name in numbers) for heading, name, _ in ITEM_COLUMNS)])
        row = HEAD_ROWS
        for xml, values in rows:
            if xml:
                sheet.write_whole_row(row, len(names), xml)
            else:
                sheet.write_cells(row, [(values["line"], quiet), *((values[name], style(name, values)) for name in names)])
            row += 1
            if row == HEAD_ROWS + per_sheet:
                break
        finish_sheet(sheet, row - HEAD_ROWS, len(ITEM_COLUMNS) + 1, 4)


def _write_definitions(sheet: Worksheet, sheets: Sheets, report: Report) -> None:
    sheets.title(sheet, "Definitions", _label(report))
    for column, width in enumerate((26, 12, 90, 60)):
        sheet.set_column(column, column, width)
    row = 3
    for title, lines in (
        ("Figure", [(d["label"], d["unit"], d["definition"], d["not_comparable_with"]) for d in report.definitions]),
        ("Bucket", [(b.label, "days past due", _days(b), "") for b in report.buckets]),
        ("This report", [(name, "", said, "") for name, said in provenance(report.snapshot)]),
    ):
        sheets.headings(sheet, row, [(title, False), ("Unit", False), ("Meaning", False), ("Not comparable", False)])
        row += 1
        for line in lines:
            for column, value in enumerate(line):
                write_text(sheet, row, column, value, sheets.format(text_wrap=True, valign="top", bold=column == 0, bottom=1, bottom_color=RULE))
            row += 1
        row += 1
    sheet.freeze_panes(3, 1)


def _days(bucket: Bucket) -> str:
    first, last = bucket.days_from, bucket.days_to
    if bucket.bucket_id == UNAPPLIED:
        return "open credits: receipts not yet applied, open credit memos, negative adjustments"
    if first is None and last is None:
        return "any number of days past due"
    if first is None:
        return f"up to {last} days past due; 0 = due on the day itself, less than 0 = not yet due"
    return f"{first} days past due and more" if last is None else f"{first} to {last} days past due"


def provenance(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return where the figures come from, so that they can be made again to the cent."""
    return [
        ("As of", f"{snapshot.snapshot_date}, the close of the week: everything posted on or before it, as known when it was frozen"),
        (
            "Frozen",
            f"{snapshot.taken_at} as snapshot {snapshot.sequence}, from version {snapshot.version} (books as of {snapshot.as_of}, "
            f"known at {snapshot.known_at})",
        ),
        ("Drops", f"{len(snapshot.drops)}, set {snapshot.drops_hash}"),
        ("Policy", snapshot.policy_hash),
        ("Models", snapshot.models_hash),
        ("Open items", f"{snapshot.row_count:,}, content {snapshot.content_sha256}"),
        ("Record", snapshot.record_sha256),
        ("Amounts", "positive = the customer owes; base amounts at book rate, the rate of each posting"),
        (
            "Comparisons",
            "last week and a year ago (52 weeks) are shown as known when the week was frozen, so a later report may differ where a posting was backdated",
        ),
    ]
