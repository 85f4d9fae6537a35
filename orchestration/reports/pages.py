"""The report as PDF: every text and number is prepared here as plain strings and set by `pages.typ`, which never reads data as markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from orchestration.policy_tables import UNAPPLIED
from orchestration.reports import money
from orchestration.reports.context import WEEK
from orchestration.reports.figures import ZERO, Balance, Bucket, Company, Customer, Report, add, refuse_difference
from orchestration.reports.typeset import typeset

SCALE = 10_000  # lengths in charts, in parts of the whole: no float ever stands for money
SHORT, LONG = 34, 90
UNBROKEN = 40
# Nobody turns more than some twenty pages of customers: beyond this many the table ends in one row for all others, which the workbook lists.
MOST_CUSTOMERS = 1_000
# A tagged file can be read aloud, and is ten times the size.
MOST_TAGGED = 1_000
NICE_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
TICKS = 4
DEBTORS_BESIDE_OTHERS = 4
# The roll-forward in few columns, for companies one below the other; what is not named here is in the last.
SHORT_MOVEMENTS = {
    "Billed, finance charges": ("Billed", "Finance charges"),
    "Credit memos": ("Credit memos",),
    "Cash collected": ("Cash collected",),
    "Discounts, written off": ("Discounts", "Written off"),
}
OTHER_MOVEMENTS = "Other movements"


def write(path: Path, report: Report) -> None:
    """Write the PDF, and refuse it when a total that it shows is not the frozen one."""
    created = datetime.fromisoformat(report.snapshot.taken_at)
    printed = typeset(path, content(report), created, is_tagged=len(report.accounts) <= MOST_TAGGED)
    shown = {(company, currency): (amount,) for company, currency, amount in printed}
    frozen = {(t.company_id, t.currency): (money.exact(Decimal(t.open_amount), t.currency),) for t in report.snapshot.totals}
    refuse_difference(report.snapshot, frozen, shown, "the totals of the PDF")


def content(report: Report) -> dict[str, Any]:
    """Return all that the pages show."""
    snapshot = report.snapshot
    return {
        "as_of": _day(snapshot.snapshot_date),
        "frozen": snapshot.taken_at.replace("T", " ").removesuffix("Z") + " UTC",
        "version": snapshot.version,
        "sequence": str(snapshot.sequence),
        "record": snapshot.record_sha256[:16],
        "books": f"books as of {snapshot.as_of}, known at {snapshot.known_at}",
        "buckets": [{"id": bucket.bucket_id, "label": bucket.label, "tone": tone} for bucket, tone in zip(report.buckets, _tones(report.buckets), strict=True)],
        "group": _group(report),
        "companies": [_company(company, report) for company in report.companies],
        "definitions": [
            {"label": said["label"], "text": said["definition"]}
            for said in report.definitions
            if said["metric_id"] in ("net_receivable", "gross_receivable", "past_due_amount", "past_due_ratio", "over_90_amount", "unapplied_amount")
        ],
    }


def _tones(buckets: Sequence[Bucket]) -> list[int]:
    """Return how dark each bucket is drawn: -1 for open credits, 0 up to the due date, then from 1 to SCALE the older, the darker."""
    late = [bucket for bucket in buckets if bucket.days_from is not None and bucket.days_from > 0]
    return [-1 if bucket.bucket_id == UNAPPLIED else max(1, SCALE * late.index(bucket) // max(1, len(late) - 1)) if bucket in late else 0 for bucket in buckets]


def _company(company: Company, report: Report) -> dict[str, Any]:
    largest = max((abs(amount) for standing in (company.now, company.week_ago) if standing for amount in standing.buckets.values()), default=ZERO)
    gross = company.now.balance.gross
    return {
        "id": company.company_id,
        "name": _cut(company.name, 60),
        "currency": company.currency,
        "is_empty": not company.lines,
        "tiles": _tiles(company),
        "aging": [_bar(company, bucket, largest, gross) for bucket in report.buckets],
        "gross": money.whole(gross),
        "parts": [
            {"id": bucket.bucket_id, "part": _part(max(company.now.buckets.get(bucket.bucket_id, ZERO), ZERO), gross), "share": _share(company, bucket, gross)}
            for bucket in report.buckets
        ],
        "trend": _trend(company, report.buckets),
        "debtors": [_debtor(company, place) for place in range(len(company.debtors))],
        "debtors_left": _debtors_left(company),
        "moved": _moved(company),
        "moved_short": _moved_short(company),
        "intercompany": money.exact(company.now.intercompany, company.currency) if company.now.intercompany else "",
        "customers": _customers(company, report),
        "lines": [
            {
                "company": line.company_id,
                "currency": line.currency,
                "cells": [money.exact(line.buckets.get(bucket.bucket_id, ZERO), line.currency) for bucket in report.buckets],
                "total": money.exact(line.open_amount, line.currency),
                "base": money.exact(line.open_base, company.currency),
                "items": f"{line.item_count:,}",
            }
            for line in company.lines
        ],
        "lines_base": money.exact(sum((line.open_base for line in company.lines), ZERO), company.currency),
    }


def _tiles(company: Company) -> list[dict[str, Any]]:
    """Return the headline figures: label, value, changes on last week and last year, and the sign that is bad news."""
    now = company.now.balance
    then = [standing.balance if standing else None for standing in (company.week_ago, company.year_ago)]

    def amount(label: str, of: Callable[[Balance], Decimal], bad: str) -> dict[str, Any]:
        return _tile(label, money.whole(of(now)), [None if b is None else money.change(of(now) - of(b)) for b in then], bad)

    ratio = now.past_due_ratio
    share, *shares_then = company.top_shares
    return [
        amount("Net receivable", lambda b: b.net, ""),
        amount("Past due", lambda b: b.past_due, "+"),
        _tile("Past due ratio", money.percent(ratio), [None if b is None else money.points(_minus(ratio, b.past_due_ratio)) for b in then], "+"),
        amount("Over 90 days", lambda b: b.over_90, "+"),
        amount("Unapplied credits", lambda b: b.unapplied, "+"),
        _tile("Top 10 share of past due", money.percent(share), [money.points(_minus(share, before)) for before in shares_then], ""),
    ]


def _tile(label: str, value: str, changes: Sequence[str | None], bad: str) -> dict[str, Any]:
    first, second = changes
    return {"label": label, "value": value, "week": first or "", "year": second or "", "bad": bad}


def _minus(now: Decimal | None, then: Decimal | None) -> Decimal | None:
    return None if now is None or then is None else now - then


def _bar(company: Company, bucket: Bucket, largest: Decimal, gross: Decimal) -> dict[str, Any]:
    now = company.now.buckets.get(bucket.bucket_id, ZERO)
    week_ago = company.week_ago.buckets.get(bucket.bucket_id, ZERO) if company.week_ago else None
    year_ago = company.year_ago.buckets.get(bucket.bucket_id, ZERO) if company.year_ago else None
    return {
        "id": bucket.bucket_id,
        "label": bucket.label,
        "part": _part(abs(now), largest),
        "was": -1 if week_ago is None else _part(abs(week_ago), largest),
        "amount": money.whole(now),
        "share": _share(company, bucket, gross),
        "week": "" if week_ago is None else money.change(now - week_ago),
        "year": "" if year_ago is None else money.change(now - year_ago),
    }


def _share(company: Company, bucket: Bucket, gross: Decimal) -> str:
    return money.percent(company.now.buckets.get(bucket.bucket_id, ZERO) / gross) if gross > 0 else ""


def _part(amount: Decimal, whole: Decimal) -> int:
    return int((amount * SCALE / whole).to_integral_value(ROUND_HALF_UP)) if whole > 0 else 0


def _trend(company: Company, buckets: Sequence[Bucket]) -> dict[str, Any]:
    """Return the stacked bars of the year's weeks: heights above zero and below, and the lines of the grid."""
    highest = max((sum((a for a in week.values() if a > 0), ZERO) for _, week in company.trend), default=ZERO)
    lowest = max((sum((-a for a in week.values() if a < 0), ZERO) for _, week in company.trend), default=ZERO)
    step = _step(highest + lowest)
    top, bottom = (step * (part / step).to_integral_value(ROUND_CEILING) if step else ZERO for part in (highest, lowest))
    span = top + bottom
    weeks = []
    for week_end, amounts in company.trend:
        up = [{"id": b.bucket_id, "part": _part(amounts[b.bucket_id], span)} for b in buckets if amounts.get(b.bucket_id, ZERO) > 0]
        down = [{"id": b.bucket_id, "part": _part(-amounts[b.bucket_id], span)} for b in buckets if amounts.get(b.bucket_id, ZERO) < 0]
        weeks.append({"up": up, "down": down, "month": f"{week_end:%b}" if week_end.day <= 7 else "", "year": f"{week_end:%Y}" if week_end.day <= 7 else ""})
    ticks = []
    tick = -bottom
    while step and tick <= top:
        ticks.append({"at": _part(tick + bottom, span), "label": _compact(tick), "is_zero": tick == 0})
        tick += step
    return {"weeks": weeks, "ticks": ticks, "zero": _part(bottom, span)}


