{#- Exact decimal arithmetic. `decimal / decimal` is DOUBLE on DuckDB, so division goes through integers of the smallest unit. -#}

{#- `amount` (any decimal) rounded half up (away from zero) to `minor_units` decimals (0 to 3, a column or a number). -#}
{% macro round_money(amount, minor_units) -%}
    {#- Each branch is cast: a CASE over decimals of several scales would take the smallest and lose the cents. -#}
    case {{ minor_units }}
        when 0 then cast(round({{ amount }}, 0) as decimal(18, 3))
        when 1 then cast(round({{ amount }}, 1) as decimal(18, 3))
        when 2 then cast(round({{ amount }}, 2) as decimal(18, 3))
        else cast(round({{ amount }}, 3) as decimal(18, 3))
    end
{%- endmacro %}

{#- How many decimals `amount` (DECIMAL(18,3)) has, trailing zeros aside; 0 without an amount. More than its currency has are never rounded away. -#}
{% macro decimals_of(amount) -%}
    case
        when {{ amount }} is null or {{ amount }} = round({{ amount }}, 0) then 0
        when {{ amount }} = round({{ amount }}, 1) then 1
        when {{ amount }} = round({{ amount }}, 2) then 2
        else 3
    end
{%- endmacro %}

{#-
    numerator ÷ denominator, both money or other decimals with at most 9 decimals and 18 digits, rounded half up to `scale` decimals.
    NULL where the denominator is NULL or <= 0: a ratio without a base is refused, never 0 or infinity.
-#}
{% macro safe_divide(numerator, denominator, scale=6) -%}
    {{ return(adapter.dispatch('safe_divide')(numerator, denominator, scale)) }}
{%- endmacro %}

{% macro default__safe_divide(numerator, denominator, scale) -%}
    {#-
        Both as integers of one unit: in thousandths in a machine word where they have no more decimals and are small enough, else in units of 1e-9 in 128 bits,
        whose division costs forty times as much.
    -#}
    {%- set small_n = "cast(" ~ numerator ~ " as decimal(18, 3))" -%}
    {%- set small_d = "cast(" ~ denominator ~ " as decimal(18, 3))" -%}
    {%- set narrow = default__quotient("cast(" ~ small_n ~ " * 1000 as bigint)", "cast(" ~ small_d ~ " * 1000 as bigint)", scale) -%}
    {%- set wide = default__quotient(
        "cast(cast(" ~ numerator ~ " as decimal(30, 9)) * 1000000000 as hugeint)", "cast(cast(" ~ denominator ~ " as decimal(30, 9)) * 1000000000 as hugeint)", scale
    ) -%}
    {%- set limit = 10 ** [15 - scale, 11] | min -%}
    cast(case when ({{ denominator }}) > 0 then
        cast(sign({{ numerator }}) as integer)
        * cast(case when abs({{ numerator }}) < {{ limit }} and ({{ denominator }}) < {{ limit }} then
            case when {{ small_n }} = ({{ numerator }}) and {{ small_d }} = ({{ denominator }}) then {{ narrow }} else {{ wide }} end
        else {{ wide }} end as decimal(30, 0))
        * cast('{{ "0." ~ "0" * (scale - 1) ~ "1" if scale > 0 else "1" }}' as decimal({{ scale + 1 }}, {{ scale }}))
    end as decimal(18, {{ scale }}))
{%- endmacro %}

{#- |n| ÷ d of integers, d > 0, in units of 10^-scale: (2 n 10^s + d) div 2d is half up. -#}
{% macro default__quotient(n, d, scale) -%}
    (2 * abs({{ n }}) * {{ 10 ** scale }} + {{ d }}) // nullif(2 * {{ d }}, 0)
{%- endmacro %}

{% macro spark__safe_divide(numerator, denominator, scale) -%}
    cast(case when ({{ denominator }}) > 0 then
        round(cast({{ numerator }} as decimal(28, 9)) / cast({{ denominator }} as decimal(28, 9)), {{ scale }})
    end as decimal(18, {{ scale }}))
{%- endmacro %}

{#- part × whole_base ÷ whole, rounded half up to `minor_units`: the base amount of a part of an item whose base amount was given, not computed. -#}
{% macro prorate(part, whole_base, whole, minor_units) -%}
    {{ return(adapter.dispatch('prorate')(part, whole_base, whole, minor_units)) }}
{%- endmacro %}

{% macro default__prorate(part, whole_base, whole, minor_units) -%}
    {%- set p = "cast(cast(" ~ part ~ " as decimal(30, 3)) * 1000 as hugeint)" -%}
    {%- set b = "cast(cast(" ~ whole_base ~ " as decimal(30, 3)) * 1000 as hugeint)" -%}
    {%- set w = "cast(cast(" ~ whole ~ " as decimal(30, 3)) * 1000 as hugeint)" -%}
    {#- unit = thousandths in one minor unit of the base currency -#}
    {%- set unit = "(case " ~ minor_units ~ " when 0 then 1000 when 1 then 100 when 2 then 10 else 1 end)" -%}
    cast(cast(
        cast(sign({{ part }}) * sign({{ whole_base }}) * sign({{ whole }}) as integer)
        * ((2 * abs({{ p }}) * abs({{ b }}) + abs({{ w }}) * {{ unit }}) // nullif(2 * abs({{ w }}) * {{ unit }}, 0)) * {{ unit }}
        as decimal(30, 0)) * cast('0.001' as decimal(4, 3)) as decimal(18, 3))
{%- endmacro %}

{% macro spark__prorate(part, whole_base, whole, minor_units) -%}
    {{ round_money("cast(" ~ part ~ " as decimal(18, 3)) * cast(" ~ whole_base ~ " as decimal(18, 3)) / nullif(" ~ whole ~ ", 0)", minor_units) }}
{%- endmacro %}

{#- amount × rate, rounded half up to `minor_units`. The wide cast keeps the product inside 38 digits. -#}
{% macro convert(amount, rate, minor_units) -%}
    {{ round_money("cast(" ~ amount ~ " as decimal(29, 3)) * " ~ rate, minor_units) }}
{%- endmacro %}
