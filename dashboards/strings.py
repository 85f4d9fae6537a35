"""The app's own words, in one place. Data is never put into Markdown: it goes through `formatting.html`."""

PRODUCT = "Receivables Warehouse"

OVERVIEW = "Receivables overview"
COLLECTORS = "Accounts to chase"
CUSTOMER = "Customer"
ROWS = "Rows behind a figure"
QUALITY = "Data quality"

EVERYTHING = "All"
IN_BASE = "All, in {}"
NO_SEGMENT = "Without a segment"

KEY_FIGURES = "Key figures"
AGING = "Aging"
DSO_OVER_TIME = "Days sales outstanding"
CASH = "Cash in against billed"
DEBTORS = "Top debtors"
NOT_IN_RECEIVABLE = "Not in the receivable"
CHART, TABLE = "Chart", "Table"

NO_MONTHS = "The books have no month up to this date yet."
NOTHING_OPEN = "Nothing is open at this date in this selection."
NOTHING_PAST_DUE = "No customer in this selection has anything past due. Widen the filters, or enjoy it."
NO_PROMISES = "No open promise and none broken in the last 90 days in this selection."
NO_DISPUTES = "No open dispute in this selection."
NO_CUSTOMER = "Choose a customer to see what it owes, what was paid and what was said."
NO_FIGURE = "This version has no such figure. The link may be from another version, or incomplete."

OPEN_ROWS = "Open the rows"
EXCEL, COMMA = "Excel", "CSV"

KPI_CURRENCY_NOTE = "Key figures, DSO and cash are measured over all document currencies. The aging, its trend and the debtors show items in {} only."

NULL_REASONS = {
    "denominator_not_positive": "no value: the amount it is divided by is not above zero",
    "credit_sales_not_positive": "no value: credit sales are not above zero",
    "no_exchange_rate": "no value: an exchange rate is missing",
    "mean_receivable_not_positive": "no value: the mean receivable is not above zero",
    "nothing_due": "no value: nothing was due",
    "nothing_open": "no value: nothing is open",
    "no_limit_set": "no credit limit is set",
    "limit_is_zero": "the credit limit is zero: no credit",
}

ACTIONS = {
    "apply_open_credits": "Apply open credits",
    "wait_for_promise": "Wait for the promise",
    "resolve_dispute": "Resolve the dispute",
    "escalate_broken_promise": "Escalate the broken promise",
    "send_reminder": "Send a reminder",
    "call": "Call",
    "send_first_notice": "Send the first notice",
    "send_final_notice": "Send the final notice",
    "hand_to_agency": "Hand to the agency",
}
