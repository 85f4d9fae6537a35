"""What explains a difference, one rule per test, and what must not. Amounts are whole thousandths; positive = the general ledger shows more."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.reconciliation import CAUSES, Books, Day, Line, Posting, Row, explain

MAY, JUNE, JULY = date(2026, 5, 31), date(2026, 6, 30), date(2026, 7, 31)


def line(difference, end=JUNE, prior=MAY, following=None, after=None, kind="document_currency", currency="EUR", rounding=0, has_documents=True):
    name = f"{kind} {currency} {end}"
    return Line(name, "A", "1200", end, kind, currency, "EUR", difference, prior, following, after, has_documents, rounding)


def row(evidence, object_id, amount, base=None, until=None, several=False):
    return Row(evidence, "document", object_id, date(2026, 6, 1), amount, amount if base is None else base, evidence, until, several)


def posting(object_id, amount, on, is_journal=False):
    return Posting("document", object_id, "document", on, amount, amount, is_journal)


def books(*postings):
    def found(_line, amount, after, until):
        return [each for each in postings if each.amount == amount and after < each.posted_on <= until][:2]

    def days(_line, after, until):
        there = sorted({each.posted_on for each in postings if after < each.posted_on <= until})
        sums = {day: sum(each.amount for each in postings if each.posted_on == day) for day in there}
        return [Day(day, sums[day], sums[day], 1) for day in there]

    return Books(found, days)


def causes(lines, rows=(), postings=(), of=None):
    """Return cause, object and amount of each claim of the last line (or of the line ``of``), and what is unexplained."""
    lines = [lines] if isinstance(lines, Line) else list(lines)
    found = {each.line.id: each for each in explain(lines, {each.id: list(rows) for each in lines}, books(*postings))}
    explanation = found[(of or lines[-1]).id]
    return sorted((claim.cause, claim.object_id, claim.amount) for claim in explanation.claims), explanation.unexplained


def test_a_held_row_explains_its_own_amount():
    assert causes(line(100), [row("held", "D", 100)]) == ([("held", "D", 100)], 0)


@pytest.mark.parametrize("difference", [99, -100, 50])
def test_a_held_row_that_is_no_part_of_the_difference_explains_nothing(difference):
    assert causes(line(difference), [row("held", "D", 100)]) == ([], difference)


def test_a_held_row_is_a_part_of_a_larger_difference_and_the_rest_is_unexplained():
    assert causes(line(108), [row("held", "D", 100)]) == ([("held", "D", 100)], 8)


def test_cash_and_journals_are_no_part_of_a_difference_that_they_do_not_close():
    assert causes(line(108), [row("unapplied", "R", 100), row("journal", "J", 5)]) == ([], 108)


def test_one_cause_is_preferred_to_two():
    rows = [row("held", "D", 60), row("rejected", "X", 40), row("unapplied", "R", 100)]
    assert causes(line(100), rows) == ([("unapplied", "R", 100)], 0)


def test_among_as_many_causes_the_first_in_order_wins():
    assert causes(line(100), [row("unapplied", "R", 100), row("rejected", "X", 100)]) == ([("rejected", "X", 100)], 0)


def test_one_of_several_held_rows_may_be_what_differs():
    assert causes(line(60), [row("held", "D", 60), row("held", "E", 45)]) == ([("held", "D", 60)], 0)


def test_of_two_held_rows_of_one_amount_neither_is_what_differs():
    assert causes(line(60), [row("held", "D", 60), row("held", "E", 60)]) == ([], 60)


def test_of_rejected_rows_with_one_key_the_one_that_closes_is_claimed():
    rows = [row("rejected", "D", 60, several=True), row("rejected", "D", 65, several=True)]
    assert causes(line(65), rows) == ([("rejected", "D", 65)], 0)
    assert causes(line(125), rows) == ([], 125)


def test_no_document_counts_twice():
    assert causes(line(200), [row("held", "D", 100), row("absent", "D", 100)])[0] == [("held", "D", 100)]


def test_what_still_counts_at_the_next_period_end_does_not_explain_what_is_gone_there():
    gone = line(100, following=JULY, after=0)
    assert causes(gone, [row("unapplied", "R", 100)])[0] == [("manual_journal", "2026-06-30", 100)]
    assert causes(gone, [row("unapplied", "R", 100, until=JULY)])[0] == [("unapplied", "R", 100)]


@pytest.mark.parametrize(("on", "cause"), [(date(2026, 6, 24), "timing"), (date(2026, 6, 23), "missing_document"), (date(2026, 6, 1), "missing_document")])
def test_a_posting_that_the_general_ledger_lacks_is_timing_within_a_week_of_the_period_end(on, cause):
    assert causes(line(-70), postings=[posting("D", 70, on)]) == ([(cause, "D", -70)], 0)


def test_a_posting_is_timing_wherever_in_the_period_when_the_difference_is_gone_at_the_next_end():
    assert causes(line(-70, following=JULY, after=0), postings=[posting("D", 70, date(2026, 6, 2))])[0] == [("timing", "D", -70)]


def test_a_posting_next_to_the_period_end_is_missing_when_the_difference_stays():
    assert causes(line(-70, following=JULY, after=-70), postings=[posting("D", 70, date(2026, 6, 29))])[0] == [("missing_document", "D", -70)]


def test_a_posting_of_the_period_before_explains_nothing():
    assert causes(line(-70), postings=[posting("D", 70, MAY)]) == ([], -70)


@pytest.mark.parametrize(("on", "claims"), [(date(2026, 7, 1), True), (date(2026, 7, 6), True), (date(2026, 7, 8), False)])
def test_a_posting_after_the_period_end_is_timing_when_it_is_near(on, claims):
    assert causes(line(70), postings=[posting("D", 70, on)])[0] == ([("timing", "D", 70)] if claims else [])


def test_a_posting_after_the_period_end_is_no_timing_when_the_difference_stays():
    assert causes(line(70, following=JULY, after=70), postings=[posting("D", 70, date(2026, 7, 1))]) == ([], 70)


def test_of_two_postings_of_one_amount_nobody_knows_which():
    pair = [posting("D", 70, date(2026, 6, 29)), posting("E", 70, date(2026, 6, 10))]
    assert causes(line(-70, following=JULY, after=0), postings=[*pair, posting("F", 1, date(2026, 6, 29))]) == ([], -70)


def test_a_journal_of_the_subledger_is_a_manual_journal():
    assert causes(line(-70), postings=[posting("J", 70, date(2026, 6, 29), is_journal=True)])[0] == [("manual_journal", "J", -70)]


def test_the_postings_of_the_last_days_are_timing_when_the_general_ledger_closed_before_them():
    postings = [posting("D", 10, date(2026, 6, 30)), posting("E", 20, date(2026, 6, 29)), posting("F", 40, date(2026, 6, 27))]
    assert causes(line(-30), postings=postings)[0] == [("timing", "2026-06-29", -20), ("timing", "2026-06-30", -10)]


def test_what_is_taken_back_in_part_is_no_journal_of_the_general_ledger():
    assert causes(line(100, following=JULY, after=40)) == ([], 100)


def test_what_was_missing_stands_beside_what_is_new_at_the_next_period_end():
    postings = [posting("D", 70, date(2026, 6, 10)), posting("E", 5, date(2026, 7, 30))]
    june, july = line(-70, following=JULY, after=-75), line(-75, end=JULY, prior=JUNE)
    assert causes([june, july], postings=postings) == ([("missing_document", "D", -70), ("timing", "E", -5)], 0)


def test_base_takes_over_what_explains_the_documents():
    usd, base = line(100, currency="USD"), line(92, kind="base_total")
    found = {each.line.id: each for each in explain([base, usd], {usd.id: [row("held", "D", 100, base=92)]}, books())}
    assert [(claim.cause, claim.object_id, claim.amount) for claim in found[base.id].claims] == [("held", "D", 92)]


def test_a_row_without_a_rate_takes_what_is_left_in_base_but_not_against_its_sign():
    usd = line(100, currency="USD")
    without_rate = Row("held", "document", "D", JUNE, 100, None, "held")
    for difference, claimed in ((92, [92]), (-92, [])):
        base = line(difference, kind="base_total")
        found = {each.line.id: each for each in explain([usd, base], {usd.id: [without_rate]}, books())}
        assert [claim.amount for claim in found[base.id].claims] == claimed


@pytest.mark.parametrize(("difference", "explained"), [(15, True), (-15, True), (16, False)])
def test_rounding_goes_as_far_as_half_a_unit_for_each_movement(difference, explained):
    claims, unexplained = causes(line(difference, kind="base_total", rounding=30))
    assert (claims, unexplained) == (([("exchange_rounding", "EUR", difference)], 0) if explained else ([], difference))


def test_nothing_is_rounding_while_a_document_currency_is_not_explained():
    usd, base = line(3, currency="USD"), line(10, kind="base_total", rounding=30)
    assert causes([usd, base], of=base) == ([], 10)


def test_nothing_is_rounding_where_document_currencies_are_not_delivered():
    assert causes(line(10, kind="base_total", rounding=30, has_documents=False)) == ([], 10)


ROWS = st.lists(
    st.builds(
        row, st.sampled_from(["late", "held", "rejected", "unidentified", "unapplied", "journal", "absent"]), st.sampled_from("ABCDEF"), st.integers(-9, 9)
    ),
    max_size=6,
)
POSTINGS = st.lists(
    st.builds(posting, st.sampled_from("GHIJ"), st.integers(1, 9), st.integers(-40, 40).map(lambda days: JUNE + timedelta(days=days))), max_size=5
)


@given(st.integers(-12, 12), st.one_of(st.none(), st.integers(-12, 12)), ROWS, POSTINGS)
def test_claims_and_the_rest_always_come_to_the_difference(difference, after, rows, postings):
    following = None if after is None else JULY
    claims, unexplained = causes(line(difference or 1, following=following, after=after), rows, postings)
    assert sum(amount for *_, amount in claims) + unexplained == (difference or 1)
    assert {cause for cause, *_ in claims} <= set(CAUSES)
    assert abs(unexplained) < abs(difference or 1) or not claims
    # What is claimed is there: a row as it stands, a posting, a day, or the period itself.
    known = {each.object_id for each in rows} | {each.object_id for each in postings} | {each.posted_on.isoformat() for each in postings} | {"2026-06-30"}
    assert {object_id for _, object_id, _ in claims} <= known
