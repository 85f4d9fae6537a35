"""More decimals than a currency has, where only another row tells the currency: listed, never rounded and never counted."""

from .cases import adjust, apply, case, invoice, plan, receipt

CASES = [
    case(
        "application_with_more_decimals",
        "Nobody can pay 33.333 EUR.",
        [invoice("I", 100, "2026-01-10"), receipt("R", 100, "2026-01-20"), apply("A", "R", "I", "33.333")],
        open={"2026-01-20": {"I": 100, "R": -100}},
        held={"A"},
    ),
    case(
        "discount_with_more_decimals",
        "A discount of half a cent: the whole row is left out.",
        [invoice("I", 100, "2026-01-10"), receipt("R", 98, "2026-01-20"), apply("A", "R", "I", 98, discount_amount="0.005")],
        open={"2026-01-20": {"I": 100, "R": -98}},
        held={"A"},
    ),
    case(
        "source_amount_with_more_decimals",
        "60 EUR are settled by 10,000.5 yen, which there are not; 10,001 there are.",
        [
            invoice("I", 120, "2026-01-12"),
            receipt("R", 20002, "2026-01-14", currency="JPY"),
            apply("A1", "R", "I", 60, amount_in_source_currency="10000.5"),
            apply("A2", "R", "I", 60, amount_in_source_currency="10001.00"),
        ],
        open={"2026-01-14": {"I": 60, "R": -10001}},
        held={"A1"},
    ),
    case(
        "three_decimals_where_there_are_three",
        "33.333 dinars are an amount, and so is the discount of 0.667.",
        [
            invoice("I", 100, "2026-01-10", currency="KWD", company_id="DINAR"),
            receipt("R", "33.333", "2026-01-20", currency="KWD", company_id="DINAR"),
            apply("A", "R", "I", "33.333", discount_amount="0.667"),
        ],
        open={"2026-01-20": {"I": 66}},
    ),
    case(
        "adjustments_with_more_decimals",
        "Write-offs name no currency of their own: -1.005 of an invoice in EUR is none, -1.050 is; half a yen of a receipt is none.",
        [
            invoice("I", 100, "2026-01-10"),
            receipt("R", 5000, "2026-01-14", currency="JPY"),
            adjust("J1", "write_off", "-1.005", "2026-02-01", of="I"),
            adjust("J2", "write_off", "-1.050", "2026-02-01", of="I"),
            adjust("J3", "refund", "0.5", "2026-02-01", of_receipt="R"),
        ],
        open={"2026-02-01": {"I": "98.95", "R": -5000}},
        held={"J1", "J3"},
    ),
    case(
        "installments_with_more_decimals",
        "33.333 + 33.333 + 33.334 add up, but are no amounts in EUR: the invoice stays one item, with its own due date.",
        [
            invoice("I", 100, "2026-01-10", "2026-01-31"),
            *plan("I", (1, "2026-02-10", "33.333"), (2, "2026-03-10", "33.333"), (3, "2026-04-10", "33.334")),
        ],
        open={"2026-01-31": {"I": 100}},
        due={"I": "2026-01-31"},
        flagged={"I"},
    ),
    case(
        "base_amounts_with_more_decimals",
        "The books are in EUR, so 90.005 is no base amount, whatever the document's currency; neither is it of a receipt or an adjustment.",
        [
            invoice("I1", 100, "2026-01-10", currency="USD", gross_amount_base="90.005"),
            invoice("I2", 100, "2026-01-10", currency="USD", gross_amount_base="90.050"),
            receipt("R", 10, "2026-01-10", currency="USD", amount_base="9.005"),
            adjust("J", "revaluation", 0, "2026-01-31", of="I2", amount_base="0.005"),
        ],
        open={"2026-01-31": {"I2": 100}},
        base={"2026-01-31": {"I2": "90.05"}},
        held={"I1", "R", "J"},
    ),
]
