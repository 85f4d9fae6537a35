"""The figures of one frozen week, as plain values: what every report file shows, computed once and checked against the record."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from orchestration import snapshots
from orchestration.errors import ArwError
from orchestration.reports.context import IS_DEBIT, WEEK
from orchestration.settings import Home
from orchestration.snapshots import Snapshot

ZERO = Decimal()
TOP_DEBTORS = 10
BATCH = 10_000

MOVEMENTS = {
    "billed": "Billed",
    "finance_charge": "Finance charges",
    "credited": "Credit memos",
    "collected": "Cash collected",
    "discount": "Discounts",
    "written_off": "Written off",
    "refunded": "Refunds",
    "transferred": "Transfers",
    "revalued": "Exchange differences",
    "other": "Other",
    # Within one company and currency an application nets to zero; what it leaves in base is booked as an exchange difference.
    "application": "Applications",
}


class DoesNotAddUp(ArwError):
    """A report would not add up to what was frozen and published."""


@dataclass(frozen=True)
class Bucket:
    """An age band of the policy that the week was frozen under."""

    bucket_id: str
    label: str
    days_from: int | None
    days_to: int | None


@dataclass(frozen=True)
class Customer:
    """A customer as named when the week was frozen."""

    customer_id: str
    name: str
    is_intercompany: bool


@dataclass(frozen=True)
class Balance:
    """Headline figures in one currency, without intercompany customers."""

    net: Decimal = ZERO
    gross: Decimal = ZERO
    past_due: Decimal = ZERO
    over_90: Decimal = ZERO

    @property
    def unapplied(self) -> Decimal:
        """Open credits, as a positive amount."""
        return self.gross - self.net

    @property
    def past_due_ratio(self) -> Decimal | None:
        """The part of the gross receivable that is past due; None when there is none."""
        return self.past_due / self.gross if self.gross > 0 else None

    def __add__(self, other: Balance) -> Balance:
        return Balance(self.net + other.net, self.gross + other.gross, self.past_due + other.past_due, self.over_90 + other.over_90)


@dataclass(frozen=True)
class Standing:
    """One company on one day: its headline figures, and its buckets, all without intercompany and in base currency."""

    day: date
    balance: Balance
    buckets: Mapping[str, Decimal]
    intercompany: Decimal


@dataclass(frozen=True)
class Account:
    """What one customer owes one company in one currency; ``line`` is the summary's line that it adds to."""

    line: int
    company_id: str
    customer: Customer
    currency: str
    base_currency: str
    item_count: int
    buckets: Mapping[str, Decimal]
    open_amount: Decimal
    past_due: Decimal
    oldest_days: int | None
    buckets_base: Mapping[str, Decimal]
    open_base: Decimal
    balance: Balance


@dataclass(frozen=True)
class Line:
    """What one company is owed in one currency."""

    number: int
    company_id: str
    company_name: str
    currency: str
    base_currency: str
    item_count: int
    buckets: Mapping[str, Decimal]
    open_amount: Decimal
    past_due: Decimal
    open_base: Decimal


@dataclass(frozen=True)
class Debtor:
    """What a customer owes a company past due, in base, over all document currencies."""

    customer: Customer
    past_due: Decimal
    over_90: Decimal
    oldest_days: int
    change: Decimal


@dataclass(frozen=True)
class Company:
    """One company's week, in its base currency."""

    company_id: str
    name: str
    currency: str
    now: Standing
    week_ago: Standing | None
    year_ago: Standing | None
    debtors: Sequence[Debtor]
    debtor_count: int
    top_shares: tuple[Decimal | None, Decimal | None, Decimal | None]
    accounts: Sequence[Account]
    lines: Sequence[Line]
    opening: Decimal
    movements: Sequence[tuple[str, Decimal]]
    closing: Decimal
    reported_last_week: Decimal | None
    trend: Sequence[tuple[date, Mapping[str, Decimal]]]


