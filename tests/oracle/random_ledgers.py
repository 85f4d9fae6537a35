"""Random small ledgers, made to collide: few amounts, few days, much that does not fit, and later drops that change it all.

Every customer is a little world of its own, so that a disagreement is found in a dozen rows.
"""

from __future__ import annotations

from random import Random
from typing import Any

Rows = dict[tuple[str, str], dict[str, str]]

START = ("2026-01-05", "2026-01-06", "2026-01-09", "2026-01-12", "2026-01-20", "2026-01-31")
LATER = ("2026-01-12", "2026-01-20", "2026-01-20", "2026-01-31", "2026-02-03", "2026-02-10", "2026-02-28", "2026-03-05")
LATEST = ("2026-02-03", "2026-02-10", "2026-02-20", "2026-02-28", "2026-03-05", "2026-03-31")
DUE = ("2026-01-31", "2026-02-15", "2026-02-15", "2026-03-15", "2026-05-01")
AMOUNTS = (10, 20, 30, 30, 50, 60, 100)
COMPANIES = (("ACME", "EUR"), ("ACME", "EUR"), ("ACME", "EUR"), ("BETA", "EUR"), ("DOLLAR", "USD"))
LOWERING = ("write_off", "small_balance", "discount", "withholding_tax", "bank_fee", "factored", "other", "transfer")
RAISING = ("recovery", "chargeback", "other", "transfer")
DROPS = (
    ("2026-03-01T06:00:00Z", "2026-02-28"),
    ("2026-03-15T06:00:00Z", "2026-03-14"),
    ("2026-04-01T06:00:00Z", "2026-03-31"),
    ("2026-05-01T06:00:00Z", "2026-04-30"),
)


def random_inbox(seed: int, worlds: int) -> list[dict[str, list[dict[str, str]]]]:
    """Return the rows of four drops, the first full and the others incremental, by feed."""
    random = Random(seed)
    drops: list[dict[str, list[dict[str, str]]]] = [{} for _ in DROPS]
    for number in range(worlds):
        for drop, changes in zip(drops, _world(random, f"w{number:04}"), strict=True):
            for (feed, _), row in changes.items():
                drop.setdefault(feed, []).append(row)
    return drops


def _world(random: Random, name: str) -> list[Rows]:
    rows = _first_drop(random, name)
    changes = [dict(rows)]
    for _ in DROPS[1:]:
        changed: Rows = {}
        if random.random() < 0.7:
            for _ in range(random.randint(1, 3)):
                _change(random, name, rows, changed)
        changes.append(changed)
    return changes


def _first_drop(random: Random, name: str) -> Rows:
    rows: Rows = {}

    def add(feed: str, key: str, **values: Any) -> None:
        rows[feed, key] = {column: str(value) for column, value in values.items() if value is not None}

    rule = "oldest_first" if random.random() < 0.2 else None
    for customer in "CD":
        add("customers", f"{name}.{customer}", customer_id=f"{name}.{customer}", name=name, application_rule=rule)
    company, _ = random.choice(COMPANIES)
    for number in range(random.randint(1, 4)):
        _document(random, name, company, f"{name}.I{number}", add)
    for number in range(random.randint(0, 2)):
        _credit(random, name, company, f"{name}.K{number}", add)
    for number in range(random.randint(0, 3)):
        _receipt(random, name, company, f"{name}.R{number}", add)
    for number in range(random.randint(0, 2)):
        _adjustment(random, name, company, f"{name}.J{number}", rows, add)
    for number in range(random.randint(1, 5)):
        _application(random, f"{name}.A{random.randint(0, 9)}{number}", rows, add)
    return rows


def _customer(random: Random, name: str) -> str:
    return f"{name}.{'D' if random.random() < 0.1 else 'C'}"


def _money(random: Random, company: str) -> dict[str, Any]:
    if random.random() < 0.75:
        return {"currency": "USD" if company == "DOLLAR" else "EUR"}
    rates = ("1.1", "1.234567") if company == "DOLLAR" else ("0.9", "0.95", "0.873333")
    return {"currency": "EUR" if company == "DOLLAR" else "USD", "exchange_rate": random.choice(rates)}


def _document(random: Random, name: str, company: str, key: str, add: Any) -> None:
    amount, posted = random.choice(AMOUNTS), random.choice(START)
    status = random.choices(("posted", None, "void", "draft"), (50, 30, 12, 5))[0]
    add(
        "documents",
        key,
        document_id=key,
        company_id="BETA" if random.random() < 0.05 and company != "DOLLAR" else company,
        customer_id=_customer(random, name),
        document_type=random.choice(("invoice", "invoice", "invoice", "debit_memo", "refund", "journal_debit", "finance_charge")),
        document_date=posted if random.random() < 0.8 else random.choice(START),
        posting_date=posted,
        due_date=random.choice(DUE) if random.random() < 0.8 else None,
        gross_amount=amount,
        status=status,
        voided_on=random.choice(LATEST) if status == "void" else None,
        receivable_account="1210" if random.random() < 0.05 else None,
        **_money(random, company),
    )
    if random.random() < 0.25:
        parts = random.choice(((0.5, 0.5), (0.2, 0.3, 0.5), (0.6, 0.4)))
        for sequence, part in enumerate(parts, start=1):
            share = round(amount * part) + (5 if random.random() < 0.03 else 0)
            add("installments", f"{key}:{sequence}", document_id=key, sequence=sequence, due_date=random.choice(DUE), amount=share)


