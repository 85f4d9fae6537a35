"""Each feed of the contract as one SELECT over the scratch tables: numbers become ids, dates and exact decimals here.

`{drop}` is the number of the drop that is written, `{books_through}` its last day. Every feed says how its rows are ordered, so that the same seed gives the
same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Feed:
    """A feed: its folder, its name, its query, its control total, and whether its first file is compressed."""

    system: str
    name: str
    query: str
    total: str | None = None
    is_large: bool = False
    is_full: bool = False  # delivered whole in every drop


LEDGER = [
    Feed(
        "ledger",
        "companies",
        """
        select company_id, name, currency_of(currency) as base_currency, fiscal_year_start_month, time_zone
        from companies where {drop} = 0 order by 1
    """,
    ),
    Feed(
        "ledger",
        "payment_terms",
        """
        select
            payment_terms_id, description, net_days, nullif(discount_days, 0) as discount_days,
            case when discount_percent > 0 then discount_percent || '.00' end as discount_percent,
            end_of_month > 0 as end_of_month, nullif(fixed_day, 0) as fixed_day
        from payment_terms where {drop} = 0 order by 1
    """,
    ),
    Feed(
        "ledger",
        "customers",
        """
        select
            customer_id, id_of('', parent) as parent_customer_id, name, country, region, customer_group,
            currency_of(currency) as currency, terms_of(terms) as payment_terms_id,
            case when credit_limit >= 0 then money(credit_limit, minor_of(currency)) end as credit_limit, on_hold > 0 as on_hold,
            day_of(opened) as opened_on, is_intercompany > 0 as is_intercompany,
            case when is_oldest_first > 0 then 'oldest_first' when number % 3 = 0 then 'explicit' end as application_rule
        from customers where drop = {drop} order by customer_id
    """,
    ),
    Feed(
        "ledger",
        "documents",
        """
        select
            prefix_of(prefix) || lpad(number::varchar, 8, '0') as document_id, company_id, customer_id, document_number,
            document_type_of(kind) as document_type, day_of(day) as document_date, day_of(posting) as posting_date,
            day_of(due) as due_date, case when kind = 2 then 'IMM' when kind < 2 and (number % 2 = 0) then terms_of(terms) end
            as payment_terms_id, currency_of(documents.currency) as currency,
            case when rate > 0 then rate_text(rate, digits_of(documents.currency)) end as exchange_rate,
            money(gross, minor_of(documents.currency)) as gross_amount, money(tax, minor_of(documents.currency)) as tax_amount,
            money(gross_base, minor_of(base)) as gross_amount_base, id_of('D', original) as original_document_id,
            document_status_of(status) as status, day_of(voided) as voided_on, account as receivable_account,
            case when kind in (0, 1, 6) then 'S' || lpad((relation * 7 % 23 + 1)::varchar, 3, '0') end as salesperson_id,
            case when kind in (0, 1, 6) then product_line_of((number * 11 + relation) % 5) end as product_line,
            case when kind = 0 then 'PO-' || lpad((number * 7919 % 999983)::varchar, 6, '0') end as reference,
            is_deleted > 0 as is_deleted
        from documents
        inner join relations using (relation)
        inner join document_numbers using (prefix, number)
        where drop = {drop}
        order by posting, prefix, number
    """,
        total="gross_amount",
        is_large=True,
    ),
    Feed(
        "ledger",
        "installments",
        """
        select
            id_of('D', number) as document_id, sequence, day_of(due) as due_date, money(amount, minor_of(currency)) as amount
        from installments where drop = {drop} order by 1, 2
    """,
        total="amount",
    ),
    Feed(
        "ledger",
        "receipts",
        """
        select
            id_of('R', number) as receipt_id, company_id, case when is_identified > 0 then customer_id end as customer_id,
            day_of(day) as receipt_date, day_of(day) as posting_date, method_of(method) as method,
            currency_of(receipts.currency) as currency, case when rate > 0 then rate_text(rate, digits_of(receipts.currency)) end
            as exchange_rate, money(amount, minor_of(receipts.currency)) as amount, money(amount_base, minor_of(base)) as amount_base,
            receipt_status_of(status) as status, day_of(reversed) as reversed_on,
            case when reversed >= 0 then bounce_reason_of(number % 4) end as reversal_reason, account as receivable_account,
            case when number % 4 > 0 then 'STMT ' || day_of(day) || '/' || (number % 97 + 1) end as reference
        from receipts
        inner join relations using (relation)
        where drop = {drop}
        order by day, number
    """,
        total="amount",
        is_large=True,
    ),
    Feed(
        "ledger",
        "applications",
        """
        select
            id_of('A', number) as application_id, source_of(source) as source_type,
            prefix_of(source_prefix) || lpad(source_number::varchar, 8, '0') as source_id,
            prefix_of(target_prefix) || lpad(target_number::varchar, 8, '0') as document_id, nullif(sequence, 0) as installment_sequence,
            day_of(applied) as applied_on, money(amount, minor_of(currency)) as amount,
            case when source_amount >= 0 then money(source_amount, minor_of(source_currency)) end as amount_in_source_currency,
            case when discount > 0 then money(discount, minor_of(currency)) end as discount_amount, day_of(reversed) as reversed_on
        from applications where drop = {drop} order by number
    """,
        total="amount",
        is_large=True,
    ),
    Feed(
        "ledger",
        "adjustments",
        """
        select
            id_of('J', number) as adjustment_id,
            case when document_prefix >= 0 then prefix_of(document_prefix) || lpad(document_number::varchar, 8, '0') end as document_id,
            id_of('R', receipt_number) as receipt_id, company_id, customer_id, adjustment_type_of(kind) as adjustment_type,
            day_of(day) as posting_date, currency_of(adjustments.currency) as currency,
            money(amount, minor_of(adjustments.currency)) as amount, money(amount_base, minor_of(base)) as amount_base,
            account as receivable_account, case when kind = 0 then write_off_reason_of(number % 3) end as reason,
            case when kind in (0, 7, 8) then 'U' || lpad((number % 3 + 1)::varchar, 3, '0') end as approved_by
        from adjustments
        inner join relations using (relation)
        where drop = {drop}
        order by day, number
    """,
        total="amount",
    ),
    Feed(
        "ledger",
        "gl_balances",
        """
        select
            company_id, account as receivable_account, day_of(period_end) as period_end, balance_kind,
            currency_of(currency) as currency, money(amount, minor_of(currency)) as closing_balance
        from gl_balances where drop = {drop} order by 1, 2, 3, 4, 5
    """,
        total="closing_balance",
    ),
    Feed(
        "ledger",
        "customer_balances",
        """
        select
            company_id, customer_id, currency_of(currency) as currency, day_of(as_of) as as_of_date,
            money(amount, minor_of(currency)) as balance
        from customer_balances where drop = {drop} order by 1, 2, 3, 4
    """,
        total="balance",
    ),
    Feed(
        "ledger",
        "exchange_rates",
        """
        select
            currency_of(source) as from_currency, currency_of(target) as to_currency, day_of(day) as rate_date,
            rate_text(rate, digits_of(source)) as rate
        from exchange_rates where drop = {drop} order by 1, 2, 3
    """,
        total="rate",
    ),
    Feed(
        "ledger",
        "open_orders",
        """
        select
            id_of('SO', number) as order_id, company_id, customer_id, day_of(day) as order_date, currency_of(orders.currency) as currency,
            money(amount, minor_of(orders.currency)) as amount
        from orders inner join relations using (relation)
        where day <= {books_through} and until > {books_through}
        order by 1
    """,
        total="amount",
        is_full=True,
    ),
]

CRM = [
    Feed(
        "crm",
        "accounts",
        """
        select
            account_id, customer_id, segment, industry, risk_class, nullif(collector_id, '') as collector_id, account_owner_id,
            preferred_channel, do_not_contact > 0 as do_not_contact
        from accounts where drop = {drop} order by 1
    """,
    ),
    Feed(
        "crm",
        "contacts",
        """
        select contact_id, account_id, name, role, email, phone, preferred_channel, opted_out > 0 as opted_out
        from contacts where drop = {drop} order by 1
    """,
    ),
    Feed(
        "crm",
        "users",
        """
        select user_id, name, email, team, role, nullif(manager_id, '') as manager_id from users where drop = {drop} order by 1
    """,
    ),
    Feed(
        "crm",
        "activities",
        """
        select
            id_of('AV', number) as activity_id, id_of('AC', 10000 + customer) as account_id, id_of('D', document) as document_id,
            user_of(user) as user_id, moment_of(day, minute) as occurred_at, channel_of(channel) as channel,
            case when inbound > 0 then 'inbound' else 'outbound' end as direction, outcome_of(outcome) as outcome,
            day_of(next) as next_action_on, note_of(note) as note
        from activities where drop = {drop} order by day, minute, number
    """,
        is_large=True,
    ),
    Feed(
        "crm",
        "promises",
        """
        select
            id_of('PR', number) as promise_id, id_of('AC', 10000 + customer) as account_id, id_of('D', document) as document_id,
            user_of(user) as user_id, moment_of(day, minute) as created_at, day_of(promised) as promised_on,
            currency_of(currency) as currency, money(amount, minor_of(currency)) as amount, promise_status_of(status) as status,
            id_of('PR', superseded_by) as superseded_by
        from promises where drop = {drop} order by number
    """,
        total="amount",
    ),
    Feed(
        "crm",
        "disputes",
        """
        select
            id_of('DP', number) as dispute_id, id_of('D', number) as document_id, day_of(opened) as opened_on, day_of(closed) as closed_on,
            dispute_reason_of(number % 6) as reason, case when closed >= 0 then root_cause_of((number * 5 + 1) % 6) end as root_cause,
            currency_of(currency) as currency, money(amount, minor_of(currency)) as disputed_amount,
            resolution_of(resolution) as resolution,
            case when resolved >= 0 then money(resolved, minor_of(currency)) end as resolved_amount, user_of(user) as owner_id
        from disputes where drop = {drop} order by opened, number
    """,
        total="disputed_amount",
    ),
    Feed(
        "crm",
        "dunning_events",
        """
        select
            id_of('DU', number) as dunning_id, id_of('AC', 10000 + customer) as account_id, id_of('D', document) as document_id, level,
            channel_of(channel) as channel, moment_of(day, minute) as sent_at,
            case level when 1 then '0.00' when 2 then '5.00' when 3 then '10.00' else '25.00' end as fee
        from dunning_events where drop = {drop} order by day, number
    """,
        is_large=True,
    ),
    Feed(
        "crm",
        "payment_plans",
        """
        select
            id_of('PP', number) as plan_id, sequence, id_of('AC', 10000 + customer) as account_id, day_of(due) as due_on,
            currency_of(currency) as currency, money(amount, minor_of(currency)) as amount, 'agreed' as status
        from payment_plans where drop = {drop} order by 1, 2
    """,
        total="amount",
    ),
    Feed(
        "crm",
        "credit_reviews",
        """
        select
            id_of('RV', number) as review_id, lpad((10000 + customer)::varchar, 8, '0') as customer_id, day_of(day) as reviewed_on,
            day_of(next) as next_review_on, score, risk_of(risk) as risk_class,
            case when old_limit >= 0 then money(old_limit, minor_of(currency)) end as old_limit,
            case when new_limit >= 0 then money(new_limit, minor_of(currency)) end as new_limit,
            case when insured >= 0 then money(insured, minor_of(currency)) end as insured_amount,
            case when insured >= 0 then insurer_of(insurer) end as insurer,
            case when reserve >= 0 then money(reserve, minor_of(currency)) end as specific_reserve,
            'U' || lpad(reviewer::varchar, 3, '0') as reviewer_id
        from credit_reviews where drop = {drop} order by day, number
    """,
    ),
    Feed(
        "crm",
        "agency_placements",
        """
        select
            id_of('AP', number) as placement_id, id_of('D', number) as document_id, day_of(placed) as placed_on,
            agency_of(number % 3) as agency, money(amount, minor_of(currency)) as placed_amount, day_of(returned) as returned_on,
            case when recovered >= 0 then money(recovered, minor_of(currency)) end as recovered_amount,
            case when fee >= 0 then money(fee, minor_of(currency)) end as fee
        from agency_placements where drop = {drop} order by placed, number
    """,
        total="placed_amount",
    ),
    Feed(
        "crm",
        "business_events",
        """
        select
            id_of('BE', number) as event_id, nullif(company_id, '') as company_id, day_of(day) as event_date, category, title,
            nullif(customer_group, '') as customer_group
        from business_events where drop = {drop} order by day, number
    """,
    ),
]

FEEDS = LEDGER + CRM
