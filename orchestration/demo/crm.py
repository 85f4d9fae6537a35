"""The other half of the extracts: who works on which account, and what was said, promised, disputed and reminded.

Nothing here moves money. Whether a promise was kept is for the warehouse to find out from the cash; here the customer only says it.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from orchestration.demo import days, parties, rates, words
from orchestration.demo.chance import Chance, Ints
from orchestration.demo.days import NEVER, drop_of
from orchestration.demo.documents import Documents
from orchestration.demo.parties import HABITS, Customers, Relations
from orchestration.demo.postings import NONE, Rows
from orchestration.demo.settlements import DELETED, LATER, POSTED, Plans

CHANNELS = ["call", "email", "letter", "sms", "meeting", "portal"]
OUTCOMES = ["no_answer", "left_message", "contacted", "promise", "refused", "claims_paid", "escalated", "dispute"]
PROMISE, DISPUTE = OUTCOMES.index("promise"), OUTCOMES.index("dispute")
PROMISE_STATUSES = ["open", "cancelled", "superseded"]
OPEN, CANCELLED, SUPERSEDED = range(len(PROMISE_STATUSES))

# In this week a collector leaves; her accounts go to a colleague.
_LEAVING_DROP = 4
_LEFT_ON = int(days.BOOKS_THROUGH[_LEAVING_DROP])

BUSINESS_EVENTS = [
    (date(2024, 3, 1), "", "credit policy", "Credit limits above 250,000 need two signatures", ""),
    (date(2024, 6, 3), "C300", "system", "New billing system at Ashdown & Pryce", ""),
    (date(2024, 9, 2), "C100", "terms", "Early-payment discount offered to all direct customers", "direct"),
    (date(2024, 11, 4), "", "prices", "List prices raised by 3.5 %", ""),
    (date(2025, 1, 2), "C200", "economy", "Tariffs on imported components", ""),
    (date(2025, 3, 3), "C100", "credit policy", "Dunning letters go out weekly instead of monthly", ""),
    (date(2025, 5, 12), "C200", "terms", "Distributors moved from 60 to 45 days", "distributor"),
    (date(2025, 8, 4), "", "organisation", "Collections gathered in three teams", ""),
    (date(2025, 11, 3), "", "prices", "List prices raised by 2.8 %", ""),
    (date(2026, 1, 5), "C300", "economy", "Two large wholesalers insolvent in the north of England", "distributor"),
    (date(2026, 4, 1), "C100", "terms", "Late-payment interest charged from day 30", ""),
    (date(2026, 6, 30), "C200", "accounting", "Manual journal of 1,250.00 on the receivable account, taken back in July", ""),
    (date(2026, 9, 14), "C100", "credit policy", "Orders of customers more than 60 days late are held", ""),
    (date(2026, 10, 5), "", "prices", "Surcharge for express deliveries", "online"),
]


@dataclass(frozen=True)
class Staff:
    """The users of the CRM: a manager for each team, and its collectors."""

    user_ids: list[str]
    names: list[str]
    teams: list[str]
    roles: list[str]
    managers: list[str]
    collector: Ints  # each customer's collector, as a position
    collector_after: Ints  # and after one of them has left
    leaver: int


def hire(chance: Chance, customers: Customers) -> Staff:
    """Hire collectors for the customers, by team, and assign every account."""
    per_team = min(3 + len(customers) // 600, 15)
    teams = len(words.TEAMS)
    count = teams + teams * per_team
    n = np.arange(count, dtype=np.int64)
    given = chance.below("given name", n, len(words.GIVEN_NAMES))
    families = [family for country in ("DE", "US", "GB", "FR", "PL") for family in words.FAMILIES[country]]
    family = (chance.below("family name", n[:1], len(families))[0] + 7 * n) % len(families)
    team = np.where(n < teams, n, (n - teams) % teams)
    slot = chance.below("collector", customers.number, per_team)
    collector = teams + slot * teams + customers.company
    leaver = teams
    return Staff(
        user_ids=[f"U{i + 1:03d}" for i in range(count)],
        names=[f"{words.GIVEN_NAMES[g]} {families[f]}" for g, f in zip(given.tolist(), family.tolist(), strict=True)],
        teams=[words.TEAMS[t] for t in team.tolist()],
        roles=["manager" if i < teams else "collector" for i in range(count)],
        managers=["" if i < teams else f"U{t + 1:03d}" for i, t in enumerate(team.tolist())],
        collector=collector,
        collector_after=np.where(collector == leaver, leaver + teams, collector),
        leaver=leaver,
    )


def user_columns(staff: Staff) -> dict[str, Any]:
    """Return the users feed's rows; the collector who leaves has a second version."""
    rows = [*range(len(staff.user_ids)), staff.leaver]
    return {
        "user_id": [staff.user_ids[i] for i in rows],
        "name": [staff.names[i] for i in rows],
        "email": [f"{_plain(staff.names[i])}@example.com" for i in rows],
        "team": [staff.teams[i] for i in rows],
        "role": [*staff.roles, "former collector"],
        "manager_id": [staff.managers[i] for i in rows],
        "drop": np.array([0] * len(staff.user_ids) + [_LEAVING_DROP]),
    }


