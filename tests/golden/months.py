"""DSO, turnover, collection and roll-forward of small companies, month by month."""

from .cases import adjust, apply, case, credit_memo, customer, document, invoice, receipt

CASES = [
    case(
        "dso_as_the_dictionary_works_it",
        "10,869 / (5,538 + 4,566 + 7,570) x 90 = 55.35; January to March have 90 days.",
        [
            invoice("I1", 5538, "2026-01-15", "2026-02-14"),
            invoice("I2", 4566, "2026-02-15", "2026-03-17"),
            invoice("I3", 7570, "2026-03-15", "2026-04-14"),
            receipt("R", 6805, "2026-03-20"),
        ],
        open={"2026-03-31": {"I1": 5538, "I2": 4566, "I3": 7570, "R": -6805}},
        own_company="EUR",
        months={
            "dso": {
                "2026-03-31": {
                    "receivable_amount": 10869,
                    "gross_receivable_amount": 17674,
                    # Not past due: 7,570 less the cash of 6,805.
                    "current_amount": 765,
                    "credit_sales_amount": 17674,
                    "days": 90,
                    "dso_days": "55.35",
                    "best_possible_dso_days": "3.90",
                    "average_days_delinquent": "51.45",
                }
            }
        },
    ),
    case(
        "count_back_as_the_dictionary_works_it",
        "212,000: June 100,000 (30 days), May 80,000 (31), then 32,000 of April's 70,000 = 13.71 of 30 days: 74.71.",
        [
            invoice("I0", 10000, "2026-01-15"),
            invoice("I1", 70000, "2026-04-15"),
            invoice("I2", 80000, "2026-05-15"),
            invoice("I3", 100000, "2026-06-15"),
            receipt("R", 48000, "2026-06-20"),
        ],
        open={"2026-06-30": {"I0": 10000, "I1": 70000, "I2": 80000, "I3": 100000, "R": -48000}},
        own_company="EUR",
        months={"dso": {"2026-06-30": {"receivable_amount": 212000, "dso_countback_days": "74.71", "is_countback_truncated": False}}},
    ),
    case(
        "count_back_runs_out_of_history",
        "600 open, June sold 100, May nothing (its days count), and before May there is no history: 30 + 31 = 61, truncated.",
        [document("opening_balance", "O", 500, "2026-05-10"), invoice("I", 100, "2026-06-10")],
        open={"2026-06-30": {"O": 500, "I": 100}},
        own_company="EUR",
        months={
            "dso": {
                # May alone: 500 open and nothing sold.
                "2026-05-31": {"credit_sales_amount": 0, "dso_days": None, "dso_countback_days": 31, "is_countback_truncated": True},
                # April to June, 91 days, though the books begin in May: 600 / 100 x 91.
                "2026-06-30": {"days": 91, "dso_days": 546, "dso_countback_days": 61, "is_countback_truncated": True},
            }
        },
    ),
    case(
        "month_without_sales",
        "Sold in January only: turnover of February is 0 and its days NULL; by April the window is empty and DSO is NULL.",
        [invoice("I", 100, "2026-01-10", "2026-02-09")],
        open={"2026-06-30": {"I": 100}},
        own_company="EUR",
        months={
            "dso": {
                "2026-01-31": {"days": 92, "dso_days": 92},
                "2026-03-31": {"days": 90, "dso_days": 90, "dso_countback_days": 90, "is_countback_truncated": False},
                "2026-04-30": {"credit_sales_amount": 0, "dso_days": None, "best_possible_dso_days": None, "average_days_delinquent": None},
            },
            "turnover": {
                # 100 / ((0 + 100) / 2) = 2, x 365 / 31, and 31 / 2.
                "2026-01-31": {"turnover_ratio": 2, "turnover_annualized_ratio": "23.548387", "average_collection_days": "15.50"},
                "2026-02-28": {"credit_sales_amount": 0, "turnover_ratio": 0, "turnover_annualized_ratio": 0, "average_collection_days": None},
            },
        },
    ),
    case(
        "negative_sales",
        "A credit memo of 150 in February after an invoice of 100 in January: sales of the window are -50, DSO is NULL; February's turnover is negative.",
        [
            document("opening_balance", "O", 1000, "2026-01-01"),
            invoice("I", 100, "2026-01-10"),
            credit_memo("K", 150, "2026-02-10"),
        ],
        open={"2026-02-28": {"O": 1000, "I": 100, "K": -150}},
        own_company="EUR",
        months={
            "dso": {"2026-02-28": {"receivable_amount": 950, "credit_sales_amount": -50, "dso_days": None}},
            # -150 / ((1,100 + 950) / 2) = -150 / 1,025.
            "turnover": {"2026-02-28": {"credit_sales_amount": -150, "turnover_ratio": "-0.146341", "average_collection_days": None}},
        },
    ),
    case(
        "negative_receivable",
        "More cash than invoices: DSO is negative, the count-back is 0 and not truncated, the turnover has no mean to divide by.",
        [invoice("I", 100, "2026-01-10", "2026-03-01"), receipt("R", 190, "2026-01-20")],
        open={"2026-01-31": {"I": 100, "R": -190}},
        own_company="EUR",
        months={
            "dso": {
                # -90 / 100 x 92.
                "2026-01-31": {
                    "receivable_amount": -90,
                    "dso_days": "-82.80",
                    "dso_countback_days": 0,
                    "is_countback_truncated": False,
                    "best_possible_dso_days": "-82.80",
                    "average_days_delinquent": 0,
                }
            },
            "turnover": {"2026-01-31": {"turnover_ratio": None, "turnover_annualized_ratio": None, "average_collection_days": None}},
        },
    ),
    case(
        "void_lowers_the_sales_of_its_own_month",
        "Sold in January, voided in February: January keeps 100, February has 60 - 100 = -40.",
        [
            invoice("I", 100, "2026-01-10", status="void", voided_on="2026-02-10"),
            invoice("J", 60, "2026-02-20"),
        ],
        open={"2026-01-31": {"I": 100}, "2026-02-28": {"J": 60}},
        own_company="EUR",
        months={
            "turnover": {
                "2026-01-31": {"credit_sales_amount": 100},
                "2026-02-28": {"credit_sales_amount": -40, "opening_amount": 100, "closing_amount": 60, "turnover_ratio": "-0.5"},
            },
            "dso": {"2026-02-28": {"credit_sales_amount": 60, "days": 90, "dso_days": 90}},
        },
    ),
    case(
        "collection_of_a_month",
        "February: due 1,000 + 300 + (200 - 200) = 1,300; collected 900 + 50 + 100 - 100 = 950; closing 1,250 of which 850 are not past due.",
        [
            invoice("I1", 1000, "2026-01-10", "2026-02-09"),
            invoice("I2", 500, "2026-01-20", "2026-03-21"),
            invoice("I3", 300, "2026-02-05", "2026-02-20"),
            invoice("I4", 200, "2026-02-06", "2026-02-25", status="void", voided_on="2026-02-10"),
            invoice("I5", 400, "2026-02-15", "2026-03-17"),
            receipt("R1", 900, "2026-02-20"),
            apply("A", "R1", "I1", 900),
            receipt("R2", 50, "2026-02-22", customer_id=""),
            receipt("R3", 100, "2026-02-23", status="reversed", reversed_on="2026-02-26"),
        ],
        open={"2026-02-28": {"I1": 100, "I2": 500, "I3": 300, "I5": 400, "R2": -50}},
        own_company="EUR",
        months={
            "collection": {
                "2026-02-28": {
                    "opening_amount": 1500,
                    "due_amount": 1300,
                    "collected_amount": 950,
                    "closing_amount": 1250,
                    "closing_current_amount": 850,
                    "collection_rate": "0.730769",
                    # (1,500 + 700 - 1,250) / (1,500 + 700 - 850).
                    "collection_effectiveness_index": "0.703704",
                }
            },
            "dso": {"2026-02-28": {"dso_days": "51.14", "best_possible_dso_days": "34.77", "average_days_delinquent": "16.36"}},
            "turnover": {"2026-02-28": {"turnover_ratio": "0.509091", "turnover_annualized_ratio": "6.636364", "average_collection_days": "55.00"}},
        },
    ),
    case(
        "opening_balances_are_taken_over_not_sold",
        "900 taken over in January, due; 400 collected: sales are 100, CEI = (0 + 900 + 100 - 600) / (0 + 900 + 100 - 100) = 400 / 900.",
        [
            document("opening_balance", "O", 900, "2025-12-01", "2025-12-31", posted="2026-01-01"),
            invoice("I", 100, "2026-01-10", "2026-02-09"),
            receipt("R", 400, "2026-01-20"),
            apply("A", "R", "O", 400),
        ],
        open={"2026-01-31": {"O": 500, "I": 100}},
        own_company="EUR",
        months={
            "collection": {
                "2026-01-31": {
                    "opening_amount": 0,
                    "due_amount": 900,
                    "collected_amount": 400,
                    "closing_amount": 600,
                    "closing_current_amount": 100,
                    "collection_rate": "0.444444",
                    "collection_effectiveness_index": "0.444444",
                }
            },
            "turnover": {"2026-01-31": {"credit_sales_amount": 100}},
        },
    ),
    case(
        "paid_before_it_is_due",
        "Nothing falls due in January, yet 100 come in: no rate; in February 100 fall due and nothing comes: 0.",
        [
            invoice("I1", 100, "2026-01-10", "2026-03-31"),
            invoice("I2", 100, "2026-01-11", "2026-02-10"),
            receipt("R", 100, "2026-01-20"),
            apply("A", "R", "I1", 100),
        ],
        open={"2026-01-31": {"I2": 100}},
        own_company="EUR",
        months={
            "collection": {
                "2026-01-31": {"due_amount": 0, "collected_amount": 100, "collection_rate": None},
                "2026-02-28": {"due_amount": 100, "collected_amount": 0, "collection_rate": 0, "collection_effectiveness_index": 0},
            }
        },
    ),
    case(
        "leap_february",
        "The window to 29 February 2024 has 31 + 31 + 29 = 91 days.",
        [invoice("I", 100, "2024-02-10")],
        open={"2024-02-29": {"I": 100}},
        own_company="EUR",
        months={"dso": {"2024-02-29": {"days": 91, "dso_days": 91}}, "turnover": {"2024-02-29": {"days": 29, "average_collection_days": "14.50"}}},
    ),
    case(
        "intercompany_is_left_out_of_the_metrics",
        "1,000 owed by a sister company: no DSO of it, but the roll-forward has it.",
        [
            customer("S", is_intercompany=True),
            invoice("I1", 1000, "2026-01-10", customer_id="S"),
            invoice("I2", 100, "2026-01-12"),
        ],
        open={"2026-01-31": {"I1": 1000, "I2": 100}},
        own_company="EUR",
        months={
            "dso": {"2026-01-31": {"receivable_amount": 100, "credit_sales_amount": 100, "dso_days": 92}},
            "collection": {"2026-01-31": {"closing_amount": 100}},
            "rollforward": {"2026-01-31": {"billed_amount": 1100, "closing_amount": 1100}},
        },
    ),
    case(
        "every_movement_of_a_month",
        "1,050 billed + 20 finance charge - 100 credited - 420 collected - 10 discount - 26 written off + 67 refunded - 9 transferred + 433 other = 1,005.",
        [
            document("opening_balance", "O", 500, "2026-03-01"),
            invoice("I1", 1000, "2026-03-02"),
            document("debit_memo", "D", 50, "2026-03-03"),
            document("finance_charge", "F", 20, "2026-03-04"),
            credit_memo("K", 100, "2026-03-05"),
            receipt("R1", 400, "2026-03-06"),
            apply("A", "R1", "I1", 400, discount_amount=10),
            receipt("R2", 20, "2026-03-10"),
            adjust("J1", "refund", 7, "2026-03-11", of_receipt="R2"),
            receipt("R3", 80, "2026-03-12", status="reversed", reversed_on="2026-03-15"),
            invoice("I9", 70, "2026-03-13", status="void", voided_on="2026-03-16"),
            document("journal_credit", "G", 40, "2026-03-17"),
            adjust("J2", "chargeback", 15, "2026-03-18", of="I1"),
            adjust("J3", "withholding_tax", -12, "2026-03-18", of="I1"),
            adjust("J4", "bank_fee", -3, "2026-03-18", of="I1"),
            adjust("J5", "factored", -25, "2026-03-18", of="I1"),
            adjust("J6", "other", -2, "2026-03-18", of="I1"),
            adjust("J7", "write_off", -30, "2026-03-20", of="I1"),
            adjust("J8", "recovery", 5, "2026-03-25", of="I1"),
            adjust("J9", "small_balance", -1, "2026-03-25", of="D"),
            document("refund", "P", 60, "2026-03-26"),
            adjust("JT", "transfer", -9, "2026-03-27"),
        ],
        open={"2026-03-31": {"O": 500, "I1": 538, "D": 49, "F": 20, "K": -100, "R2": -13, "G": -40, "P": 60, "JT": -9}},
        own_company="EUR",
        months={
            "rollforward": {
                "2026-03-31": {
                    "opening_amount": 0,
                    "billed_amount": 1050,
                    "finance_charge_amount": 20,
                    "credited_amount": -100,
                    "collected_amount": -420,
                    "discount_amount": -10,
                    "written_off_amount": -26,
                    "refunded_amount": 67,
                    "transferred_amount": -9,
                    "other_amount": 433,
                    "closing_amount": 1005,
                },
                "2026-04-30": {"opening_amount": 1005, "billed_amount": 0, "other_amount": 0, "closing_amount": 1005},
            }
        },
    ),
    case(
        "cash_of_another_company_is_a_transfer",
        "The sister's cash settles the invoice: 100 billed, 100 transferred away, nothing collected here.",
        [
            invoice("I", 100, "2026-04-01"),
            receipt("R", 100, "2026-04-10", company_id="ACME"),
            apply("A", "R", "I", 100),
        ],
        open={"2026-04-10": {}},
        own_company="EUR",
        months={
            "rollforward": {"2026-04-30": {"billed_amount": 100, "collected_amount": 0, "transferred_amount": -100, "closing_amount": 0}},
            "collection": {"2026-04-30": {"collected_amount": 0, "closing_amount": 0}},
        },
    ),
    case(
        "applications_move_no_balance",
        "Cash applied, reversed and applied again within a customer: the roll-forward only knows what was billed and collected.",
        [
            invoice("I", 100, "2026-04-01"),
            receipt("R", 60, "2026-04-10"),
            apply("A1", "R", "I", 60, reversed_on="2026-04-20"),
            apply("A2", "R", "I", 60, "2026-04-25"),
        ],
        open={"2026-04-30": {"I": 40}},
        own_company="EUR",
        months={
            "rollforward": {"2026-04-30": {"billed_amount": 100, "collected_amount": -60, "transferred_amount": 0, "other_amount": 0, "closing_amount": 40}}
        },
    ),
    case(
        "metrics_are_in_the_books_currency",
        "100 USD at 0.90 and 10 EUR: sales and receivable of the month are 100.00 EUR.",
        [invoice("I1", 100, "2026-01-10", currency="USD", exchange_rate="0.9"), invoice("I2", 10, "2026-01-11")],
        open={"2026-01-31": {"I1": 100, "I2": 10}},
        own_company="EUR",
        months={"dso": {"2026-01-31": {"receivable_amount": 100, "credit_sales_amount": 100}}},
    ),
]
