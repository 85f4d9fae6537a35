"""The order of things within a cluster, one sentence per test. Amounts are whole thousandths; days and knowledge times are small integers."""

from itertools import permutations

from orchestration.settlement import Held, Installment, Movement, Piece, Side, clusters, settle

NEVER, ALWAYS = 9_999, 9_999


def debit(key, amount, posted=1, due=None, ended=NEVER, pool=None, known=(0, ALWAYS)):
    return Side(key, 1, amount, posted, posted if due is None else due, ended, pool, *known)


def credit(key, amount, posted=1, ended=NEVER, pool=None, known=(0, ALWAYS)):
    return Side(key, -1, amount, posted, posted, ended, pool, *known)


def application(id, source, target, amount, on=2, ended=NEVER, reversed=False, discount=0, sequence=None, source_amount=None, known=(0, ALWAYS), unit=1):
    return Movement(
        "application", id, target, source, sequence, amount, amount if source_amount is None else source_amount, discount, on, ended, reversed, True, True,
        *known, unit,
    )  # fmt: skip


def adjustment(id, target, amount, on=2):
    return Movement("adjustment", id, target, None, None, amount, 0, 0, on, NEVER, False, True, False, 0, ALWAYS)


def decide(sides, movements, installments=()):
    pieces, held = [], {}
    for group in clusters(sides, installments, movements):
        for outcome, span in settle(*group, never=NEVER, always=ALWAYS):
            if isinstance(outcome, Held):
                held[outcome.id] = (outcome.reason, span)
            else:
                pieces.append((outcome, span))
    return pieces, held


def applied(pieces):
    return {(piece.id, piece.target_item, piece.source_item): piece.amount for piece, _ in pieces}


def test_of_two_applications_that_do_not_both_fit_the_lower_id_of_the_same_day_wins():
    sides = [debit("D", 100), credit("R", 100), credit("S", 100)]
    movements = [application("A2", "S", "D", 60), application("A1", "R", "D", 60)]
    for order in permutations(movements):
        pieces, held = decide(sides, list(order))
        assert applied(pieces) == {("A1", "D", "R"): 60}
        assert held == {"A2": ("exceeds_open_target", (0, ALWAYS))}


def test_a_held_application_leaves_room_for_a_later_smaller_one():
    pieces, held = decide([debit("D", 100), credit("R", 300)], [application("A1", "R", "D", 150), application("A2", "R", "D", 100, on=3)])
    assert applied(pieces) == {("A2", "D", "R"): 100}
    assert list(held) == ["A1"]


def test_more_than_the_source_holds_is_held_with_its_discount():
    pieces, held = decide([debit("D", 100), credit("R", 50)], [application("A1", "R", "D", 60, discount=5)])
    assert (pieces, held) == ([], {"A1": ("exceeds_open_source", (0, ALWAYS))})


def test_a_discount_needs_room_on_the_target_only():
    pieces, held = decide([debit("D", 100), credit("R", 97)], [application("A1", "R", "D", 97, discount=3)])
    assert not held
    assert pieces[0][0].discount == 3


def test_an_application_that_ends_makes_room_on_the_same_day():
    sides = [debit("D", 100), credit("R", 100), credit("S", 100)]
    movements = [application("A1", "R", "D", 100, on=2, ended=5, reversed=True), application("A0", "S", "D", 100, on=5)]
    pieces, held = decide(sides, movements)
    assert not held
    assert applied(pieces) == {("A1", "D", "R"): 100, ("A0", "D", "S"): 100}


def test_a_bounce_makes_room_only_after_the_day():
    sides = [debit("D", 100), credit("R", 100, ended=5), credit("S", 100)]
    movements = [application("A1", "R", "D", 100, on=2, ended=5), application("A2", "S", "D", 100, on=5)]
    assert list(decide(sides, movements)[1]) == ["A2"]
    assert not decide(sides, [movements[0], application("A2", "S", "D", 100, on=6)])[1]


