-- Detects: a month that a company has and the group (ALL) has not.
-- Means:   the group's figures are missing: the reporting currency is none that is known.
-- Each row: one month.
select companies.month_end
from {{ ref('int_receivable_monthly') }} as companies
left join {{ ref('int_receivable_monthly') }} as company_group
    on company_group.company_id = 'ALL'
    and company_group.month_index = companies.month_index
where companies.company_id != 'ALL'
    and company_group.month_index is null
group by companies.month_end