def _step(span: Decimal) -> Decimal:
    """Return a round distance of grid lines that divides the span into about TICKS parts."""
    if span <= 0:
        return ZERO
    rough = span / TICKS
    power = Decimal(1).scaleb(rough.adjusted())
    return next(power * nice for nice in NICE_STEPS if power * nice >= rough)


def _compact(amount: Decimal) -> str:
    for unit, size in (("bn", Decimal(10) ** 9), ("m", Decimal(10) ** 6), ("k", Decimal(10) ** 3)):
        if abs(amount) >= size:
            return f"{format((amount / size).normalize(), 'f').replace('-', money.MINUS)} {unit}"
    return format(amount.normalize(), "f").replace("-", money.MINUS)


def _debtor(company: Company, place: int) -> dict[str, Any]:
    debtor = company.debtors[place]
    return {
        "name": _cut(debtor.customer.name, SHORT),
        "past_due": money.exact(debtor.past_due, company.currency),
        "change": money.change(debtor.change) if company.week_ago else "",
        "over_90": money.exact(debtor.over_90, company.currency),
        "oldest": f"{debtor.oldest_days:,}",
        "share": money.percent(debtor.past_due / company.now.balance.past_due),
    }


def _debtors_left(company: Company) -> dict[str, str]:
    """Return the line below the top debtors: how many more owe how much, so that the list ends in the headline's figure."""
    left = company.now.balance.past_due - sum((debtor.past_due for debtor in company.debtors), ZERO)
    others = company.debtor_count - len(company.debtors)
    return {
        "others": f"{others:,} others" if others else "",
        "amount": money.exact(left, company.currency),
        "total": money.exact(company.now.balance.past_due, company.currency),
    }


