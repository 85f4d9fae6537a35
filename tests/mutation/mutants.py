"""The wrong changes: one line of a model, a macro or the settlement each. A test makes sure that every one of them still applies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """One change of one file: ``old`` stands there exactly once and becomes ``new``. ``equivalent`` says why no test can tell, where that is so."""

    file: str
    old: str
    new: str
    what: str
    equivalent: str = ""

    def apply(self, root: Path) -> str:
        """Return the file's text with the change; refuse a change that no longer fits."""
        text = (root / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: {text.count(self.old)} places for {self.old!r} ({self.what})")
        return text.replace(self.old, self.new)


INTERMEDIATE, MARTS, MACROS = "models/intermediate", "models/marts", "dbt_project/macros"
DOCUMENTS, RECEIPTS = f"{INTERMEDIATE}/int_documents.sql", f"{INTERMEDIATE}/int_receipts.sql"
DOCUMENT_EVENTS, RECEIPT_EVENTS = f"{INTERMEDIATE}/int_documents_to_ar_events.sql", f"{INTERMEDIATE}/int_receipts_to_ar_events.sql"
ADJUSTMENTS, ADJUSTMENT_EVENTS = f"{INTERMEDIATE}/int_adjustments.sql", f"{INTERMEDIATE}/int_adjustments_to_ar_events.sql"
SETTLEMENT_EVENTS, APPLICATIONS = f"{INTERMEDIATE}/int_settlements_to_ar_events.sql", f"{INTERMEDIATE}/int_applications.sql"
CONTENDED, MOVED = f"{INTERMEDIATE}/int_contended_sides.sql", f"{INTERMEDIATE}/int_contended_movements.sql"
EVENTS, BASE, ITEMS = f"{INTERMEDIATE}/int_ar_events.sql", f"{INTERMEDIATE}/int_ar_base_amounts.sql", f"{INTERMEDIATE}/int_items.sql"
EXCHANGES = f"{INTERMEDIATE}/int_ar_exchanges.sql"
TERMS, PLANS = f"{INTERMEDIATE}/int_document_terms.sql", f"{INTERMEDIATE}/int_installment_plans.sql"
BALANCES, DAILY, CALENDAR = f"{INTERMEDIATE}/int_item_balances.sql", f"{INTERMEDIATE}/int_ledger_daily.sql", f"{INTERMEDIATE}/int_calendar.sql"
MONTHLY, DERIVED = f"{INTERMEDIATE}/int_receivable_monthly.sql", f"{INTERMEDIATE}/int_document_settlements.sql"
OPEN_ITEMS, KNOWLEDGE, MONEY, LEDGER = (f"{MACROS}/{name}.sql" for name in ("open_items", "knowledge", "money", "ledger"))
WEEKLY, DSO = f"{MARTS}/aging/fct_aging_weekly.sql", f"{MARTS}/dso/fct_dso_monthly.sql"
TURNOVER, COLLECTION = f"{MARTS}/turnover/fct_turnover_monthly.sql", f"{MARTS}/collections/fct_collection_monthly.sql"
ROLLFORWARD = f"{MARTS}/collections/fct_rollforward_monthly.sql"
SETTLEMENT = "orchestration/settlement.py"

MUTANTS = [
    # Events dropped, doubled, or of the wrong sign or day.
    Mutant(f"{INTERMEDIATE}/int_ar_movements.sql", "union all\nselect * from {{ ref('int_receipts_to_ar_events') }}\n", "", "cash makes no events"),
    Mutant(DOCUMENT_EVENTS, "where ended_on < {{ open_date() }}", "where ended_on > {{ open_date() }}", "a void takes nothing back"),
    Mutant(DOCUMENT_EVENTS, "    -1 * original_amount as amount,", "    original_amount as amount,", "a void doubles its document"),
    Mutant(DOCUMENT_EVENTS, "item_id, ended_on as posting_date", "item_id, posting_date", "a void counts from the document's posting"),
    Mutant(RECEIPT_EVENTS, "item_id, ended_on as posting_date", "item_id, posting_date", "a bounce erases the weeks before it"),
    Mutant(RECEIPT_EVENTS, "where ended_on < {{ open_date() }}", "where ended_on < posting_date", "bounced cash stays"),
    Mutant(ITEMS, "-1 * amount as original_amount,", "amount as original_amount,", "cash raises what is owed"),
    Mutant(ITEMS, "direction * gross_amount as original_amount", "gross_amount as original_amount", "credit memos raise what is owed"),
    Mutant(ITEMS, "installments.installment_sequence = plans.last_sequence as is_last", "installments.installment_sequence = 1 as is_last", "the first installment takes the rest in base"),
    Mutant(DOCUMENTS, "in ('credit_memo', 'opening_credit', 'journal_credit') then -1", "in ('credit_memo', 'opening_credit') then -1", "credit journals are debits"),
    Mutant(DOCUMENTS, "then greatest(posting_date, coalesce(voided_on, posting_date))", "then coalesce(voided_on, posting_date)", "a void before its posting"),
    Mutant(DOCUMENTS, "when status = 'draft' then 'draft'\n", "", "drafts count"),
    Mutant(DOCUMENTS, "rates.rate_on = with_due_date.posting_date", "rates.rate_on = with_due_date.document_date", "book rate of the document date"),
    Mutant(RECEIPTS, "rates.rate_on = receipts.posting_date", "rates.rate_on = receipts.receipt_date", "book rate of the receipt date"),
    Mutant(RECEIPTS, "when status = 'reversed' then", "when status = 'at_risk' then", "cash at risk is gone, bounced cash stays"),
    Mutant(SETTLEMENT_EVENTS, "'application', 'target', '-1 * amount'", "'application', 'target', 'amount'", "an application raises its target"),
    Mutant(SETTLEMENT_EVENTS, "    ('discount', 'target', '-1 * discount_amount', 'effective_on', 'lowered', 1, 'discount_amount != 0'),\n", "", "discounts are dropped"),
    Mutant(SETTLEMENT_EVENTS, "    ('application_reversal', 'source', '-1 * amount_in_source_currency', 'ended_on', 'ended', 0, 'ended_on < ' ~ open_date()),\n", "", "an ended application frees no cash"),
    Mutant(SETTLEMENT_EVENTS, "'amount_in_source_currency', 'effective_on'", "'amount', 'effective_on'", "the source moves in the target's currency"),
    Mutant(SETTLEMENT_EVENTS, "'discount_amount != 0 and ended_on < ' ~ open_date()", "'discount_amount != 0 and ended_on < effective_on'", "a discount stays when its application ends"),
    Mutant(SETTLEMENT_EVENTS, "        and targets.customer_id = sources.customer_id\n", "", "a transfer between customers shows as an application"),
    # Applications: which fit, and when.
    Mutant(APPLICATIONS, "greatest(coalesce(applied_on, source_posting_date), source_posting_date, target_posting_date)", "greatest(coalesce(applied_on, source_posting_date), source_posting_date)", "applied before the target is posted"),
    Mutant(APPLICATIONS, "least(coalesce(reversed_on, {{ open_date() }}), target_ended_on, source_ended_on)", "least(coalesce(reversed_on, {{ open_date() }}), target_ended_on)", "a bounce leaves its applications"),
    Mutant(APPLICATIONS, "least(coalesce(reversed_on, {{ open_date() }}), target_ended_on, source_ended_on)", "greatest(coalesce(reversed_on, {{ open_date() }}), target_ended_on, source_ended_on)", "applications end with the last of reasons"),
    Mutant(APPLICATIONS, "when target_ended_on < effective_on then", "when target_ended_on <= effective_on then", "an application on the day of the void is held"),
    Mutant(APPLICATIONS, "        when source_direction = 1 then 'source_is_no_credit'\n", "", "a debit may settle a debit"),
    Mutant(f"{INTERMEDIATE}/int_settlements.sql", "    and effective_on < ended_on\n", "", "applications that never lived are events"),
    Mutant(CONTENDED, "lowered.lowering_amount > capacities.least_magnitude", "lowered.lowering_amount > capacities.least_magnitude + 10", "a little too much applied is no contention"),
    Mutant(CONTENDED, "max(amount + discount_amount) as most", "max(amount) as most", "contention forgets discounts"),
    Mutant(CONTENDED, "min(magnitude) as least_magnitude", "max(magnitude) as least_magnitude", "contention by the largest version"),
    Mutant(MOVED, "coalesce(reversed_on = ended_on, false) as is_reversed", "false as is_reversed", "a reversal comes after what lowers, not before"),
    # The order of things.
    Mutant(SETTLEMENT, "POST, END, RAISE, LOWER, END_WITH_SIDE, CLOSE = range(6)", "POST, END, LOWER, RAISE, END_WITH_SIDE, CLOSE = range(6)", "what lowers comes before what raises"),
    Mutant(SETTLEMENT, "POST, END, RAISE, LOWER, END_WITH_SIDE, CLOSE = range(6)", "POST, RAISE, LOWER, END, END_WITH_SIDE, CLOSE = range(6)", "what ends comes after what lowers"),
    Mutant(SETTLEMENT, "key=lambda part: (part.due_on, part.sequence))", "key=lambda part: (part.sequence, part.due_on))", "installments by number, not by due date"),
    Mutant(SETTLEMENT, "        for item in reversed(items):\n            part", "        for item in items:\n            part", "given back to the earliest installment first"),
    Mutant(SETTLEMENT, "need = movement.amount + movement.discount", "need = movement.amount", "a discount needs no room"),
    Mutant(SETTLEMENT, "return amount <= sum(max(item.open", "return amount < sum(max(item.open", "what fits exactly is held"),
    Mutant(SETTLEMENT, "((item.due_on, item.posted_on, item.key, id(item)), item)", "((item.posted_on, item.due_on, item.key, id(item)), item)", "oldest first by posting, not by due date"),
    Mutant(SETTLEMENT, "if row.known_from <= moment < row.known_to],\n            [row for row in installments", "if row.known_from < moment < row.known_to],\n            [row for row in installments", "sides are known a moment late"),
    Mutant(SETTLEMENT, "now[outcome] = (span[0] if span else moment, until)", "now[outcome] = (moment, until)", "an outcome forgets since when it holds"),
    Mutant(SETTLEMENT, "            self.change(settled.source, settled.amount)\n", "", "a released settlement gives no cash back"),
    Mutant(SETTLEMENT, "reached = (2 * movement.source_amount * gone + scale) // (2 * scale)", "reached = (2 * movement.source_amount * gone) // (2 * scale)", "shares across currencies are cut, not rounded"),
    # Adjustments, terms, installments, open-items exports.
    Mutant(ADJUSTMENTS, "        greatest(adjustments.posting_date, items.posting_date) as posting_date", "        adjustments.posting_date", "an adjustment before its document is posted"),
    Mutant(ADJUSTMENTS, "when adjustments.currency != items.currency then 'currency_differs'", "when adjustments.currency = items.currency then 'currency_differs'", "an adjustment of its document's currency is held"),
    Mutant(ADJUSTMENTS, "in ('recovery', 'refund', 'chargeback') and amount < 0", "in ('recovery', 'refund', 'chargeback') and amount > 0", "refunds are held for their sign"),
    Mutant(ADJUSTMENT_EVENTS, "case when items.original_amount < 0 then decided.amount", "case when items.original_amount > 0 then decided.amount", "decided adjustments have the wrong sign"),
    Mutant(TERMS, "coalesce(documents.payment_terms_id, customer_terms.payment_terms_id)", "coalesce(customer_terms.payment_terms_id, documents.payment_terms_id)", "the customer's terms before the document's", "the join to the customer's terms asks that the document has none"),
    Mutant(TERMS, "cast(extract(day from last_day(next_month_start)) as integer)) - 1", "cast(extract(day from last_day(next_month_start)) as integer))", "fixed day one day late"),
    Mutant(TERMS, "when end_of_month then last_day(net_date)", "when end_of_month then next_month_start", "end of month is the first of the next"),
    Mutant(PLANS, "coalesce(totals.installment_total = documents.gross_amount and", "coalesce(totals.installment_total <= documents.gross_amount and", "installments that fall short count"),
    Mutant(DERIVED, "coalesce(settled_on, books_through) as settled_on", "books_through as settled_on", "open-items settlements forget their own date"),
    Mutant(DERIVED, "gross_amount - open_amount as settled_amount", "open_amount as settled_amount", "what is open counts as settled"),
    # Base amounts.
    Mutant(BASE, "open_after = 0 and amount != 0 and phase > 0 as is_closing", "false as is_closing", "the last movement takes no balancing cent"),
    Mutant(BASE, "coalesce(-1 * undone.book_amount, with_segment.book_amount)", "with_segment.book_amount", "what is taken back is valued anew"),
    Mutant(BASE, "closings.own_amount + coalesce(made_good.amount, 0) as amount", "closings.own_amount as amount", "a second closing ignores the first"),
    Mutant(EXCHANGES, "cast(targets.amount_base + sources.amount_base as", "cast(targets.amount_base - sources.amount_base as", "exchange difference of the wrong sign"),
    Mutant(EXCHANGES, "cast(-1 * sources.amount_base as decimal(18, 3)) as amount_base", "targets.amount_base", "the realised difference counts twice"),
    Mutant(EXCHANGES, "        and application_id in (select application_id from applied)\n", "        and false\n", "a side in base currency exchanges nothing"),
    Mutant(MONEY, "when 2 then cast(round({{ amount }}, 2) as decimal(18, 3))\n        else", "when 2 then cast(round({{ amount }}, 1) as decimal(18, 3))\n        else", "cents are rounded away"),
    # Two times.
    Mutant(KNOWLEDGE, "({{ left }}.known_from < {{ right }}.known_to and {{ right }}.known_from < {{ left }}.known_to)", "({{ left }}.known_from <= {{ right }}.known_to and {{ right }}.known_from < {{ left }}.known_to)", "versions that only touch are known together"),
    Mutant(KNOWLEDGE, "known_to as gap_from,", "known_from as gap_from,", "what was deleted is known as nothing from its start"),
    Mutant(OPEN_ITEMS, "({{ alias }}.known_from <= {{ moment }} and", "({{ alias }}.known_from < {{ moment }} and", "a drop is known only after its moment"),
    Mutant(OPEN_ITEMS, "{{ alias }}.known_to > {{ moment }})", "{{ alias }}.known_to >= {{ moment }})", "what ended at a moment is still known then"),
    Mutant(EVENTS, "min(known_from) as known_from,", "max(known_from) as known_from,", "merged events forget since when they are known"),
    Mutant(BASE, "        and movements.known_to > spans.span_from\n", "", "base amounts count movements that are no longer known"),
    Mutant(BALANCES, "    where {{ is_known() }}\n        and posting_date", "    where posting_date", "balances of everything ever known"),
    # As of a day, and buckets.
    Mutant(OPEN_ITEMS, "where events.posting_date <= {{ as_of }}", "where events.posting_date < {{ as_of }}", "the day itself does not count"),
    Mutant(OPEN_ITEMS, "having sum(events.amount) != 0 or sum(events.amount_base) != 0", "having sum(events.amount) > 0", "open credits are no open items"),
    Mutant(OPEN_ITEMS, "            and aged.age_days <= coalesce(buckets.days_to, aged.age_days)", "            and aged.age_days < coalesce(buckets.days_to, aged.age_days + 1)", "the last day of a bucket is in none"),
    Mutant(OPEN_ITEMS, "when balances.open_amount < 0 or (balances.open_amount = 0", "when balances.open_amount > 0 or (balances.open_amount = 0", "debits stand unapplied"),
    Mutant(OPEN_ITEMS, "'document_date' then greatest({{ days_between(as_of, 'items.document_date') }}, 1)", "'document_date' then greatest({{ days_between(as_of, 'items.document_date') }}, 0)", "current by document date"),
    Mutant(WEEKLY, "'buckets.days_to + 1'", "'buckets.days_to'", "a week end on a bucket's last day is in none"),
    Mutant(WEEKLY, "    and week_ends.week_end < stays.stays_to", "    and week_ends.week_end <= stays.stays_to", "an item on its way is in two buckets"),
    # Months.
    Mutant(DAILY, "        and posting_date <= {{ as_of() }}", "        and posting_date < {{ as_of() }}", "the last day of the books does not count"),
    Mutant(DAILY, "in ('document', 'void') and events.event_subtype in ('invoice', 'debit_memo', 'credit_memo')", "in ('document') and events.event_subtype in ('invoice', 'debit_memo', 'credit_memo')", "voided sales stay sales"),
    Mutant(DAILY, "in ('invoice', 'debit_memo', 'credit_memo')", "in ('invoice', 'debit_memo')", "credit memos lower no sales"),
    Mutant(MONTHLY, "sum(case when movement = 'collected' then -amount_base else 0 end) as collected_amount", "sum(case when event_type = 'receipt' then -amount_base else 0 end) as collected_amount", "bounced cash counts as collected"),
    Mutant(MONTHLY, "        and ended_on > least(last_day(posting_date), {{ as_of() }})\n", "", "what was voided in its month was due"),
    Mutant(MONTHLY, "        and due_date <= least(last_day(posting_date), {{ as_of() }})\n", "", "everything posted was due"),
    Mutant(MONTHLY, "greatest({{ month_index('valid_from') }} + 1, {{ month_index('due_date') }}) as start_index", "greatest({{ month_index('valid_from') }}, {{ month_index('due_date') }}) as start_index", "due twice in its first month"),
    Mutant(MONTHLY, "        {{ month_index('greatest(valid_from, ' ~ add_days('due_date', 1) ~ ')') }} as start_index", "        {{ month_index('greatest(valid_from, ' ~ add_days('due_date', 0) ~ ')') }} as start_index", "past due on the due date"),
    Mutant(DSO, "rows between {{ window - 1 }} preceding", "rows between {{ window }} preceding", "a window one month too long"),
    Mutant(DSO, "month_from_index('month_index - ' ~ (window - 1))", "month_from_index('month_index - ' ~ window)", "the window's days one month too many"),
    Mutant(DSO, "            when sales_amount > receivable_amount - covered_amount\n", "            when sales_amount > receivable_amount\n", "the last month of the count-back forgets what was covered before"),
    Mutant(DSO, "        ) - greatest(history.credit_sales_amount, 0) as covered_amount", "        ) as covered_amount", "count-back covers the month itself"),
    Mutant(DSO, "max(receivable_amount) > sum(greatest(sales_amount, 0)) as is_truncated", "max(receivable_amount) >= sum(greatest(sales_amount, 0)) as is_truncated", "a history that just suffices is truncated"),
    Mutant(TURNOVER, "opening_amount + closing_amount as twice_the_mean_amount", "closing_amount + closing_amount as twice_the_mean_amount", "turnover on the closing balance"),
    Mutant(TURNOVER, "'2 * 365 * credit_sales_amount'", "'2 * 360 * credit_sales_amount'", "a year of 360 days"),
    Mutant(COLLECTION, "opening_amount + opening_balances_amount + credit_sales_amount - closing_current_amount as collectable_amount", "opening_amount + credit_sales_amount - closing_current_amount as collectable_amount", "opening balances were not collectable"),
    Mutant(ROLLFORWARD, "cast(closing_amount - coalesce(amount, 0) as decimal(18, 3)) as opening_amount", "cast(closing_amount as decimal(18, 3)) as opening_amount", "opening is closing"),
    Mutant(LEDGER, "when {{ document_type }} = 'credit_memo' then 'credited'", "when {{ document_type }} = 'credit_memo' then 'billed'", "credit memos are billed"),
    Mutant(LEDGER, "when {{ adjustment_type }} in ('write_off', 'small_balance', 'recovery')", "when {{ adjustment_type }} in ('write_off', 'small_balance')", "recoveries are something else"),
    Mutant(CALENDAR, "then least(month_end, {{ as_of() }}) else month_end end as period_end", "then month_end else month_end end as period_end", "an unfinished month ends with the calendar's"),
]  # fmt: skip