@dataclass(frozen=True)
class Report:
    """Everything that the files of one week show."""

    snapshot: Snapshot
    buckets: Sequence[Bucket]
    companies: Sequence[Company]
    group: Mapping[str, Mapping[str, Any]]
    definitions: Sequence[Mapping[str, str | None]]
    collectors: Mapping[str, str]
    customers: Mapping[str, Customer] = field(default_factory=dict)

    @property
    def lines(self) -> list[Line]:
        """Return the summary's lines, company by company."""
        return [line for company in self.companies for line in company.lines]

    @property
    def accounts(self) -> list[Account]:
        """Return all accounts, company by company."""
        return [account for company in self.companies for account in company.accounts]


def read(home: Home, snapshot: Snapshot) -> Report:
    """Return the figures of a frozen week, from its own files and the records before it; refuse when they do not add up."""
    snapshots.require_unchanged(home, snapshot)
    context = json.loads(snapshots.context_file(home, snapshot).read_text(encoding="utf-8"))
    with duckdb.connect() as con:
        rows = con.execute(
            f"""
            select
                company_id, customer_id, currency, base_currency, bucket_id, count(*),
                sum(open_amount), sum(open_amount_base),
                coalesce(sum(open_amount_base) filter ({IS_DEBIT}), 0),
                coalesce(sum(open_amount) filter ({IS_DEBIT} and days_past_due > 0), 0),
                coalesce(sum(open_amount_base) filter ({IS_DEBIT} and days_past_due > 0), 0),
                coalesce(sum(open_amount_base) filter ({IS_DEBIT} and days_past_due > 90), 0),
                max(days_past_due) filter ({IS_DEBIT} and days_past_due > 0)
            from read_parquet($items) group by all order by 1, 3, 2, 5
            """,
            {"items": str(snapshots.items_file(home, snapshot))},
        ).fetchall()
    last_week = snapshot.snapshot_date - WEEK
    before = [one for one in snapshots.read(home) if one.sequence < snapshot.sequence and one.snapshot_date == last_week]
    report = assemble(snapshot, context, rows, before[0] if before else None)
    check(report)
    return report


def assemble(snapshot: Snapshot, context: Mapping[str, Any], rows: Sequence[tuple[Any, ...]], before: Snapshot | None) -> Report:
    """Return the report of the aggregated items ``rows`` and their context; ``before`` is the snapshot of the week before."""
    customers = {said["customer_id"]: Customer(said["customer_id"], said["name"], said["is_intercompany"]) for said in context["customers"]}
    names = {said["company_id"]: said["name"] for said in context["companies"]}
    accounts = _accounts(rows, customers)
    lines = _lines(accounts, names)
    bases = {said["company_id"]: said["base_currency"] for said in context["companies"]}
    companies = [
        _company(
            company_id, bases, names, context, [a for a in accounts if a.company_id == company_id], [ln for ln in lines if ln.company_id == company_id], before
        )
        for company_id in sorted(bases)
    ]
    return Report(
        snapshot=snapshot,
        buckets=[Bucket(said["bucket_id"], said["label"], said["days_from"], said["days_to"]) for said in context["buckets"]],
        companies=companies,
        group={said["metric_id"]: said for said in context["group"]},
        definitions=context["definitions"],
        collectors={said["collector_id"]: said["name"] for said in context["collectors"]},
        customers=customers,
    )


def check(report: Report) -> None:
    """Refuse a report whose accounts, lines or movements do not add up to the totals that were frozen, to 0.00."""
    frozen = {(t.company_id, t.currency): (t.item_count, Decimal(t.open_amount), Decimal(t.open_amount_base)) for t in report.snapshot.totals}
    shown = {(ln.company_id, ln.currency): (ln.item_count, sum(ln.buckets.values(), ZERO), ln.open_base) for ln in report.lines}
    refuse_difference(report.snapshot, frozen, shown, "the customers by bucket")
    for company in report.companies:
        moved = company.opening + sum((amount for _, amount in company.movements), ZERO)
        if moved != company.closing or company.closing != sum((ln.open_base for ln in company.lines), ZERO):
            raise DoesNotAddUp(
                f"Opening and movements of {company.company_id} are {moved} {company.currency} at {report.snapshot.snapshot_date}, and its open items "
                f"{company.closing}. No report was written; the frozen snapshot is unchanged. `arw snapshot verify` tells whether it was damaged."
            )