def test_installments_are_filled_from_the_earliest_due():
    parts = [Installment("D", 1, 20, 30, 0, ALWAYS), Installment("D", 2, 10, 30, 0, ALWAYS), Installment("D", 3, 10, 30, 0, ALWAYS)]
    pieces, _ = decide([debit("D", 90), credit("R", 70)], [application("A1", "R", "D", 70)], parts)
    assert applied(pieces) == {("A1", "D:2", "R"): 30, ("A1", "D:3", "R"): 30, ("A1", "D:1", "R"): 10}


def test_an_ended_application_gives_back_its_own_pieces():
    parts = [Installment("D", n, n, 30, 0, ALWAYS) for n in (1, 2, 3)]
    movements = [
        application("A1", "R", "D", 40, on=2, ended=4, reversed=True),
        application("A2", "R", "D", 30, on=3),
        application("A3", "R", "D", 50, on=5),
    ]
    pieces, held = decide([debit("D", 90), credit("R", 200)], movements, parts)
    assert not held
    assert applied(pieces) == {
        ("A1", "D:1", "R"): 30, ("A1", "D:2", "R"): 10, ("A2", "D:2", "R"): 20, ("A2", "D:3", "R"): 10,
        ("A3", "D:1", "R"): 30, ("A3", "D:2", "R"): 10, ("A3", "D:3", "R"): 10,
    }  # fmt: skip


def test_a_named_installment_takes_no_more_than_its_own():
    parts = [Installment("D", n, n, 30, 0, ALWAYS) for n in (1, 2)]
    _, held = decide([debit("D", 60), credit("R", 100)], [application("A1", "R", "D", 40, sequence=2), application("A2", "R", "D", 10, sequence=3)], parts)
    assert {id: reason for id, (reason, _) in held.items()} == {"A1": "exceeds_open_target", "A2": "installment_missing"}


def test_a_source_in_installments_is_drawn_in_order_and_pairs_add_up():
    parts = [Installment("D", n, n, 30, 0, ALWAYS) for n in (1, 2)] + [Installment("C", n, n, 20, 0, ALWAYS) for n in (1, 2, 3)]
    pieces, _ = decide([debit("D", 60), credit("C", 60)], [application("A1", "C", "D", 50)], parts)
    assert applied(pieces) == {("A1", "D:1", "C:1"): 20, ("A1", "D:1", "C:2"): 10, ("A1", "D:2", "C:2"): 10, ("A1", "D:2", "C:3"): 10}
    assert all(piece.amount == piece.source_amount for piece, _ in pieces)


def test_parts_of_another_currency_are_rounded_and_the_last_takes_the_rest():
    parts = [Installment("D", n, n, 100, 0, ALWAYS) for n in (1, 2, 3)]
    pieces, _ = decide([debit("D", 300), credit("R", 1000)], [application("A1", "R", "D", 300, source_amount=1000, unit=10)], parts)
    assert [piece.source_amount for piece, _ in sorted(pieces, key=lambda each: each[0].target_item)] == [330, 340, 330]


def test_a_recovery_gives_back_what_is_due_last_so_that_cash_can_be_applied():
    parts = [Installment("D", n, n, 50, 0, ALWAYS) for n in (1, 2)]
    movements = [adjustment("W", "D", 100, on=2), adjustment("X", "D", -50, on=3), application("A1", "R", "D", 50, on=4)]
    pieces, held = decide([debit("D", 100), credit("R", 50)], movements, parts)
    assert not held
    assert ("A1", "D:2", "R") in applied(pieces)


def test_a_raise_beyond_what_was_lowered_is_one_piece():
    pieces, _ = decide([debit("D", 100, pool="P")], [adjustment("W", "D", 30, on=2), adjustment("X", "D", -50, on=3)])
    assert [(piece.id, piece.target_item, piece.amount) for piece, _ in pieces] == [("W", "D", 30), ("X", "D", -50)]


