{%- set balances = ['closing_amount', 'gross_amount', 'past_due_amount', 'over_90_amount', 'open_amount_days', 'past_due_amount_days', 'disputed_amount', 'disputed_past_due_amount'] -%}
{%- set flows = ['credit_sales_amount', 'billed_amount', 'opening_balances_amount', 'collected_amount', 'written_off_amount', 'small_balance_amount'] -%}
-- The receivable of every company and month without intercompany customers, in base currency, and of the group (ALL) in the reporting currency: balances at the
-- month's end, flows of the month. DSO, turnover, collection and the KPIs are all computed from these rows.
with months as (

    select distinct month_index, month_start, period_end as month_end, period_days as days
    from {{ ref('int_calendar') }}
    where month_start <= {{ as_of() }}

),

company_months as (

    select
        companies.company_id,
        companies.base_currency,
        months.month_index,
        months.month_start,
        months.month_end,
        months.days,
        coalesce(months.month_index >= companies.first_trade_month, false) as is_in_history

    from (
        select
            company_id,
            base_currency,
            {{ month_index('min(posting_date)') }} as first_month,
            {{ month_index('min(case when not is_intercompany then posting_date end)') }} as first_trade_month
        from {{ ref('int_ledger_daily') }}
        group by 1, 2
    ) as companies

    inner join months
        on months.month_index >= companies.first_month

),

-- Flows, by day because the group converts each at its own day's rate.
ledger_flows as (

    select
        company_id,
        posting_date,
        sum(amount_base) as movement_amount,
        sum(sales_amount_base) as credit_sales_amount,
        sum(case when movement = 'billed' then amount_base else 0 end) as billed_amount,
        sum(case when event_type in ('document', 'void') and event_subtype in ('opening_balance', 'opening_credit') then amount_base else 0 end) as opening_balances_amount,
        sum(case when movement = 'collected' then -amount_base else 0 end) as collected_amount,
        sum(case when event_subtype in ('write_off', 'recovery') then -amount_base else 0 end) as written_off_amount,
        sum(case when event_subtype = 'small_balance' then -amount_base else 0 end) as small_balance_amount,
        0 as due_new_amount

    from {{ ref('int_ledger_daily') }}

    where not is_intercompany

    group by 1, 2

),

-- Debit items posted in a month and due within it, unless voided within it.
new_dues as (

    select
        company_id,
        posting_date,
        sum(original_amount_base) as due_new_amount

    from {{ ref('dim_item_versions') }}

    where {{ is_known() }}
        and posting_date <= {{ as_of() }}
        and due_date <= least(last_day(posting_date), {{ as_of() }})
        and ended_on > least(last_day(posting_date), {{ as_of() }})
        and original_amount > 0
        and customer_id not in {{ intercompany_customers() }}

    group by 1, 2

),

flows as (

    select * from ledger_flows
    union all
    select company_id, posting_date, 0, 0, 0, 0, 0, 0, 0, due_new_amount from new_dues

),

-- Balances. Only debit items need their due dates: credits are what is left of the net balance. A stretch in which an item's balance holds adds to every month
-- end from one month (inclusive) to another (exclusive), so each is two changes of a running sum, whatever its length.
debit_spans as (

    select
        company_id,
        open_amount_base,
        valid_from,
        valid_to,
        coalesce(due_date, posting_date) as due_date,
        {{ month_index('valid_to') }} as end_index,
        cast(open_amount_base as decimal(30, 3)) * {{ days_between('document_date', "date '1970-01-01'") }} as document_day_amount,
        cast(open_amount_base as decimal(30, 3)) * {{ days_between('coalesce(due_date, posting_date)', "date '1970-01-01'") }} as due_day_amount

    from {{ ref('int_item_balances') }}

    where (open_amount > 0 or (open_amount = 0 and open_amount_base > 0))
        and customer_id not in {{ intercompany_customers() }}

),

open_spans as (

    select company_id, {{ month_index('valid_from') }} as start_index, end_index, open_amount_base, document_day_amount
    from debit_spans

),

past_due_spans as (

    select
        company_id,
        {{ month_index('greatest(valid_from, ' ~ add_days('due_date', 1) ~ ')') }} as start_index,
        end_index,
        open_amount_base,
        due_day_amount

    from debit_spans

    where due_date < {{ as_of() }}

),