def refuse_difference(snapshot: Snapshot, frozen: Mapping[Any, Any], shown: Mapping[Any, Any], what: str) -> None:
    """Refuse when what a file shows per company and currency is not what was frozen."""
    for key in sorted(frozen.keys() | shown.keys()):
        if frozen.get(key) != shown.get(key):
            raise DoesNotAddUp(
                f"In the report of {snapshot.snapshot_date}, {what} of {' '.join(key)} add up to {_plain(shown.get(key))}, and {_plain(frozen.get(key))} "
                "was frozen and published. No report was written; the frozen snapshot is unchanged. `arw snapshot verify` tells whether it was damaged."
            )


def _plain(found: Any) -> str:
    return "nothing" if found is None else " / ".join(str(value) for value in found)


def _accounts(rows: Sequence[tuple[Any, ...]], customers: Mapping[str, Customer]) -> list[Account]:
    """Return one account per company, currency and customer, from rows that are one per bucket too."""
    grouped: dict[tuple[str, str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        grouped[row[0], row[2], row[1]].append(row)
    numbers = {key: number for number, key in enumerate(sorted({(company, currency) for company, currency, _ in grouped}), start=1)}
    accounts = []
    for (company_id, currency, customer_id), parts in grouped.items():
        base = sum((part[7] for part in parts), ZERO)
        oldest = [part[12] for part in parts if part[12] is not None]
        accounts.append(
            Account(
                line=numbers[company_id, currency],
                company_id=company_id,
                customer=customers.get(customer_id) or Customer(customer_id, customer_id, False),
                currency=currency,
                base_currency=parts[0][3],
                item_count=sum(part[5] for part in parts),
                buckets={part[4]: part[6] for part in parts},
                open_amount=sum((part[6] for part in parts), ZERO),
                past_due=sum((part[9] for part in parts), ZERO),
                oldest_days=max(oldest) if oldest else None,
                buckets_base={part[4]: part[7] for part in parts},
                open_base=base,
                balance=Balance(base, *(sum((part[at] for part in parts), ZERO) for at in (8, 10, 11))),
            )
        )
    return sorted(accounts, key=lambda a: (a.line, -a.past_due, -a.open_amount, a.customer.customer_id))


def _lines(accounts: Sequence[Account], names: Mapping[str, str]) -> list[Line]:
    grouped: dict[int, list[Account]] = defaultdict(list)
    for account in accounts:
        grouped[account.line].append(account)
    return [
        Line(
            number=number,
            company_id=parts[0].company_id,
            company_name=names.get(parts[0].company_id, parts[0].company_id),
            currency=parts[0].currency,
            base_currency=parts[0].base_currency,
            item_count=sum(part.item_count for part in parts),
            buckets=add(part.buckets for part in parts),
            open_amount=sum((part.open_amount for part in parts), ZERO),
            past_due=sum((part.past_due for part in parts), ZERO),
            open_base=sum((part.open_base for part in parts), ZERO),
        )
        for number, parts in sorted(grouped.items())
    ]


def add(parts: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """Return the sum of amounts by bucket."""
    total: dict[str, Decimal] = defaultdict(Decimal)
    for part in parts:
        for bucket, amount in part.items():
            total[bucket] += amount
    return dict(total)


def _company(
    company_id: str,
    bases: Mapping[str, str],
    names: Mapping[str, str],
    context: Mapping[str, Any],
    accounts: Sequence[Account],
    lines: Sequence[Line],
    before: Snapshot | None,
) -> Company:
    trade = [account for account in accounts if not account.customer.is_intercompany]
    now = Standing(
        day=date.fromisoformat(context["week_end"]),
        balance=sum((account.balance for account in trade), Balance()),
        buckets=add(account.buckets_base for account in trade),
        intercompany=sum((account.open_base for account in accounts if account.customer.is_intercompany), ZERO),
    )
    week_ago = _standing(context["week_ago"], company_id)
    week_ago_by_customer, year_ago_by_customer = (
        {said["customer_id"]: Decimal(said["past_due_base"]) for said in context[when] if said["company_id"] == company_id}
        for when in ("past_due_week_ago", "past_due_year_ago")
    )
    debtors = _debtors(trade, week_ago_by_customer)
    moved: dict[str, Decimal] = defaultdict(Decimal)
    for said in context["movements"]:
        if said["company_id"] == company_id:
            moved[said["movement"]] += Decimal(said["amount_base"])
    reported = None if before is None else sum((Decimal(total.open_amount_base) for total in before.totals if total.company_id == company_id), ZERO)
    return Company(
        company_id=company_id,
        name=names[company_id],
        currency=bases[company_id],
        now=now,
        week_ago=week_ago,
        year_ago=_standing(context["year_ago"], company_id),
        debtors=debtors[:TOP_DEBTORS],
        debtor_count=len(debtors),
        top_shares=(
            _top_share(debtor.past_due for debtor in debtors),
            _top_share(week_ago_by_customer.values()) if week_ago else None,
            _top_share(year_ago_by_customer.values()) if context["year_ago"] else None,
        ),
        accounts=accounts,
        lines=lines,
        opening=week_ago.balance.net + week_ago.intercompany if week_ago else ZERO,
        movements=[(label, moved[name]) for name, label in MOVEMENTS.items() if moved.get(name)],
        closing=now.balance.net + now.intercompany,
        reported_last_week=reported,
        trend=_trend(context["trend"], company_id),
    )


def _standing(said: Mapping[str, Any] | None, company_id: str) -> Standing | None:
    if said is None:
        return None
    own = [row for row in said["balances"] if row["company_id"] == company_id]
    trade = [row for row in own if not row["is_intercompany"]]
    return Standing(
        day=date.fromisoformat(said["day"]),
        balance=sum(
            (Balance(*(Decimal(row[name]) for name in ("open_amount_base", "gross_base", "past_due_base", "over_90_base"))) for row in trade), Balance()
        ),
        buckets=add({row["bucket_id"]: Decimal(row["open_amount_base"])} for row in trade),
        intercompany=sum((Decimal(row["open_amount_base"]) for row in own if row["is_intercompany"]), ZERO),
    )


def _debtors(trade: Sequence[Account], week_ago: Mapping[str, Decimal]) -> list[Debtor]:
    grouped: dict[str, list[Account]] = defaultdict(list)
    for account in trade:
        grouped[account.customer.customer_id].append(account)
    debtors = []
    for customer_id, parts in grouped.items():
        balance = sum((part.balance for part in parts), Balance())
        if balance.past_due > 0:
            oldest = max(part.oldest_days or 0 for part in parts)
            debtors.append(Debtor(parts[0].customer, balance.past_due, balance.over_90, oldest, balance.past_due - week_ago.get(customer_id, ZERO)))
    return sorted(debtors, key=lambda debtor: (-debtor.past_due, debtor.customer.customer_id))


def _top_share(past_due: Iterable[Decimal]) -> Decimal | None:
    """Return the part of what is past due that the ten largest debtors owe."""
    amounts = sorted(past_due, reverse=True)
    total = sum(amounts, ZERO)
    return sum(amounts[:TOP_DEBTORS], ZERO) / total if total > 0 else None


def _trend(said: Sequence[Mapping[str, Any]], company_id: str) -> list[tuple[date, dict[str, Decimal]]]:
    weeks: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in said:
        weeks[row["week_end"]]
        if row["company_id"] == company_id:
            weeks[row["week_end"]][row["bucket_id"]] = Decimal(row["open_amount_base"])
    return [(date.fromisoformat(week_end), buckets) for week_end, buckets in sorted(weeks.items())]
