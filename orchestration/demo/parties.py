"""Who trades with whom: companies, payment terms, customers, and the relations between them.

A RELATION is one customer buying from one company in one currency, booked on one receivable account. It carries the habits:
how much is bought, on which terms, how late and in which payment runs it is paid. Everything else is drawn per relation.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from orchestration.demo import days, rates, words
from orchestration.demo.chance import Chance, Flags, Ints


@dataclass(frozen=True)
class Company:
    """One of the group's companies, with the countries and currencies it sells in."""

    company_id: str
    name: str
    currency: int
    fiscal_year_start_month: int
    time_zone: str
    home: str
    countries: tuple[str, ...]
    foreign: tuple[int, ...]
    accounts: tuple[str, str]


COMPANIES = [
    Company(
        "C100",
        "Nordstern Präzision GmbH",
        rates.EUR,
        1,
        "Europe/Berlin",
        "DE",
        ("DE", "DE", "DE", "DE", "AT", "CH", "FR", "NL", "IT", "ES", "PL", "SE"),
        (rates.USD, rates.GBP, rates.CHF, rates.SEK, rates.PLN),
        ("120000", "120500"),
    ),
    Company(
        "C200",
        "Calloway Industrial Supply, Inc.",
        rates.USD,
        1,
        "America/Chicago",
        "US",
        ("US", "US", "US", "US", "US", "US", "CA", "MX", "JP"),
        (rates.CAD, rates.JPY, rates.EUR),
        ("11000", "11050"),
    ),
    Company(
        "C300",
        "Ashdown & Pryce Ltd",
        rates.GBP,
        4,
        "Europe/London",
        "GB",
        ("GB", "GB", "GB", "GB", "GB", "IE", "IE", "KW"),
        (rates.EUR, rates.USD, rates.KWD),
        ("1100", "1150"),
    ),
]
DOMESTIC, EXPORT = 0, 1
BASE = np.array([c.currency for c in COMPANIES], dtype=np.int64)


@dataclass(frozen=True)
class Terms:
    """Terms of payment; a discount percentage of 0 means none."""

    terms_id: str
    description: str
    net_days: int
    discount_days: int = 0
    discount_percent: int = 0
    end_of_month: bool = False
    fixed_day: int = 0


TERMS = [
    Terms("N30", "30 days net", 30),
    Terms("N14", "14 days net", 14),
    Terms("N45", "45 days net", 45),
    Terms("N60", "60 days net", 60),
    Terms("D10", "10 days 2 %, 30 days net", 30, 10, 2),
    Terms("D07", "7 days 3 %, 45 days net", 45, 7, 3),
    Terms("E30", "30 days, end of month", 30, end_of_month=True),
    Terms("F15", "15th of the following month", 0, fixed_day=15),
    Terms("IMM", "on receipt", 0),
]
_TERMS_WEIGHTS = [34, 10, 10, 8, 14, 6, 10, 5, 3]


@dataclass(frozen=True)
class Habit:
    """How a customer pays: days after the due date at the start, what that drifts by until the end, and its spread."""

    name: str
    weight: int
    late: int
    drift: int
    spread: int
    risk: str


HABITS = [
    Habit("early", 8, -7, 0, 4, "A"),
    Habit("prompt", 38, 0, 1, 5, "A"),
    Habit("slow", 26, 11, 2, 10, "B"),
    Habit("very slow", 10, 32, 4, 22, "C"),
    Habit("deteriorating", 10, 2, 44, 10, "C"),
    Habit("improving", 8, 34, -32, 10, "B"),
]


@dataclass(frozen=True)
class Customers:
    """The customers' numbers, one array each; their names and ids are made from the words when they are written."""

    number: Ints
    company: Ints  # the company that opened the account
    parent: Ints  # -1: none
    country: Ints  # position in the company's list of countries
    currency: Ints
    terms: Ints
    habit: Ints
    limit: Ints  # in minor units of `currency`; -1: none set
    on_hold: Flags
    is_intercompany: Flags
    is_oldest_first: Flags
    opened: Ints
    weight: Ints  # how much is bought, long-tailed
    changed: Ints  # the day on which limit and hold changed (END + 1: not)

    def __len__(self) -> int:
        return len(self.number)