def account_columns(chance: Chance, customers: Customers, staff: Staff, customer_ids: list[str]) -> dict[str, Any]:
    """Return the accounts feed's rows: one for each customer, a second one for some, new versions where the collector left."""
    n = customers.number
    external = n[~customers.is_intercompany]
    second = external[chance.often("second account", external, 50)]
    first_drop = drop_of(customers.opened)
    moved = external[(staff.collector != staff.collector_after)[external] & (first_drop[external] < _LEAVING_DROP)]
    customer = np.concatenate([external, second, moved])
    drop = np.concatenate([first_drop[external], first_drop[second], np.full(len(moved), _LEAVING_DROP)])
    is_second = np.repeat([0, 1, 0], [len(external), len(second), len(moved)])
    collector = np.where(drop < _LEAVING_DROP, staff.collector[customer], staff.collector_after[customer])
    # A second account is often nobody's; a few first ones, too.
    nobody = ((is_second > 0) & chance.often("second is nobody's", customer, 500)) | chance.often("nobody's", customer, 8)
    order = np.sort(customers.weight)[::-1]
    rank = np.searchsorted(-order, -customers.weight[customer])
    segment = np.select([rank * 50 < len(n), rank * 10 < len(n), rank * 5 < 2 * len(n)], [0, 1, 2], 3)
    risk = np.array([h.risk for h in HABITS])[customers.habit[customer]]
    industry = chance.below("industry", customer, len(words.INDUSTRIES))
    return {
        "account_id": [f"AC{10_000 + c:08d}{'-2' if s else ''}" for c, s in zip(customer.tolist(), is_second.tolist(), strict=True)],
        "customer_id": [customer_ids[c] for c in customer.tolist()],
        "segment": [words.SEGMENTS[s] for s in segment.tolist()],
        "industry": [words.INDUSTRIES[i] for i in industry.tolist()],
        "risk_class": [str(r) for r in risk],
        "collector_id": ["" if x else staff.user_ids[c] for c, x in zip(collector.tolist(), nobody.tolist(), strict=True)],
        "account_owner_id": [f"U{c + 1:03d}" for c in customers.company[customer].tolist()],
        "preferred_channel": [CHANNELS[c] for c in chance.pick("channel of account", customer, [35, 50, 5, 2, 3, 5]).tolist()],
        "do_not_contact": chance.often("do not contact", customer, 12).astype(np.int64),
        "drop": drop,
    }


def contact_columns(chance: Chance, customers: Customers) -> dict[str, Any]:
    """Return the contacts feed's rows: one to three people for each account."""
    external = customers.number[~customers.is_intercompany]
    customer = np.repeat(external, chance.between("contacts", external, 1, 3))
    n = np.arange(len(customer), dtype=np.int64)
    countries = parties.country_codes(customers)
    given = chance.below("contact given", n, len(words.GIVEN_NAMES)).tolist()
    family = chance.below("contact family", n, 1 << 20).tolist()
    names = []
    for c, g, f in zip(customer.tolist(), given, family, strict=True):
        families = words.FAMILIES[countries[c]]
        names.append(f"{words.GIVEN_NAMES[g]} {families[f % len(families)]}")
    return {
        "contact_id": [f"CT{i + 1:07d}" for i in range(len(customer))],
        "account_id": [f"AC{10_000 + c:08d}" for c in customer.tolist()],
        "name": names,
        "role": [words.ROLES[r] for r in chance.pick("role", n, [55, 15, 20, 10]).tolist()],
        "email": [f"{_plain(name)}@customer{c}.example" for name, c in zip(names, customer.tolist(), strict=True)],
        "phone": [f"+1 202 555 {p:04d}" for p in chance.between("phone", n, 100, 199).tolist()],
        "preferred_channel": [CHANNELS[c] for c in chance.pick("channel of contact", n, [40, 50, 2, 5, 1, 2]).tolist()],
        "opted_out": chance.often("opted out", n, 30).astype(np.int64),
        "drop": drop_of(customers.opened)[customer],
    }


