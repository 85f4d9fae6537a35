{#-
    The one source of `fct_open_items` and of the published table functions: what is open at the close of `as_of`, as known at `known_at`.

    `as_of`, `known_at`: SQL expressions; known_at none = what the build knows. `tables`: dict of relations events (or balances, which hold what the build
    knows), items, disputes, promises, assignments, buckets, rates, companies, currencies. `basis`: SQL expression (due_date, document_date or posting_date) or none for due_date.

    What is open is revalued at the rate of `as_of`, as known at `known_at`: into the company's base currency, and into the reporting currency. Each item is
    rounded half up to the minor unit, so that the sums are sums of these rows; without a rate the amounts are NULL (decision 0012).
-#}
{% macro open_items_sql(as_of, known_at, tables, basis=none) -%}
    with targets as (
        select base_currency as to_currency from {{ tables['companies'] }} as companies
        union
        select {{ reporting_currency(tables['companies']) }} as to_currency
    ),

    pairs as (
        select known_currencies.from_currency, targets.to_currency, {{ as_of }} as rate_on
        from (
            select from_currency from {{ tables['rates'] }} as rates
            union
            select to_currency as from_currency from {{ tables['rates'] }} as rates
            union
            select to_currency as from_currency from targets
        ) as known_currencies
        cross join targets
    ),

    conversions as (
        select
            pairs.from_currency, pairs.to_currency, currencies.minor_units,
            case when pairs.from_currency = pairs.to_currency then cast(1 as decimal(18, 9)) else resolved.rate end as rate,
            case when pairs.from_currency = pairs.to_currency then pairs.rate_on else resolved.rate_date end as rate_date
        from pairs
        inner join {{ tables['currencies'] }} as currencies on currencies.currency = pairs.to_currency
        left join {{ resolve_rates('pairs', tables) }} as resolved
            on resolved.from_currency = pairs.from_currency
            and resolved.to_currency = pairs.to_currency
            and {{ known_when('resolved', known_at) }}
    )

    select
        {{ as_of }} as as_of_date,
        bucketed.item_id, bucketed.item_type, bucketed.company_id, bucketed.customer_id, bucketed.receivable_account,
        bucketed.document_id, bucketed.document_number, bucketed.installment_sequence,
        bucketed.document_date, bucketed.posting_date, bucketed.due_date,
        bucketed.currency, bucketed.original_amount, bucketed.open_amount,
        bucketed.base_currency, bucketed.original_amount_base, bucketed.open_amount_base,
        bucketed.days_past_due,
        bucketed.bucket_id,
        coalesce(bucketed.open_amount > 0 and disputes.disputed_amount is not null, false) as is_disputed,
        -- The disputed amount of a document in installments falls on what is due first; never more than what is open.
        cast(case when bucketed.open_amount > 0 and disputes.disputed_amount is not null then
            greatest(least(disputes.disputed_amount - (bucketed.open_before - bucketed.open_amount), bucketed.open_amount), 0)
        else 0 end as decimal(18, 3)) as disputed_amount,
        case when bucketed.open_amount > 0 then coalesce(document_promises.promised_on, customer_promises.promised_on) end as promised_on,
        assignments.collector_id,
        bucketed.is_at_risk, bucketed.original_document_id, bucketed.salesperson_id, bucketed.product_line, bucketed.reference,
        {{ convert('bucketed.open_amount', 'to_reporting.rate', 'to_reporting.minor_units') }} as open_amount_reporting,
        reporting.reporting_currency,
        to_reporting.rate as reporting_rate,
        to_reporting.rate_date as reporting_rate_date,
        {{ convert('bucketed.open_amount', 'to_base.rate', 'to_base.minor_units') }} as revalued_base_amount_reporting,
        cast(
            {{ convert('bucketed.open_amount', 'to_base.rate', 'to_base.minor_units') }} - bucketed.open_amount_base as decimal(18, 3)
        ) as unrealised_base_amount_reporting,
        to_base.rate as revaluation_rate,
        to_base.rate_date as revaluation_rate_date,
        case when to_reporting.rate is null or to_base.rate is null then 'no_exchange_rate' end as null_reason
    from (
        select
            aged.*,
            case when aged.age_days is null then 'unapplied' else buckets.bucket_id end as bucket_id,
            sum(aged.open_amount) over (
                partition by aged.company_id, aged.document_id, aged.item_type
                order by aged.due_date nulls last, aged.item_id rows between unbounded preceding and current row
            ) as open_before
        from (
            select
                items.*,
                balances.open_amount,
                balances.open_amount_base,
                case
                    when items.due_date is not null then {{ days_between(as_of, 'items.due_date') }}
                    when balances.open_amount > 0 then {{ days_between(as_of, 'items.posting_date') }}
                end as days_past_due,
                -- The days that choose the bucket: NULL for open credits, which stand in `unapplied`.
                case
                    when balances.open_amount < 0 or (balances.open_amount = 0 and balances.open_amount_base < 0) then
                        {% if var('credits_aged') -%}
                        {{ days_between(as_of, 'coalesce(items.due_date, items.posting_date)') }}
                        {%- else -%} null {%- endif %}
                    {% if basis -%}
                    when {{ basis }} = 'document_date' then greatest({{ days_between(as_of, 'items.document_date') }}, 1)
                    when {{ basis }} = 'posting_date' then greatest({{ days_between(as_of, 'items.posting_date') }}, 1)
                    when {{ basis }} is distinct from 'due_date' then error('basis is due_date, document_date or posting_date')
                    {% endif -%}
                    else {{ days_between(as_of, 'coalesce(items.due_date, items.posting_date)') }}
                end as age_days
            from (
                {% if 'balances' in tables -%}
                select item_id, open_amount, open_amount_base
                from {{ tables['balances'] }}
                where valid_from <= {{ as_of }} and valid_to > {{ as_of }}
                {%- else -%}
                select
                    events.item_id,
                    cast(sum(events.amount) as decimal(18, 3)) as open_amount,
                    cast(sum(events.amount_base) as decimal(18, 3)) as open_amount_base
                from {{ tables['events'] }} as events
                where events.posting_date <= {{ as_of }}
                    and {{ known_when('events', known_at) }}
                group by events.item_id
                having sum(events.amount) != 0 or sum(events.amount_base) != 0
                {%- endif %}
            ) as balances
            inner join {{ tables['items'] }} as items
                on items.item_id = balances.item_id
                and {{ known_when('items', known_at) }}
        ) as aged
        left join {{ tables['buckets'] }} as buckets
            on buckets.bucket_id != 'unapplied'
            and aged.age_days >= coalesce(buckets.days_from, aged.age_days)
            and aged.age_days <= coalesce(buckets.days_to, aged.age_days)
    ) as bucketed
    cross join (select {{ reporting_currency(tables['companies']) }} as reporting_currency) as reporting
    left join conversions as to_reporting
        on to_reporting.from_currency = bucketed.currency
        and to_reporting.to_currency = reporting.reporting_currency
    left join conversions as to_base
        on to_base.from_currency = bucketed.currency
        and to_base.to_currency = bucketed.base_currency
    left join (
        select document_id, currency, sum(disputed_amount) as disputed_amount
        from {{ tables['disputes'] }} as disputes
        where opened_on <= {{ as_of }}
            and (closed_on is null or closed_on > {{ as_of }})
            and {{ known_when('disputes', known_at) }}
        group by document_id, currency
    ) as disputes
        on disputes.document_id = bucketed.document_id
        and disputes.currency = bucketed.currency
        and bucketed.item_type not in ('receipt', 'adjustment')
    left join (
        select document_id, max(promised_on) as promised_on
        from {{ tables['promises'] }} as promises
        where document_id is not null and created_on <= {{ as_of }} and status = 'open' and {{ known_when('promises', known_at) }}
        group by document_id
    ) as document_promises on document_promises.document_id = bucketed.document_id
    left join (
        select customer_id, max(promised_on) as promised_on
        from {{ tables['promises'] }} as promises
        where document_id is null and created_on <= {{ as_of }} and status = 'open' and {{ known_when('promises', known_at) }}
        group by customer_id
    ) as customer_promises on customer_promises.customer_id = bucketed.customer_id
    left join {{ tables['assignments'] }} as assignments
        on assignments.customer_id = bucketed.customer_id
        and {{ known_when('assignments', known_at) }}
{%- endmacro %}

{#- True for the versions known at the SQL expression `known_at` (NULL = now, or the moment that the build was made for); none = what the build knows. -#}
{% macro known_when(alias, known_at) -%}
    {%- if known_at is none -%} {{ is_known(alias) }}
    {%- else -%}
        {%- set moment = "coalesce(cast(" ~ known_at ~ " as timestamp), timestamp '" ~ (var('known_at', none) or '9999-12-30 00:00:00') ~ "')" -%}
        ({{ alias }}.known_from <= {{ moment }} and {{ alias }}.known_to > {{ moment }})
    {%- endif -%}
{%- endmacro %}

{#- The published table functions (DuckDB only: readers of Parquet on a cluster have the models). They name tables as the published file does. -#}
{% macro create_as_of_functions() -%}
    {%- if target.type == 'duckdb' and execute -%}
    {%- set tables = {
        'events': 'marts.fct_ar_events', 'items': 'marts.dim_item_versions', 'disputes': 'marts.fct_dispute_versions',
        'promises': 'marts.fct_promise_versions', 'assignments': 'marts.dim_collector_assignments', 'buckets': 'marts.dim_aging_buckets',
        'rates': 'marts.dim_exchange_rate_versions', 'companies': 'marts.dim_companies', 'currencies': 'marts.dim_currencies'
    } -%}
    use ar_build;
    create or replace macro marts.open_items_as_of(as_of_date, known_at := NULL) as table (
        {{ open_items_sql('cast(as_of_date as date)', 'known_at', tables) }}
    );
    create or replace macro marts.aging_as_of(as_of_date, basis := 'due_date', known_at := NULL) as table (
        select
            company_id, customer_id, currency, bucket_id, count(*) as item_count,
            cast(sum(open_amount) as decimal(18, 3)) as open_amount, base_currency, cast(sum(open_amount_base) as decimal(18, 3)) as open_amount_base,
            cast(sum(open_amount_reporting) as decimal(18, 3)) as open_amount_reporting, reporting_currency, reporting_rate, reporting_rate_date,
            case when reporting_rate is null then 'no_exchange_rate' end as null_reason
        from ({{ open_items_sql('cast(as_of_date as date)', 'known_at', tables, basis='basis') }}) as open_items
        group by company_id, customer_id, currency, bucket_id, base_currency, reporting_currency, reporting_rate, reporting_rate_date
    );
    use warehouse;
    {%- endif -%}
{%- endmacro %}
