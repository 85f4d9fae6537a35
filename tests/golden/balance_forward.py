"""Customers whose cash settles the oldest due items (application_rule oldest_first)."""

from .cases import adjust, apply, case, credit_memo, customer, invoice, plan, receipt

OLDEST = customer("C", application_rule="oldest_first")

CASES = [
    case(
        "oldest_due_is_paid_first",
        "150 settle the 100 due first and 50 of the next.",
        [OLDEST, invoice("I1", 100, "2026-01-05", "2026-02-05"), invoice("I2", 100, "2026-01-06", "2026-02-06"), receipt("R", 150, "2026-02-10")],
        open={"2026-02-09": {"I1": 100, "I2": 100}, "2026-02-10": {"I2": 50}},
    ),
    case(
        "oldest_by_due_date_not_by_posting",
        "The later invoice is due earlier, so it is paid first.",
        [OLDEST, invoice("I1", 100, "2026-01-05", "2026-04-05"), invoice("I2", 100, "2026-01-06", "2026-02-06"), receipt("R", 100, "2026-02-10")],
        open={"2026-02-10": {"I1": 100}},
    ),
    case(
        "cash_on_account_waits_for_the_next_invoice",
        "130 settle 100; the other 30 wait and take their part of the invoice of March on the day it is posted.",
        [OLDEST, invoice("I1", 100, "2026-01-05"), receipt("R", 130, "2026-02-10"), invoice("I2", 50, "2026-03-01")],
        open={"2026-02-10": {"R": -30}, "2026-02-28": {"R": -30}, "2026-03-01": {"I2": 20}},
    ),
    case(
        "credit_memos_settle_too",
        "A credit memo of 40 lowers the oldest invoice.",
        [OLDEST, invoice("I1", 100, "2026-01-05", "2026-02-05"), invoice("I2", 100, "2026-01-06", "2026-02-06"), credit_memo("K", 40, "2026-01-20")],
        open={"2026-01-20": {"I1": 60, "I2": 100}},
    ),
    case(
        "oldest_credit_is_used_first",
        "Credits of 1 and 2 February, 30 each; an invoice of 40 takes all of the first and 10 of the second.",
        [OLDEST, receipt("R1", 30, "2026-02-01"), receipt("R2", 30, "2026-02-02"), invoice("I", 40, "2026-02-10")],
        open={"2026-02-02": {"R1": -30, "R2": -30}, "2026-02-10": {"R2": -20}},
    ),
    case(
        "what_was_applied_by_hand_comes_first",
        "The application of the same day names the younger invoice; only the other 50 go to the oldest.",
        [
            OLDEST,
            invoice("I1", 100, "2026-01-05", "2026-02-05"),
            invoice("I2", 100, "2026-01-06", "2026-02-06"),
            receipt("R", 150, "2026-02-10"),
            apply("A", "R", "I2", 100),
        ],
        open={"2026-02-10": {"I1": 50}},
    ),
    case(
        "applied_by_hand_afterwards",
        "The cash of the 10th settled the oldest invoice that day; on the 12th the ledger says that it was meant for the other: what was derived makes way.",
        [
            OLDEST,
            invoice("I1", 100, "2026-01-05", "2026-02-05"),
            invoice("I2", 100, "2026-01-06", "2026-02-06"),
            receipt("R", 100, "2026-02-10"),
            apply("A", "R", "I2", 100, "2026-02-12"),
        ],
        open={"2026-02-10": {"I2": 100}, "2026-02-12": {"I1": 100}},
    ),
    case(
        "refund_of_cash_that_had_settled",
        "The receipt of the 10th settled the invoice; on the 15th the ledger refunds it: the invoice is open again.",
        [
            OLDEST,
            invoice("I", 100, "2026-01-05", "2026-02-05"),
            receipt("R", 100, "2026-02-10"),
            adjust("J", "refund", 100, "2026-02-15", of_receipt="R"),
        ],
        open={"2026-02-10": {}, "2026-02-15": {"I": 100}},
    ),
    case(
        "write_off_of_what_had_been_settled",
        "The ledger writes off the invoice that the cash had settled: the cash goes to the next invoice.",
        [
            OLDEST,
            invoice("I1", 100, "2026-01-05", "2026-02-05"),
            invoice("I2", 150, "2026-01-06", "2026-02-06"),
            receipt("R", 100, "2026-02-10"),
            adjust("J", "write_off", -100, "2026-02-15", of="I1"),
        ],
        open={"2026-02-10": {"I2": 150}, "2026-02-15": {"I2": 50}},
    ),
    case(
        "bounce_opens_what_it_had_settled",
        "The bounce gives both invoices back; the second receipt then settles the oldest.",
        [
            OLDEST,
            invoice("I1", 60, "2026-01-05", "2026-02-05"),
            invoice("I2", 60, "2026-01-06", "2026-02-06"),
            receipt("R1", 100, "2026-02-10", status="reversed", reversed_on="2026-02-15"),
            receipt("R2", 70, "2026-02-20"),
        ],
        open={"2026-02-10": {"I2": 20}, "2026-02-15": {"I1": 60, "I2": 60}, "2026-02-20": {"I2": 50}},
    ),
    case(
        "void_hands_the_cash_to_the_next",
        "The void of the settled invoice frees its 100, which settle the other invoice at the close of the same day.",
        [
            OLDEST,
            invoice("I1", 100, "2026-01-05", "2026-02-05", status="void", voided_on="2026-02-20"),
            invoice("I2", 120, "2026-01-06", "2026-02-06"),
            receipt("R", 100, "2026-02-10"),
        ],
        open={"2026-02-10": {"I2": 120}, "2026-02-20": {"I2": 20}},
    ),
    case(
        "other_currency_is_left_alone",
        "USD cash does not settle an invoice in EUR.",
        [OLDEST, invoice("I", 100, "2026-01-05"), receipt("R", 100, "2026-01-12", currency="USD")],
        open={"2026-01-12": {"I": 100, "R": -100}},
    ),
    case(
        "other_company_is_left_alone",
        "Cash of BETA does not settle an invoice of ACME.",
        [OLDEST, invoice("I", 100, "2026-01-05"), receipt("R", 100, "2026-01-12", company_id="BETA")],
        open={"2026-01-12": {"I": 100, "R": -100}},
    ),
    case(
        "oldest_installment_first",
        "The instalments of two invoices are settled in the order of their own due dates.",
        [
            OLDEST,
            invoice("I1", 200, "2026-01-05"),
            *plan("I1", (1, "2026-02-05", 100), (2, "2026-04-05", 100)),
            invoice("I2", 100, "2026-01-06", "2026-03-06"),
            receipt("R", 150, "2026-02-10"),
        ],
        open={"2026-02-10": {"I1:2": 100, "I2": 50}},
    ),
    case(
        "written_off_items_are_not_settled",
        "The oldest invoice was written off; the cash goes to the next.",
        [
            OLDEST,
            invoice("I1", 100, "2026-01-05", "2026-02-05"),
            adjust("J", "write_off", -100, "2026-02-06", of="I1"),
            invoice("I2", 100, "2026-01-06", "2026-02-06"),
            receipt("R", 100, "2026-02-10"),
        ],
        open={"2026-02-06": {"I2": 100}, "2026-02-10": {}},
    ),
    case(
        "refund_before_the_close",
        "An advance of 100 is refunded in part, 40, on the day the invoice comes: the other 60 settle it.",
        [
            OLDEST,
            receipt("R", 100, "2026-02-01"),
            adjust("J", "refund", 40, "2026-02-10", of_receipt="R"),
            invoice("I", 100, "2026-02-10"),
        ],
        open={"2026-02-01": {"R": -100}, "2026-02-10": {"I": 40}},
    ),
    case(
        "explicit_customers_are_left_alone",
        "application_rule explicit (or empty) derives nothing.",
        [customer("C", application_rule="explicit"), invoice("I", 100, "2026-01-05"), receipt("R", 100, "2026-01-12")],
        open={"2026-01-12": {"I": 100, "R": -100}},
    ),
    case(
        "what_is_held_moves_nothing",
        "The receipt of 30 settled a part of the first invoice before the second came; an application of 60 is held, and all stays as it was.",
        [
            OLDEST,
            invoice("I1", 100, "2026-01-05", "2026-02-15"),
            receipt("R", 30, "2026-01-10"),
            invoice("I2", 20, "2026-01-20", "2026-01-31"),
            apply("A", "R", "I1", 60, "2026-02-01"),
        ],
        open={"2026-01-10": {"I1": 70}, "2026-01-20": {"I1": 70, "I2": 20}, "2026-02-01": {"I1": 70, "I2": 20}},
        held={"A"},
    ),
]