def review_columns(chance: Chance, customers: Customers) -> dict[str, Any]:
    """Return the credit_reviews feed's rows: every customer once a year."""
    external = customers.number[~customers.is_intercompany]
    first = np.maximum(customers.opened[external], days.START) + chance.between("first review", external, 0, 330)
    customer = np.concatenate([external] * 3)
    day = np.concatenate([days.business(first + 365 * year) for year in range(3)])
    customer, day = customer[day <= days.END], day[day <= days.END]
    n = customer * 4000 + day % 4000
    habit = customers.habit[customer]
    score = np.clip(np.array([820, 740, 620, 480, 560, 600])[habit] + chance.bell("score", n, 40), 300, 990)
    limit = customers.limit[customer]
    old = np.where(chance.often("limit changed", n, 350) & (limit > 0), limit * 4 // 5, limit)
    big = 100_000 * 10 ** rates.MINOR_UNITS[customers.currency[customer]] // 100 * rates.SIZES[customers.currency[customer]]
    insured = np.where(chance.often("insured", customer, 300) & (limit > 0), limit * 4 // 5, NONE)
    reserve = np.where(np.isin(habit, [3, 4]) & chance.often("reserve", n, 60), chance.between("reserve of", n, 1, 9) * big // 1000, NONE)
    return {
        "number": np.arange(1, len(customer) + 1),
        "customer": customer,
        "currency": customers.currency[customer],
        "day": day,
        "next": days.business(day + 365),
        "score": score,
        "risk": np.array([0, 0, 1, 2, 2, 1])[habit],
        "old_limit": old,
        "new_limit": limit,
        "insured": insured,
        "insurer": customer % len(words.INSURERS),
        "reserve": reserve,
        "reviewer": customers.company[customer] + 1,
        "drop": drop_of(day),
    }


def order_columns(chance: Chance, relations: Relations) -> dict[str, Any]:
    """Return open orders around the last weeks: each is open for a while, then invoiced and gone."""
    relation = np.repeat(np.arange(len(relations), dtype=np.int64), 3)
    n = np.arange(len(relation), dtype=np.int64)
    chosen = chance.often("order", n, 450) & ~relations.is_intercompany[relation]
    n, relation = n[chosen], relation[chosen]
    day = days.business(days.HISTORY_END - 60 + chance.below("ordered", n, 114))
    currency = relations.currency[relation]
    amount = chance.between("order amount", n, 12_000, 900_000) * rates.SIZES[currency] // 100 * 10 ** rates.MINOR_UNITS[currency] // 100
    chosen = day >= relations.opened[relation]
    columns = {
        "number": n + 1,
        "relation": relation,
        "day": day,
        "until": day + chance.between("order open for", n, 6, 60),
        "amount": amount,
        "currency": currency,
    }
    return {key: values[chosen] for key, values in columns.items()}


@dataclass
class WorkCounters:
    """The last number given out, across blocks."""

    activities: int = 0
    promises: int = 0
    dunning: int = 0


def make_work(chance: Chance, staff: Staff, relations: Relations, docs: Documents, plans: Plans, counters: WorkCounters) -> dict[str, dict[str, Ints]]:
    """Return a block's activities, promises, disputes, reminders, plans and placements, as columns by table."""
    return _Work(chance, staff, relations, docs, plans, counters).tables


class _Work:
    """What collectors did about a block's documents."""

    def __init__(self, chance: Chance, staff: Staff, relations: Relations, docs: Documents, plans: Plans, counters: WorkCounters) -> None:
        self.chance, self.staff, self.relations, self.docs, self.plans, self.counters = chance, staff, relations, docs, plans, counters
        self.customer = relations.customer[docs.relation]
        # Somebody is chased for what the books show as owed: no drafts, no deleted rows, none of the group's own companies.
        self.chased = ~relations.is_intercompany[docs.relation] & ~np.isin(plans.change, [POSTED, DELETED])
        activities = Rows(number=0, document=0, user=0, day=0, minute=0, channel=0, inbound=0, outcome=0, next=NONE, note=NONE)
        promises = Rows(number=0, drop=0, document=0, user=0, day=0, minute=0, promised=0, amount=0, status=OPEN, superseded_by=NONE)
        dunning = Rows(number=0, document=0, level=0, channel=0, day=0, minute=0)
        self._touches(activities, promises)
        self._dispute_calls(activities)
        self._reminders(dunning)
        self.tables = {
            "activities": self._finish(activities.columns(), "activities"),
            "promises": self._with_customer(promises.columns()),
            "dunning_events": self._finish(dunning.columns(), "dunning"),
            "disputes": self._disputes(),
            "agency_placements": self._placements(),
            "payment_plans": self._payment_plans(),
        }

    def _user(self, rows: Ints, day: Ints) -> Ints:
        customer = self.customer[rows]
        return np.where(day > _LEFT_ON, self.staff.collector_after[customer], self.staff.collector[customer])

    def _touches(self, activities: Rows, promises: Rows) -> None:
        """Three rounds of calls and mails, while the document is late and open; some end in a promise."""
        docs, plans = self.docs, self.plans
        last_promise = np.full(len(docs), NONE, dtype=np.int64)
        pending: list[dict[str, Ints]] = []
        for touch, (after, per_mille) in enumerate([(5, 520), (17, 620), (34, 750)]):
            stream = f"touch {touch}"
            day = days.business(np.maximum(docs.due, docs.known) + after + self.chance.below(stream, docs.number, 7))
            made = self.chased & (day < plans.settled) & (day <= days.END) & self.chance.often(f"{stream} made", docs.number, per_mille)
            rows = np.flatnonzero(made)
            day, number = day[rows], docs.number[rows]
            minute = self.chance.between(f"{stream} at", number, 7 * 60, 16 * 60)
            outcome = self.chance.pick(f"{stream} outcome", number, [20, 18, 25, 26, 3, 6, 2])
            # Only what is still wholly open is promised.
            can_promise = day < plans.first_payment[rows]
            outcome = np.where((outcome == PROMISE) & ~can_promise, OUTCOMES.index("contacted"), outcome)
            note = np.where(self.chance.often(f"{stream} note", number, 300), self.chance.below(f"{stream} says", number, len(words.NOTES)), NONE)
            activities.add(
                document=rows,
                user=self._user(rows, day),
                day=day,
                minute=minute,
                outcome=outcome,
                note=note,
                channel=self.chance.pick(f"{stream} channel", number, [55, 35, 2, 3, 1, 4]),
                inbound=self.chance.often(f"{stream} inbound", number, 120).astype(np.int64),
                next=np.where(outcome == PROMISE, NONE, days.business(day + 7)),
            )
            some = outcome == PROMISE
            rows, day, minute, number = rows[some], day[some], minute[some], number[some]
            paid = plans.first_payment[rows]
            keeps = self.chance.often(f"{stream} keeps", number, 620) & (paid - day <= 30)
            kept_on = np.maximum(paid + self.chance.between(f"{stream} kept", number, -2, 4), day + 1)
            broken_on = days.business(day + self.chance.between(f"{stream} broken", number, 3, 12))
            numbers = self.counters.promises + 1 + np.arange(len(rows), dtype=np.int64)
            self.counters.promises += len(rows)
            pending.append(
                {
                    "number": numbers,
                    "document": rows,
                    "day": day,
                    "minute": minute,
                    "promised": np.where(keeps, kept_on, broken_on),
                    "replaces": last_promise[rows],
                }
            )
            last_promise[rows] = numbers
        made_all = {key: np.concatenate([p[key] for p in pending]) for key in pending[0]}
        # A later promise about the same document supersedes the earlier one.
        first = int(self.counters.promises - len(made_all["number"]) + 1)
        by_number = np.argsort(made_all["number"], kind="stable")
        made_all = {key: values[by_number] for key, values in made_all.items()}
        successor = np.full(len(by_number), NONE, dtype=np.int64)
        changed = np.full(len(by_number), LATER, dtype=np.int64)
        later = np.flatnonzero(made_all["replaces"] != NONE)
        earlier = made_all["replaces"][later] - first
        successor[earlier], changed[earlier] = made_all["number"][later], made_all["day"][later]
        cancelled = (successor == NONE) & self.chance.often("cancelled", made_all["number"], 40)
        changed = np.where(cancelled, days.business(made_all["day"] + 2), changed)
        rows = made_all["document"]
        common = {key: made_all[key] for key in ("number", "document", "day", "minute", "promised")}
        common |= {"user": self._user(rows, made_all["day"]), "amount": self.docs.gross[rows]}
        drop, after_drop = drop_of(made_all["day"]), drop_of(changed)
        some = np.flatnonzero(drop < after_drop)
        promises.add(**{k: v[some] for k, v in common.items()}, drop=drop[some])
        some = np.flatnonzero(after_drop < NEVER)
        promises.add(
            **{k: v[some] for k, v in common.items()},
            drop=after_drop[some],
            superseded_by=successor[some],
            status=np.where(cancelled[some], CANCELLED, SUPERSEDED),
        )

    def _dispute_calls(self, activities: Rows) -> None:
        plan = self.plans.disputes.columns()
        some = plan["opened"] <= days.END
        rows, day = plan["document"][some], plan["opened"][some]
        number = self.docs.number[rows]
        activities.add(
            document=rows,
            user=self._user(rows, day),
            day=day,
            minute=self.chance.between("dispute at", number, 7 * 60, 16 * 60),
            outcome=np.full(len(rows), DISPUTE),
            inbound=1,
            channel=self.chance.pick("dispute by", number, [40, 50, 0, 0, 2, 8]),
            next=days.business(day + 5),
        )

    def _reminders(self, dunning: Rows) -> None:
        """The weekly dunning run, on Tuesdays; who always pays late by agreement is spared."""
        docs, plans = self.docs, self.plans
        spared = self.chance.often("spared", self.customer, 250)
        for level, after in enumerate([9, 23, 37, 51], start=1):
            day = days.run(np.full(len(docs), 2), np.maximum(docs.due, docs.known) + after)
            rows = np.flatnonzero(self.chased & ~spared & (day < plans.settled) & (day <= days.END))
            dunning.add(
                document=rows,
                level=np.full(len(rows), level),
                day=day[rows],
                minute=360 + rows % 60,
                channel=np.where(level < 3, 1, 2) * np.ones(len(rows), dtype=np.int64),
            )

    def _disputes(self) -> dict[str, Ints]:
        plan = self.plans.disputes.columns()
        columns = {
            **plan,
            "number": self.docs.number[plan["document"]],
            "currency": self.docs.currency[plan["document"]],
            "user": self._user(plan["document"], plan["opened"]),
        }
        opened, closed = drop_of(plan["opened"]), drop_of(plan["closed"])
        before = {
            **columns,
            "drop": opened,
            "closed": np.full(len(opened), NONE),
            "resolution": np.full(len(opened), NONE),
            "resolved": np.full(len(opened), NONE),
        }
        return _versions(before, opened < closed, {**columns, "drop": closed}, closed < NEVER)

    def _placements(self) -> dict[str, Ints]:
        plan = self.plans.placements.columns()
        columns = {**plan, "number": self.docs.number[plan["document"]], "currency": self.docs.currency[plan["document"]], "fee": plan["recovered"] * 15 // 100}
        placed, returned = drop_of(plan["placed"]), drop_of(plan["returned"])
        unknown = np.full(len(placed), NONE)
        before = {**columns, "drop": placed, "returned": unknown, "recovered": unknown, "fee": unknown}
        return _versions(before, placed < returned, {**columns, "drop": returned}, returned < NEVER)

    def _payment_plans(self) -> dict[str, Ints]:
        plan = self.plans.payment_plans.columns()
        drop = drop_of(plan["agreed"])
        columns = {
            **plan,
            "number": self.docs.number[plan["document"]],
            "currency": self.docs.currency[plan["document"]],
            "customer": self.customer[plan["document"]],
            "drop": drop,
        }
        return {key: values[drop < NEVER] for key, values in columns.items()}

    def _with_customer(self, columns: dict[str, Ints]) -> dict[str, Ints]:
        rows = columns["document"]
        return {**columns, "document": self.docs.number[rows], "customer": self.customer[rows], "currency": self.docs.currency[rows]}

    def _finish(self, columns: dict[str, Ints], counter: str) -> dict[str, Ints]:
        """Number rows by their day, as a system would."""
        order = np.lexsort((columns["document"], columns["minute"], columns["day"]))
        columns = {key: values[order] for key, values in columns.items()}
        given = getattr(self.counters, counter)
        setattr(self.counters, counter, given + len(order))
        return {**self._with_customer(columns), "number": given + 1 + np.arange(len(order)), "drop": drop_of(columns["day"])}


def _versions(before: dict[str, Ints], has_before: np.ndarray, after: dict[str, Ints], has_after: np.ndarray) -> dict[str, Ints]:
    """Return the rows as first delivered, then as they became."""
    return {key: np.concatenate([before[key][has_before], after[key][has_after]]).astype(np.int64) for key in after}


def _plain(name: str) -> str:
    """Return a name as the local part of an address: lower case, without accents."""
    for letter, instead in [("ß", "ss"), ("Ł", "L"), ("ł", "l"), ("'", ""), ("-", ""), (" ", ".")]:
        name = name.replace(letter, instead)
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