def _credit(random: Random, name: str, company: str, key: str, add: Any) -> None:
    posted = random.choice(START + LATER)
    void = random.random() < 0.12
    add(
        "documents",
        key,
        document_id=key,
        company_id=company,
        customer_id=_customer(random, name),
        document_type=random.choice(("credit_memo", "credit_memo", "journal_credit", "opening_credit")),
        document_date=posted,
        posting_date=posted,
        gross_amount=random.choice(AMOUNTS),
        status="void" if void else None,
        voided_on=random.choice(LATEST) if void else None,
        **_money(random, company),
    )


def _receipt(random: Random, name: str, company: str, key: str, add: Any) -> None:
    received = random.choice(START + LATER)
    bounces = random.random() < 0.15
    add(
        "receipts",
        key,
        receipt_id=key,
        company_id=company,
        customer_id=_customer(random, name),
        receipt_date=received,
        posting_date=received if random.random() < 0.8 else random.choice(LATER),
        amount=random.choice(AMOUNTS),
        status="reversed" if bounces else random.choice(("cleared", "at_risk", None)),
        reversed_on=random.choice(LATEST) if bounces else None,
        **_money(random, company),
    )


def _keys(rows: Rows, feed: str) -> list[str]:
    return [key for name, key in rows if name == feed]


def _adjustment(random: Random, name: str, company: str, key: str, rows: Rows, add: Any) -> None:
    where = random.random()
    values: dict[str, Any] = {"adjustment_id": key, "posting_date": random.choice(LATER)}
    amount = random.choice((5, 10, 20, 30))
    receipts = _keys(rows, "receipts")
    if where < 0.15 and receipts:
        add("adjustments", key, **values, receipt_id=random.choice(receipts), adjustment_type="refund", amount=amount)
    elif where < 0.4:
        currency = "USD" if company == "DOLLAR" else "EUR"
        sign = random.choice((1, -1))
        add(
            "adjustments",
            key,
            **values,
            company_id=company,
            customer_id=_customer(random, name),
            currency=currency,
            adjustment_type="other",
            amount=sign * amount,
        )
    else:
        lowers = random.random() < 0.7
        kind = random.choice(LOWERING if lowers else RAISING)
        wrong = random.random() < 0.05
        target = random.choice(_keys(rows, "documents"))
        if ".K" in target:
            kind, lowers = "refund", False
        add("adjustments", key, **values, document_id=target, adjustment_type=kind, amount=(-amount if lowers != wrong else amount))


def _application(random: Random, key: str, rows: Rows, add: Any) -> None:
    documents = _keys(rows, "documents")
    sources = [("receipt", each) for each in _keys(rows, "receipts")] + [("document", each) for each in documents if ".K" in each]
    sources += [("adjustment", each) for each in _keys(rows, "adjustments") if "document_id" not in rows["adjustments", each]]
    targets = [each for each in documents if ".I" in each] + [each for kind, each in sources if kind == "adjustment"]
    if not sources:
        return
    kind, source = random.choice(sources)
    target = random.choice(targets) if random.random() < 0.97 else "nowhere"
    row: dict[str, Any] = {
        "application_id": key,
        "source_type": kind,
        "source_id": source,
        "document_id": target,
        "applied_on": random.choice(LATER) if random.random() < 0.7 else None,
        "amount": random.choice((5, 10, 10, 20, 30, 30, 50, 60)),
        "discount_amount": random.choice((1, 5)) if random.random() < 0.15 else None,
        "reversed_on": random.choice(LATEST) if random.random() < 0.15 else None,
    }
    if ("installments", f"{target}:1") in rows and random.random() < 0.3:
        row["installment_sequence"] = random.choice((1, 2, 2, 3))
    give, take = rows[f"{kind}s", source], rows.get(("documents", target), rows.get(("adjustments", target), {}))
    if give.get("currency") != take.get("currency") and random.random() < 0.8:
        row["amount_in_source_currency"] = row["amount"] + random.choice((-1, 0, 2))
    add("applications", key, **row)


def _change(random: Random, name: str, rows: Rows, changed: Rows) -> None:
    feed, key = random.choice([each for each in rows if each[0] != "customers"])
    row = dict(rows[feed, key])
    what = random.random()
    if feed == "installments":
        document = row["document_id"]
        plan = {each: dict(rows[each]) for each in rows if each[0] == "installments" and rows[each]["document_id"] == document}
        for line in plan.values():
            line["due_date"] = random.choice(DUE)
        changed.update(plan)
        rows.update(plan)
        return
    if what < 0.2:
        row["is_deleted"] = "true"
    elif row.get("is_deleted"):
        del row["is_deleted"]
    elif what < 0.5:
        column = "gross_amount" if feed == "documents" else "amount"
        sign = -1 if row[column].startswith("-") else 1
        row[column] = str(sign * random.choice((10, 20, 30, 60)))
    elif what < 0.65 and feed == "receipts":
        row |= {"status": "reversed", "reversed_on": random.choice(LATEST)}
    elif what < 0.65 and feed == "documents":
        row |= {"status": "void", "voided_on": random.choice(LATEST)}
    elif what < 0.65 and feed == "applications":
        row["reversed_on"] = random.choice(LATEST)
    elif what < 0.8 and feed in ("documents", "receipts"):
        row["customer_id"] = _customer(random, name)
    elif feed in ("documents", "receipts", "adjustments"):
        row["posting_date"] = random.choice(START + LATER)
    else:
        row["applied_on"] = random.choice(LATER)
    changed[feed, key] = row
    rows[feed, key] = row
