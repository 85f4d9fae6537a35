"""Full drops: what is missing was deleted, inside the scope. The third drop covers company BETA from 1 March only."""

from .cases import Row, apply, case, invoice, plan, receipt


def _settled() -> list[Row]:
    return [invoice("I", 100, "2026-02-10"), receipt("R", 100, "2026-02-20"), apply("A", "R", "I", 100)]


CASES = [
    case(
        "document_absent",
        "There in March, missing in April: deleted; in between it was believed.",
        [invoice("I1", 100, "2026-02-10"), invoice("I2", 50, "2026-02-10")],
        [invoice("I2", 50, "2026-02-10")],
        open={("2026-02-28", 0): {"I1": 100, "I2": 50}, ("2026-02-28", 1): {"I2": 50}, "2026-02-28": {"I2": 50}},
    ),
    case(
        "application_absent",
        "The application is missing in April: cash and invoice are open again.",
        _settled(),
        _settled()[:2],
        open={("2026-02-28", 0): {}, ("2026-02-28", 1): {"I": 100, "R": -100}},
    ),
    case(
        "receipt_absent",
        "The receipt is missing, its application is still delivered: held.",
        _settled(),
        [_settled()[0], _settled()[2]],
        open={("2026-02-28", 0): {}, ("2026-02-28", 1): {"I": 100}},
        held={"A"},
    ),
    case(
        "installments_absent",
        "The plan is missing in April: the document is one item again.",
        [
            *(invoice(short, 100, "2026-02-10") for short in "IJ"),
            *(line for short in "IJ" for line in plan(short, (1, "2026-03-10", 50), (2, "2026-04-10", 50))),
        ],
        [*(invoice(short, 100, "2026-02-10") for short in "IJ"), *plan("J", (1, "2026-03-10", 50), (2, "2026-04-10", 50))],
        open={("2026-02-28", 0): {"I:1": 50, "I:2": 50, "J:1": 50, "J:2": 50}, ("2026-02-28", 1): {"I": 100, "J:1": 50, "J:2": 50}},
    ),
    case(
        "rejected_counts_as_present",
        "In April the row is there but unreadable (three decimals): it is not deleted, the version of March holds.",
        [invoice("I", 100, "2026-02-10")],
        [invoice("I", "100.005", "2026-02-10")],
        open={("2026-02-28", 0): {"I": 100}, ("2026-02-28", 1): {"I": 100}},
        flagged={"I"},
    ),
    case(
        "outside_the_scope",
        "The third drop covers BETA only: what ACME has is not in it, and stays.",
        [invoice("I", 100, "2026-04-10")],
        [invoice("I", 100, "2026-04-10")],
        open={("2026-04-30", 1): {"I": 100}, ("2026-04-30", 2): {"I": 100}},
    ),
    case(
        "inside_the_scope",
        "BETA's invoice of 10 April is missing in the drop that covers it: deleted; the one of 10 February lies before the scope: it stays.",
        [invoice("I1", 100, "2026-04-10", company_id="BETA"), invoice("I2", 50, "2026-02-10", company_id="BETA")],
        [invoice("I1", 100, "2026-04-10", company_id="BETA"), invoice("I2", 50, "2026-02-10", company_id="BETA")],
        open={("2026-04-30", 1): {"I1": 100, "I2": 50}, ("2026-04-30", 2): {"I2": 50}},
    ),
    case(
        "corrected_inside_the_scope",
        "The drop that covers BETA brings another amount, and a payment that ACME's applications outlive.",
        [invoice("I", 100, "2026-04-10", company_id="BETA"), *_settled()[1:2], invoice("J", 100, "2026-02-10"), apply("A", "R", "J", 100)],
        [invoice("I", 100, "2026-04-10", company_id="BETA"), *_settled()[1:2], invoice("J", 100, "2026-02-10"), apply("A", "R", "J", 100)],
        [invoice("I", 130, "2026-04-10", company_id="BETA"), receipt("S", 30, "2026-04-20", company_id="BETA"), apply("B", "S", "I", 30)],
        open={("2026-04-30", 1): {"I": 100}, ("2026-04-30", 2): {"I": 100}, ("2026-04-19", 2): {"I": 130}},
    ),
]