@dataclass(frozen=True)
class Relations:
    """Customer x company x currency, one array each."""

    customer: Ints
    company: Ints
    currency: Ints
    base: Ints
    account: Ints
    weight: Ints
    size: Ints  # level of the typical amount
    terms: Ints
    habit: Ints
    payment_run: Ints
    method: Ints
    opened: Ints
    takes_discount: Flags
    withholds_tax: Flags
    pays_bank_fees: Flags
    is_oldest_first: Flags
    is_intercompany: Flags

    def __len__(self) -> int:
        return len(self.customer)

    def take(self, rows: Ints) -> Relations:
        """Return some of the relations."""
        return Relations(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


# What an average customer owes, in cents: 40 documents of 2,300.00 over 33 months, each open for about 1.7 of them.
_OWED_PER_CUSTOMER = 474_000

METHODS = ["transfer", "direct_debit", "cheque", "card", "bill"]


def make_customers(chance: Chance, count: int) -> Customers:
    """Draw the customers. The first three are the group's own companies (intercompany)."""
    n = np.arange(count, dtype=np.int64)
    own = n < len(COMPANIES)
    company = np.where(own, n, chance.pick("company", n, [45, 35, 20]))
    countries = np.array([len(c.countries) for c in COMPANIES], dtype=np.int64)[company]
    country = np.where(own, 0, chance.below("country", n, countries))
    foreign = np.stack([chance.below("foreign", n, len(c.foreign)) for c in COMPANIES])[company, n]
    table = np.array([list(c.foreign) + [0] * (5 - len(c.foreign)) for c in COMPANIES], dtype=np.int64)
    is_foreign = chance.often("is foreign", n, np.where(_is_abroad(company, country), 500, 20)) & ~own
    currency = np.where(is_foreign, table[company, foreign], BASE[company])

    # A long tail: the rank is a shuffled position, the weight falls with it.
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(chance.below("rank", n, 1 << 40), kind="stable")] = n
    weight = 10_000_000 // (rank + 6)

    # A group's head, a division, a subsidiary, or a customer on its own.
    level = np.where(own, 3, chance.pick("level", n, [4, 8, 16, 72]))
    parent = np.full(count, -1, dtype=np.int64)
    heads, divisions = n[level == 0], n[level == 1]
    if len(heads) and len(divisions):
        parent = np.where(level == 1, heads[chance.below("head", n, len(heads))], parent)
        parent = np.where(level == 2, divisions[chance.below("division", n, len(divisions))], parent)

    # From somewhat less to several times what the customer will usually owe, in steps of 500 euros.
    usually_owed = weight * count * _OWED_PER_CUSTOMER // int(weight.sum())
    limit = (usually_owed * chance.between("limit", n, 8, 60) // 10 // 50_000 + 1) * 50_000
    limit = limit * rates.SIZES[currency] // 100 * 10 ** rates.MINOR_UNITS[currency] // 100
    limit = np.select([chance.often("no limit", n, 180), chance.often("zero limit", n, 12)], [-1, 0], limit)
    new = chance.often("new", n, 220) & ~own & (rank > 5)
    opened = np.where(
        new,
        days.business(days.START + chance.below("opened", n, days.END - days.START - 12)),
        days.business(days.START - chance.between("opened before", n, 90, 390)),
    )
    changed = np.where(
        chance.often("changes", n, 15),
        days.business(days.HISTORY_END + chance.between("changed", n, 1, 54)),
        days.END + 1,
    )
    return Customers(
        number=n,
        company=company,
        parent=parent,
        country=country,
        currency=currency,
        terms=np.where(own, 0, chance.pick("terms", n, _TERMS_WEIGHTS)),
        habit=np.where(own, 1, chance.pick("habit", n, [h.weight for h in HABITS])),
        limit=np.where(own, -1, limit),
        on_hold=chance.often("hold", n, 15) & ~own,
        is_intercompany=own,
        is_oldest_first=chance.often("oldest first", n, 15) & ~own & (currency == BASE[company]),
        opened=np.where(own, days.START - 200, opened),
        weight=weight,
        changed=np.maximum(changed, opened),
    )


def make_relations(chance: Chance, customers: Customers) -> Relations:
    """Draw the relations: each customer's own, and a second company or currency for some."""
    n = customers.number
    own = customers.is_intercompany
    # Each of the group's companies buys from the two others.
    sellers = np.concatenate([n[:3], n[:3]])
    sold_by = np.concatenate([(n[:3] + 1) % 3, (n[:3] + 2) % 3])
    others = n[~own]
    first_currency = customers.currency[others]
    second = others[chance.often("second relation", others, 60) & ~customers.is_oldest_first[others]]
    second_company = np.where(chance.often("second company", second, 500), (customers.company[second] + 1) % 3, customers.company[second])
    # In the customer's own company the second currency is the base, if the first was not; else it is a foreign one.
    foreign = np.array([c.foreign[0] for c in COMPANIES], dtype=np.int64)[second_company]
    same = (second_company == customers.company[second]) & (customers.currency[second] == BASE[second_company])
    second_currency = np.where(same, foreign, BASE[second_company])

    customer = np.concatenate([sellers, others, second])
    company = np.concatenate([sold_by, customers.company[others], second_company])
    currency = np.concatenate([BASE[sold_by], first_currency, second_currency])
    at = np.arange(len(customer), dtype=np.int64)
    is_second = at >= len(sellers) + len(others)
    abroad = _is_abroad(customers.company, customers.country)[customer] | (company != customers.company[customer]) | own[customer]
    habit = customers.habit[customer]
    base = BASE[company]
    is_base = currency == base
    weight = np.where(is_second, customers.weight[customer] // 4 + 1, customers.weight[customer])
    weight = np.where(own[customer], 10_000_000 // (len(n) // 4 + 20), weight)
    method = chance.pick("method", at, [62, 14, 12, 6, 6])
    return Relations(
        customer=customer,
        company=company,
        currency=currency,
        base=base,
        account=np.where(abroad, EXPORT, DOMESTIC),
        weight=weight,
        size=chance.below("size", at, 300),
        terms=customers.terms[customer],
        habit=habit,
        payment_run=np.where(method == 1, days.DAILY, chance.pick("run", at, [30, 8, 8, 10, 12, 8, 10, 7, 7])),
        method=method,
        opened=np.maximum(customers.opened[customer], days.START),
        takes_discount=chance.often("takes discount", at, 550) & ~customers.is_oldest_first[customer],
        withholds_tax=np.isin(_codes(customers)[customer], ["IT", "ES", "MX"])
        & chance.often("withholds", at, 350)
        & is_base
        & ~customers.is_oldest_first[customer],
        pays_bank_fees=abroad & chance.often("bank fees", at, 250) & is_base & ~customers.is_oldest_first[customer],
        is_oldest_first=customers.is_oldest_first[customer],
        is_intercompany=own[customer],
    )


def _codes(customers: Customers) -> np.ndarray:
    """Return each customer's country code."""
    longest = max(len(c.countries) for c in COMPANIES)
    table = np.array([list(c.countries) + [""] * (longest - len(c.countries)) for c in COMPANIES])
    return table[customers.company, customers.country]


def _is_abroad(company: Ints, country: Ints) -> Flags:
    longest = max(len(c.countries) for c in COMPANIES)
    table = np.array([[c.home != code for code in c.countries] + [True] * (longest - len(c.countries)) for c in COMPANIES])
    return table[company, country]


def country_codes(customers: Customers) -> list[str]:
    """Return each customer's country code, as text."""
    return [str(code) for code in _codes(customers)]


def names(chance: Chance, customers: Customers) -> list[str]:
    """Put together a name for each customer (a loop over customers, of which there are few)."""
    n = customers.number
    a, b, c, d = (chance.below(f"name {part}", n, 1 << 30).tolist() for part in "abcd")
    result: list[str] = []
    for i, country in enumerate(country_codes(customers)):
        families, cities = words.FAMILIES[country], words.CITIES[country]
        trades = words.TRADES.get(words.TRADE_OF.get(country, country), words.TRADES[""])
        family, other = families[a[i] % len(families)], families[b[i] % len(families)]
        city, trade = cities[c[i] % len(cities)], trades[d[i] % len(trades)]
        form = words.LEGAL_FORMS[country][(a[i] // 97) % len(words.LEGAL_FORMS[country])]
        shapes = [
            f"{family} {trade} {form}",
            f"{family} & {other} {form}",
            f"{city} {trade} {form}",
            f"{family} {trade} {city} {form}",
            f"{trade} {family} & {other} {form}",
        ]
        result.append(shapes[(b[i] // 89) % len(shapes)] if family != other else shapes[0])
    for i, company in enumerate(COMPANIES):
        result[i] = company.name
    tricky = [7 + 5 * i for i in range(len(words.TRICKY_NAMES))]
    for i, name in zip(tricky, words.TRICKY_NAMES, strict=True):
        if i < len(result):
            result[i] = name
    return result
