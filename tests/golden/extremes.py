"""Amounts near the limits, and adjustments that raise more than was ever settled: kept apart, because a fault here stops a whole build."""

from .cases import adjust, apply, case, invoice, plan, receipt

CASES = [
    case(
        "very_large_amounts",
        "99,999,999,999.99 less one cent.",
        [invoice("I", "99999999999.99", "2026-01-10"), receipt("R", "0.01", "2026-01-20"), apply("A", "R", "I", "0.01")],
        open={"2026-01-10": {"I": "99999999999.99"}, "2026-01-20": {"I": "99999999999.98"}},
    ),
    case(
        "millions_in_another_currency",
        "5,000,000 USD at 0.90, 1,000,000 of them paid.",
        [
            invoice("I", 5_000_000, "2026-01-10", currency="USD", exchange_rate="0.9"),
            receipt("R", 1_000_000, "2026-01-20", currency="USD", exchange_rate="0.9"),
            apply("A", "R", "I", 1_000_000),
        ],
        open={"2026-01-20": {"I": 4_000_000}},
        base={"2026-01-20": {"I": 3_600_000}},
    ),
    case(
        "raised_beyond_what_was_settled",
        "30 of 60 are paid, another application of 60 is held; a chargeback of 60 brings back the 30 and adds 30: 90 are owed.",
        [
            invoice("I", 60, "2026-01-10"),
            receipt("R", 100, "2026-01-20"),
            apply("A1", "R", "I", 30),
            apply("A2", "R", "I", 60, "2026-01-21"),
            adjust("J", "chargeback", 60, "2026-02-20", of="I"),
        ],
        open={"2026-01-21": {"I": 30, "R": -70}, "2026-02-20": {"I": 90, "R": -70}},
        held={"A2"},
    ),
    case(
        "raised_by_more_than_what_was_settled",
        "10 of 60 are paid, another application of 60 is held; a chargeback of 30 brings back the 10 and adds 20: 80 are owed.",
        [
            invoice("I", 60, "2026-01-10"),
            receipt("R", 100, "2026-01-20"),
            apply("A1", "R", "I", 10),
            apply("A2", "R", "I", 60, "2026-01-21"),
            adjust("J", "chargeback", 30, "2026-02-20", of="I"),
        ],
        open={"2026-01-21": {"I": 50, "R": -90}, "2026-02-20": {"I": 80, "R": -90}},
        held={"A2"},
    ),
    case(
        "installments_raised_beyond_what_was_settled",
        "150 of 100 + 100 are paid; a chargeback of 200 brings back the second's 50 and the first's 100, and the 50 beyond go to the last: 100 and 150.",
        [
            invoice("I", 200, "2026-01-10"),
            *plan("I", (1, "2026-02-10", 100), (2, "2026-03-10", 100)),
            receipt("R", 150, "2026-01-20"),
            apply("A", "R", "I", 150),
            adjust("J", "chargeback", 200, "2026-02-20", of="I"),
        ],
        open={"2026-01-20": {"I:2": 50}, "2026-02-20": {"I:1": 100, "I:2": 150}},
    ),
]