def _moved(company: Company) -> dict[str, Any]:
    largest = max((abs(amount) for _, amount in company.movements), default=ZERO)
    restated = ZERO if company.reported_last_week is None else company.opening - company.reported_last_week
    return {
        "opening": money.exact(company.opening, company.currency),
        "opening_day": _short_day(company.now.day - WEEK),
        "restated": money.exact(restated, company.currency) if restated else "",
        "reported": money.exact(company.reported_last_week, company.currency) if company.reported_last_week is not None else "",
        "rows": [
            {"label": label, "amount": money.exact(amount, company.currency), "part": _part(abs(amount), largest), "up": amount > 0}
            for label, amount in company.movements
        ],
        "closing": money.exact(company.closing, company.currency),
        "closing_day": _short_day(company.now.day),
    }


def _moved_short(company: Company) -> list[str]:
    """Return opening, the movements in few sums, and closing."""
    sums = {name: sum((amount for label, amount in company.movements if label in labels), ZERO) for name, labels in SHORT_MOVEMENTS.items()}
    sums[OTHER_MOVEMENTS] = company.closing - company.opening - sum(sums.values(), ZERO)
    return [money.exact(amount, company.currency) for amount in (company.opening, *sums.values(), company.closing)]


def _customers(company: Company, report: Report) -> dict[str, Any]:
    """Return the table by customer and bucket in base currency: what is past due first, intercompany last with a total of its own."""
    merged: dict[str, dict[str, Decimal]] = {}
    past_due: dict[str, Decimal] = {}
    named: dict[str, Customer] = {}
    for account in company.accounts:
        customer_id = account.customer.customer_id
        named[customer_id] = account.customer
        merged[customer_id] = add([merged.get(customer_id, {}), account.buckets_base])
        past_due[customer_id] = past_due.get(customer_id, ZERO) + account.balance.past_due
    order = sorted(merged, key=lambda c: (named[c].is_intercompany, -past_due[c], -sum(merged[c].values(), ZERO), c))
    trade = [customer_id for customer_id in order if not named[customer_id].is_intercompany]
    shown = trade[: MOST_CUSTOMERS // len(report.companies)]
    others = trade[len(shown) :]

    def rows(customer_ids: Sequence[str]) -> list[dict[str, Any]]:
        return [{"name": _breakable(_cut(named[c].name, LONG)), "id": _breakable(_cut(c, LONG)), **_cells(merged[c], company, report)} for c in customer_ids]

    return {
        "rows": rows(shown),
        "others": {"name": f"{len(others):,} others, listed in the workbook", **_cells(add(merged[c] for c in others), company, report)} if others else None,
        "intercompany_rows": rows(order[len(trade) :]),
        "trade": _cells(add(merged[c] for c in trade), company, report),
        "all": _cells(add(merged.values()), company, report),
        "count": f"{len(order):,}",
    }


def _cells(amounts: dict[str, Decimal], company: Company, report: Report) -> dict[str, Any]:
    return {
        "cells": [money.exact(amounts.get(bucket.bucket_id, ZERO), company.currency) for bucket in report.buckets],
        "total": money.exact(sum(amounts.values(), ZERO), company.currency),
    }


def _group(report: Report) -> dict[str, Any] | None:
    """Return the group's page, where there is more than one company."""
    if len(report.companies) < 2:
        return None
    published = report.group
    tiles = []
    labels = (
        *(("net_receivable", "Net receivable", ""), ("past_due_amount", "Past due", "+"), ("past_due_ratio", "Past due ratio", "+")),
        *(("over_90_amount", "Over 90 days", "+"), ("unapplied_amount", "Unapplied credits", "+")),
    )
    for metric_id, label, bad in labels if published else ():
        said = published[metric_id]
        now, month, year = (None if said[name] is None else Decimal(said[name]) for name in ("value", "prior_month_value", "prior_year_value"))
        is_ratio = metric_id == "past_due_ratio"
        changes = [money.points(_minus(now, then)) if is_ratio else None if now is None or then is None else money.change(now - then) for then in (month, year)]
        value = "n/a" if now is None else money.percent(now) if is_ratio else money.whole(now)
        tiles.append(_tile(label, value, changes, bad))
    return {
        "currency": published["net_receivable"]["currency"] if published else "",
        "tiles": tiles,
        "top": DEBTORS_BESIDE_OTHERS,
        "movements": [*SHORT_MOVEMENTS, OTHER_MOVEMENTS],
    }


def _day(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"


def _short_day(day: date) -> str:
    return f"{day.day} {day:%B}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _breakable(text: str) -> str:
    """Return the text with places to break in words that no column can hold."""
    return re.sub(rf"(\S{{{UNBROKEN}}})(?=\S)", "\\1\N{ZERO WIDTH SPACE}", text)