def test_balance_forward_cash_settles_the_oldest_due_item_first_and_waits_for_the_next():
    sides = [
        debit("D1", 60, due=20, pool="P"),
        debit("D2", 30, due=10, pool="P"),
        credit("R", 100, posted=5, pool="P"),
        debit("D3", 50, posted=8, due=9, pool="P"),
    ]
    pieces, _ = decide(sides, [])
    assert {(piece.target_item, piece.amount, piece.effective_on, piece.is_derived) for piece, _ in pieces} == {
        ("D2", 30, 5, True), ("D1", 60, 5, True), ("D3", 10, 8, True),
    }  # fmt: skip


def test_what_the_ledger_says_explicitly_displaces_what_was_settled_automatically():
    sides = [debit("D1", 100, due=10, pool="P"), debit("D2", 100, due=20, pool="P"), credit("R", 100, posted=5, pool="P")]
    pieces, held = decide(sides, [application("A1", "R", "D2", 100, on=7)])
    assert not held
    live = {(piece.target_item, piece.effective_on, piece.ended_on) for piece, _ in pieces}
    assert live == {("D1", 5, 7), ("D2", 7, NEVER)}


def test_an_application_that_is_held_displaces_nothing():
    sides = [debit("D1", 100, due=10, pool="P"), debit("D2", 300, due=20, pool="P"), credit("R", 100, posted=5, pool="P")]
    pieces, held = decide(sides, [application("A1", "R", "D2", 150, on=7)])
    assert list(held) == ["A1"]
    assert [(piece.target_item, piece.effective_on, piece.ended_on) for piece, _ in pieces] == [("D1", 5, NEVER)]


def test_a_bounced_balance_forward_receipt_opens_its_items_again():
    sides = [debit("D1", 100, pool="P"), credit("R", 100, posted=5, ended=9, pool="P")]
    pieces, _ = decide(sides, [])
    assert [(piece.target_item, piece.effective_on, piece.ended_on) for piece, _ in pieces] == [("D1", 5, 9)]


def test_a_decision_changes_only_from_the_moment_at_which_its_cluster_changed():
    sides = [debit("D", 100, known=(0, 10)), debit("D", 150, known=(10, ALWAYS)), credit("R", 150)]
    pieces, held = decide(sides, [application("A1", "R", "D", 150)])
    assert held == {"A1": ("exceeds_open_target", (0, 10))}
    assert [(piece.amount, span) for piece, span in pieces] == [(150, (10, ALWAYS))]


def test_equal_outcomes_of_adjacent_moments_are_one():
    sides = [debit("D", 100), credit("R", 200, known=(0, 10)), credit("R", 250, known=(10, ALWAYS))]
    pieces, _ = decide(sides, [application("A1", "R", "D", 100)])
    assert [span for _, span in pieces] == [(0, ALWAYS)]


def test_clusters_do_not_depend_on_the_order_of_rows():
    sides = [debit("D", 100), credit("R", 100), debit("E", 50), credit("S", 50)]
    movements = [application("A1", "R", "D", 100), application("A2", "S", "E", 50)]
    groups = [[{side.key for side in group[0]} for group in clusters(order, [], movements)] for order in permutations(sides)]
    assert all(group == [{"D", "R"}, {"E", "S"}] for group in groups)


def test_every_piece_adds_up_to_its_application():
    parts = [Installment("D", n, n, 7, 0, ALWAYS) for n in range(1, 10)]
    pieces, _ = decide([debit("D", 63), credit("R", 100)], [application("A1", "R", "D", 50, discount=13)], parts)
    assert sum(piece.amount for piece, _ in pieces) == sum(piece.source_amount for piece, _ in pieces) == 50
    assert sum(piece.discount for piece, _ in pieces) == 13
    assert all(isinstance(piece, Piece) for piece, _ in pieces)