over_90_spans as (

    select
        company_id,
        {{ month_index('greatest(valid_from, ' ~ add_days('due_date', 91) ~ ')') }} as start_index,
        end_index,
        open_amount_base

    from debit_spans

    where {{ add_days('due_date', 90) }} < {{ as_of() }}

),

-- Open at the month's start and due by its end: counted in months, from the one after the item opened to the one in which it closed.
old_due_spans as (

    select
        company_id,
        greatest({{ month_index('valid_from') }} + 1, {{ month_index('due_date') }}) as start_index,
        end_index + 1 as end_index,
        open_amount_base

    from debit_spans

    where due_date <= {{ as_of() }}

),

changes as (

    select company_id, start_index as month_index, sum(open_amount_base) as gross, sum(document_day_amount) as document_days, 0 as past_due, 0 as due_days, 0 as over_90, 0 as old_due
    from open_spans where start_index < end_index group by 1, 2
    union all
    select company_id, end_index, -sum(open_amount_base), -sum(document_day_amount), 0, 0, 0, 0
    from open_spans where start_index < end_index group by 1, 2
    union all
    select company_id, start_index, 0, 0, sum(open_amount_base), sum(due_day_amount), 0, 0
    from past_due_spans where start_index < end_index group by 1, 2
    union all
    select company_id, end_index, 0, 0, -sum(open_amount_base), -sum(due_day_amount), 0, 0
    from past_due_spans where start_index < end_index group by 1, 2
    union all
    select company_id, start_index, 0, 0, 0, 0, sum(open_amount_base), 0
    from over_90_spans where start_index < end_index group by 1, 2
    union all
    select company_id, end_index, 0, 0, 0, 0, -sum(open_amount_base), 0
    from over_90_spans where start_index < end_index group by 1, 2
    union all
    select company_id, start_index, 0, 0, 0, 0, 0, sum(open_amount_base)
    from old_due_spans where start_index < end_index group by 1, 2
    union all
    select company_id, end_index, 0, 0, 0, 0, 0, -sum(open_amount_base)
    from old_due_spans where start_index < end_index group by 1, 2

),

monthly_changes as (

    select
        company_id,
        month_index,
        sum(gross) as gross,
        sum(document_days) as document_days,
        sum(past_due) as past_due,
        sum(due_days) as due_days,
        sum(over_90) as over_90,
        sum(old_due) as old_due

    from changes

    group by 1, 2

),

monthly_movements as (

    select company_id, {{ month_index('posting_date') }} as month_index, sum(movement_amount) as movement
    from ledger_flows
    group by 1, 2

),

running as (

    select
        company_months.*,
        coalesce(monthly_movements.movement, 0) as movement,
        sum(coalesce(monthly_movements.movement, 0)) over months_so_far as closing,
        sum(coalesce(monthly_changes.gross, 0)) over months_so_far as gross,
        sum(coalesce(monthly_changes.document_days, 0)) over months_so_far as document_days,
        sum(coalesce(monthly_changes.past_due, 0)) over months_so_far as past_due,
        sum(coalesce(monthly_changes.due_days, 0)) over months_so_far as due_days,
        sum(coalesce(monthly_changes.over_90, 0)) over months_so_far as over_90,
        sum(coalesce(monthly_changes.old_due, 0)) over months_so_far as old_due,
        {{ days_between('company_months.month_end', "date '1970-01-01'") }} as month_end_day

    from company_months

    left join monthly_movements
        on monthly_movements.company_id = company_months.company_id
        and monthly_movements.month_index = company_months.month_index

    left join monthly_changes
        on monthly_changes.company_id = company_months.company_id
        and monthly_changes.month_index = company_months.month_index

    window months_so_far as (
        partition by company_months.company_id order by company_months.month_index rows between unbounded preceding and current row
    )

),

-- Disputes that are open at a month's end, on what is still open of their documents: as in fct_open_items, what is due first is disputed first.
disputes as (

    select document_id, currency, opened_on, coalesce(closed_on, {{ open_date() }}) as closed_on, disputed_amount
    from {{ ref('stg_crm__disputes') }}
    where {{ is_known() }}

),

