"""Due dates and aging."""

from .cases import case, credit_memo, customer, invoice, plan, receipt

BOUNDARIES = {0: "current", 1: "1_30", 30: "1_30", 31: "31_60", 60: "31_60", 61: "61_90", 90: "61_90", 91: "91_120", 120: "91_120", 121: "over_120"}

CASES = [
    case(
        "net_days",
        "15 January + 30 days = 14 February.",
        [invoice("I", 100, "2026-01-15", payment_terms_id="N30")],
        open={"2026-01-15": {"I": 100}},
        due={"I": "2026-02-14"},
        buckets={"2026-02-14": {"I": "current"}, "2026-02-15": {"I": "1_30"}},
    ),
    case(
        "terms_of_the_customer",
        "The document names no terms, the customer has 60 days: 15 January + 60 = 16 March.",
        [customer("C", payment_terms_id="N60"), invoice("I", 100, "2026-01-15")],
        open={"2026-01-15": {"I": 100}},
        due={"I": "2026-03-16"},
    ),
    case(
        "terms_of_the_document_win",
        "The customer has 60 days, the document 15: 30 January.",
        [customer("C", payment_terms_id="N60"), invoice("I", 100, "2026-01-15", payment_terms_id="N15")],
        open={"2026-01-15": {"I": 100}},
        due={"I": "2026-01-30"},
    ),
    case(
        "due_date_wins_over_terms",
        "A due date that is given is not computed again.",
        [customer("C", payment_terms_id="N60"), invoice("I", 100, "2026-01-15", "2026-01-20", payment_terms_id="N30")],
        open={"2026-01-15": {"I": 100}},
        due={"I": "2026-01-20"},
    ),
    case(
        "no_terms_at_all",
        "Due on the document date (not the posting date).",
        [invoice("I", 100, "2026-01-15", posted="2026-01-18")],
        open={"2026-01-18": {"I": 100}},
        due={"I": "2026-01-15"},
        buckets={"2026-01-18": {"I": "1_30"}},
    ),
    case(
        "terms_count_from_the_document_date",
        "Dated 15 January, posted the 25th, 30 days: 14 February.",
        [invoice("I", 100, "2026-01-15", posted="2026-01-25", payment_terms_id="N30")],
        open={"2026-01-25": {"I": 100}},
        due={"I": "2026-02-14"},
    ),
    case(
        "terms_that_nobody_delivered",
        "The terms have no days yet: due at once, and flagged, whatever the customer's own terms say; a given due date needs no terms.",
        [
            customer("C", payment_terms_id="N30"),
            invoice("I1", 100, "2026-01-15", payment_terms_id="=NET7"),
            invoice("I2", 100, "2026-01-15", "2026-02-14", payment_terms_id="=NET7"),
        ],
        open={"2026-01-31": {"I1": 100, "I2": 100}},
        due={"I1": "2026-01-15", "I2": "2026-02-14"},
        flagged={"I1"},
    ),
    case(
        "zero_days_net",
        "Net 0 is due on the document date: current on that day, late on the next.",
        [invoice("I", 100, "2026-01-15", payment_terms_id="N0")],
        open={"2026-01-15": {"I": 100}},
        due={"I": "2026-01-15"},
        buckets={"2026-01-15": {"I": "current"}, "2026-01-16": {"I": "1_30"}},
    ),
    case(
        "end_of_month",
        "Net 0, end of month: 10 February and 28 February are both due on the 28th.",
        [invoice("I1", 100, "2026-02-10", payment_terms_id="EOM"), invoice("I2", 50, "2026-02-28", payment_terms_id="EOM")],
        open={"2026-02-28": {"I1": 100, "I2": 50}},
        due={"I1": "2026-02-28", "I2": "2026-02-28"},
    ),
    case(
        "net_days_then_end_of_month",
        "30 days first: 31 January + 30 = 2 March, so 31 March; 29 January + 30 = 28 February, so 28 February.",
        [invoice("I1", 100, "2026-01-31", payment_terms_id="EOM30"), invoice("I2", 50, "2026-01-29", payment_terms_id="EOM30")],
        open={"2026-01-31": {"I1": 100, "I2": 50}},
        due={"I1": "2026-03-31", "I2": "2026-02-28"},
    ),
    case(
        "end_of_month_in_a_leap_year",
        "30 days from 30 January 2024 are 29 February 2024, a month end already.",
        [invoice("I", 100, "2024-01-30", payment_terms_id="EOM30")],
        open={"2024-01-30": {"I": 100}},
        due={"I": "2024-02-29"},
        buckets={"2024-02-29": {"I": "current"}, "2024-03-01": {"I": "1_30"}},
    ),
    case(
        "fixed_day_of_the_following_month",
        "The 10th of the next month: 31 January and 1 January are both due on 10 February; 15 December on 10 January.",
        [
            invoice("I1", 100, "2026-01-31", payment_terms_id="FIXED10"),
            invoice("I2", 50, "2026-01-01", payment_terms_id="FIXED10"),
            invoice("I3", 25, "2025-12-15", payment_terms_id="FIXED10"),
        ],
        open={"2026-01-31": {"I1": 100, "I2": 50, "I3": 25}},
        due={"I1": "2026-02-10", "I2": "2026-02-10", "I3": "2026-01-10"},
    ),
    case(
        "fixed_day_that_the_month_does_not_have",
        "The 31st of the month after: 31 January is due on 28 February 2026 and on 29 February 2024; 31 March on 30 April.",
        [
            invoice("I1", 100, "2026-01-31", payment_terms_id="FIXED31"),
            invoice("I2", 50, "2024-01-31", payment_terms_id="FIXED31"),
            invoice("I3", 25, "2026-03-31", payment_terms_id="FIXED31"),
        ],
        open={"2026-03-31": {"I1": 100, "I2": 50, "I3": 25}},
        due={"I1": "2026-02-28", "I2": "2024-02-29", "I3": "2026-04-30"},
    ),
    case(
        "thirty_days_across_leap_day",
        "1 February 2024 + 30 days = 2 March 2024.",
        [invoice("I", 100, "2024-02-01", payment_terms_id="N30")],
        open={"2024-02-29": {"I": 100}},
        due={"I": "2024-03-02"},
        buckets={"2024-03-02": {"I": "current"}},
    ),
    case(
        "days_past_due_over_leap_day",
        "Due 29 January 2024: 30 days late on 28 February, 31 on the 29th.",
        [invoice("I", 100, "2024-01-02", "2024-01-29")],
        open={"2024-02-28": {"I": 100}},
        buckets={"2024-02-28": {"I": "1_30"}, "2024-02-29": {"I": "31_60"}},
    ),
    case(
        "every_bucket_boundary_by_due_date",
        "On 30 June 2026, items due 0, 1, 30, 31, 60, 61, 90, 91, 120 and 121 days ago.",
        [
            *(
                invoice(f"D{days}", days + 1, "2026-02-01", due)
                for days, due in zip(
                    BOUNDARIES,
                    [
                        "2026-06-30",
                        "2026-06-29",
                        "2026-05-31",
                        "2026-05-30",
                        "2026-05-01",
                        "2026-04-30",
                        "2026-04-01",
                        "2026-03-31",
                        "2026-03-02",
                        "2026-03-01",
                    ],
                    strict=True,
                )
            )
        ],
        open={"2026-06-30": {f"D{days}": days + 1 for days in BOUNDARIES}},
        buckets={"2026-06-30": {f"D{days}": name for days, name in BOUNDARIES.items()}},
        aging={
            ("2026-06-30", "due_date"): {
                "current": 1,
                "1_30": 33,
                "31_60": 93,
                "61_90": 153,
                "91_120": 213,
                "over_120": 122,
            },
            # All dated 1 February: 149 days old.
            ("2026-06-30", "document_date"): {"over_120": 615},
            ("2026-02-01", "document_date"): {"1_30": 615},
        },
    ),
    case(
        "document_date_basis_has_no_current",
        "Day 0, 30 and 31 by document date and by posting date; the due date plays no part.",
        [
            invoice("I1", 1, "2026-06-30", "2026-12-31"),
            invoice("I2", 2, "2026-05-31", "2026-12-31"),
            invoice("I3", 4, "2026-05-30", "2026-12-31", posted="2026-05-31"),
            receipt("R", 8, "2026-01-05"),
        ],
        open={"2026-06-30": {"I1": 1, "I2": 2, "I3": 4, "R": -8}},
        aging={
            ("2026-06-30", "document_date"): {"1_30": 3, "31_60": 4, "unapplied": -8},
            ("2026-06-30", "posting_date"): {"1_30": 7, "unapplied": -8},
            ("2026-06-30", "due_date"): {"current": 7, "unapplied": -8},
        },
    ),
    case(
        "posted_before_its_document_date",
        "Posted 20 January, dated 31 January: on the 20th its age by document date is -11, which is the first bucket.",
        [invoice("I", 10, "2026-01-31", "2026-02-28", posted="2026-01-20")],
        open={"2026-01-20": {"I": 10}},
        aging={("2026-01-20", "document_date"): {"1_30": 10}, ("2026-01-20", "due_date"): {"current": 10}},
    ),
    case(
        "open_credits_are_unapplied_however_old",
        "A credit memo due long ago is not late: it is unapplied.",
        [credit_memo("K", 40, "2025-06-01", due="2025-07-01"), invoice("I", 100, "2026-06-01", "2026-06-30")],
        open={"2026-06-30": {"K": -40, "I": 100}},
        buckets={"2026-06-30": {"K": "unapplied", "I": "current"}},
    ),
    case(
        "aging_of_a_past_date_ignores_later_cash",
        "On 15 March the payment of 20 March had not been made.",
        [invoice("I", 100, "2026-01-10", "2026-02-09"), receipt("R", 100, "2026-03-20")],
        open={"2026-03-15": {"I": 100}, "2026-03-20": {"I": 100, "R": -100}},
        buckets={"2026-03-11": {"I": "1_30"}, "2026-03-12": {"I": "31_60"}},
    ),
    case(
        "installments_age_one_by_one",
        "Of three instalments one is not due, one 1 day late, one 32 days.",
        [invoice("I", 300, "2026-01-01", "2026-01-01"), *plan("I", (1, "2026-01-31", 100), (2, "2026-03-03", 100), (3, "2026-03-31", 100))],
        open={"2026-03-04": {"I:1": 100, "I:2": 100, "I:3": 100}},
        buckets={"2026-03-04": {"I:1": "31_60", "I:2": "1_30", "I:3": "current"}},
    ),
]
