{{ config(post_hook="{{ create_as_of_functions() }}") }}
-- depends_on: {{ ref('fct_ar_events') }}
{{ open_items_sql(as_of(), none, {
    'balances': ref('int_item_balances'), 'items': ref('dim_item_versions'), 'disputes': ref('fct_dispute_versions'),
    'promises': ref('fct_promise_versions'), 'assignments': ref('dim_collector_assignments'), 'buckets': ref('dim_aging_buckets'),
    'rates': ref('dim_exchange_rate_versions'), 'companies': ref('dim_companies'), 'currencies': ref('dim_currencies')
}) }}