disputed_documents as (

    select disputes.document_id, disputes.currency, months.month_index, months.month_end, sum(disputes.disputed_amount) as disputed_amount
    from disputes
    inner join months
        on disputes.opened_on <= months.month_end
        and disputes.closed_on > months.month_end
    group by 1, 2, 3, 4

),

disputed_items as (

    select item_id, document_id, currency
    from {{ ref('dim_item_versions') }}
    where {{ is_known() }}
        and document_id in (select document_id from disputes)
        and item_type not in ('receipt', 'adjustment')
        and customer_id not in {{ intercompany_customers() }}

),

disputed_balances as (

    select
        balances.company_id,
        disputed_documents.month_index,
        disputed_documents.month_end,
        balances.due_date,
        balances.open_amount,
        balances.open_amount_base,
        disputed_documents.disputed_amount,
        sum(balances.open_amount) over (
            partition by balances.company_id, disputed_documents.document_id, disputed_documents.month_index
            order by balances.due_date nulls last, balances.item_id rows between unbounded preceding and current row
        ) - balances.open_amount as open_before

    from disputed_documents

    inner join disputed_items
        on disputed_items.document_id = disputed_documents.document_id
        and disputed_items.currency = disputed_documents.currency

    inner join {{ ref('int_item_balances') }} as balances
        on balances.item_id = disputed_items.item_id
        and balances.valid_from <= disputed_documents.month_end
        and balances.valid_to > disputed_documents.month_end

    where balances.open_amount > 0

),

monthly_disputed as (

    select
        company_id,
        month_index,
        sum(disputed_base) as disputed_amount,
        sum(case when due_date < month_end then disputed_base else 0 end) as disputed_past_due_amount

    from (
        select
            *,
            {{ prorate('greatest(least(disputed_amount - open_before, open_amount), 0)', 'open_amount_base', 'open_amount', 3) }} as disputed_base
        from disputed_balances
    ) as shares

    group by 1, 2

),

balances as (

    select
        running.company_id,
        running.base_currency,
        running.month_index,
        running.month_start,
        running.month_end,
        running.days,
        running.is_in_history,
        running.closing - running.movement as opening_amount,
        running.closing as closing_amount,
        running.gross as gross_amount,
        running.past_due as past_due_amount,
        running.over_90 as over_90_amount,
        -- Σ open × (month end − date): the date's own part was summed above.
        running.gross * running.month_end_day - running.document_days as open_amount_days,
        running.past_due * running.month_end_day - running.due_days as past_due_amount_days,
        coalesce(monthly_disputed.disputed_amount, 0) as disputed_amount,
        coalesce(monthly_disputed.disputed_past_due_amount, 0) as disputed_past_due_amount,
        running.old_due as due_opening_amount

    from running

    left join monthly_disputed
        on monthly_disputed.company_id = running.company_id
        and monthly_disputed.month_index = running.month_index

),

-- The group: balances at the month end's rate, flows at each day's.
reporting as (

    select {{ reporting_currency() }} as reporting_currency

),

needs as (

    select company_months.base_currency as from_currency, reporting.reporting_currency as to_currency, company_months.month_end as rate_on
    from company_months cross join reporting
    where company_months.base_currency != reporting.reporting_currency
    union
    select companies.base_currency as from_currency, reporting.reporting_currency as to_currency, flows.posting_date as rate_on
    from flows
    inner join {{ ref('stg_ledger__companies') }} as companies on companies.company_id = flows.company_id
    cross join reporting
    where companies.base_currency != reporting.reporting_currency

),

rates as (

    select from_currency, rate_on, rate
    from {{ resolve_rates('needs') }} as resolved
    where {{ is_known('resolved') }}

),

rated_flows as (

    select
        flows.*,
        case when companies.base_currency = reporting.reporting_currency then cast(1 as decimal(18, 9)) else rates.rate end as rate

    from flows

    inner join {{ ref('stg_ledger__companies') }} as companies
        on companies.company_id = flows.company_id

    cross join reporting

    left join rates
        on rates.from_currency = companies.base_currency
        and rates.rate_on = flows.posting_date

),

-- Both branches are cast: a union of decimals takes the smaller scale, and would round the group's flows here.
monthly_flows as (

    select
        company_id,
        {{ month_index('posting_date') }} as month_index,
        false as is_rate_missing
        {%- for flow in flows + ['due_new_amount'] %},
        cast(sum({{ flow }}) as decimal(30, 9)) as {{ flow }}
        {%- endfor %}

    from flows

    group by 1, 2

    union all

    select
        'ALL' as company_id,
        {{ month_index('posting_date') }} as month_index,
        count(*) > count(rate) as is_rate_missing
        {%- for flow in flows + ['due_new_amount'] %},
        cast(sum(cast({{ flow }} as decimal(29, 3)) * rate) as decimal(30, 9)) as {{ flow }}
        {%- endfor %}

    from rated_flows

    group by 1, 2

),

rated_balances as (

    select
        balances.*,
        case when balances.base_currency = reporting.reporting_currency then cast(1 as decimal(18, 9)) else rates.rate end as rate,
        -- A company that neither owns nor owes anything needs no rate.
        balances.closing_amount != 0 or balances.gross_amount != 0 as has_balance

    from balances

    cross join reporting

    left join rates
        on rates.from_currency = balances.base_currency
        and rates.rate_on = balances.month_end

),

-- What was open at a month's start converts like the closing balance before it.
opening_rates as (

    select company_id, month_index + 1 as month_index, rate
    from rated_balances

),

group_balances as (

    select
        rated_balances.month_index,
        rated_balances.month_start,
        rated_balances.month_end,
        rated_balances.days,
        max(case when rated_balances.is_in_history then 1 else 0 end) = 1 as is_in_history,
        count(case when rated_balances.has_balance and rated_balances.rate is null then 1 end) > 0 as is_rate_missing,
        count(case when rated_balances.due_opening_amount != 0 and opening_rates.rate is null then 1 end) > 0 as is_opening_rate_missing,
        {% for balance in balances -%}
        sum(cast(rated_balances.{{ balance }} as decimal(29, 3)) * rated_balances.rate) as {{ balance }},
        {% endfor -%}
        sum(cast(rated_balances.due_opening_amount as decimal(29, 3)) * opening_rates.rate) as due_opening_amount

    from rated_balances

    left join opening_rates
        on opening_rates.company_id = rated_balances.company_id
        and opening_rates.month_index = rated_balances.month_index

    group by 1, 2, 3, 4

),

-- Both branches are cast, for the same reason.
all_balances as (

    select
        company_id,
        base_currency as currency,
        month_index,
        month_start,
        month_end,
        days,
        is_in_history,
        cast(opening_amount as decimal(30, 9)) as opening_amount
        {%- for balance in balances + ['due_opening_amount'] %},
        cast({{ balance }} as decimal(30, 9)) as {{ balance }}
        {%- endfor %}

    from balances

    union all

    select
        'ALL' as company_id,
        reporting.reporting_currency as currency,
        month_index,
        month_start,
        month_end,
        days,
        is_in_history,
        cast(case
            when row_number() over (order by month_index) = 1 then 0
            else lag(case when not is_rate_missing then coalesce(closing_amount, 0) end) over (order by month_index)
        end as decimal(30, 9)) as opening_amount
        {%- for balance in balances %},
        cast(case when not is_rate_missing then coalesce({{ balance }}, 0) end as decimal(30, 9)) as {{ balance }}
        {%- endfor %},
        cast(case when not is_opening_rate_missing then coalesce(due_opening_amount, 0) end as decimal(30, 9)) as due_opening_amount

    from group_balances

    cross join reporting

)

select
    all_balances.company_id,
    all_balances.currency,
    currencies.minor_units,
    all_balances.month_index,
    all_balances.month_start,
    all_balances.month_end,
    all_balances.days,
    all_balances.is_in_history,
    all_balances.opening_amount,
    {% for balance in balances -%}
    all_balances.{{ balance }},
    {% endfor -%}
    {% for flow in flows -%}
    case when not coalesce(monthly_flows.is_rate_missing, false) then coalesce(monthly_flows.{{ flow }}, 0) end as {{ flow }},
    {% endfor -%}
    cast(case
        when not coalesce(monthly_flows.is_rate_missing, false) then all_balances.due_opening_amount + coalesce(monthly_flows.due_new_amount, 0)
    end as decimal(30, 9)) as due_amount

from all_balances

inner join {{ ref('currencies') }} as currencies
    on currencies.code = all_balances.currency

left join monthly_flows
    on monthly_flows.company_id = all_balances.company_id
    and monthly_flows.month_index = all_balances.month_index
