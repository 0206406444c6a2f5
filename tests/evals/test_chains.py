"""A line held against its anchor: what counts as worse, what may be claimed, and e-values that stay valid over dependent looks."""

import math
import random
from fractions import Fraction

import pytest

from evals.statistics.chains import (
    Held,
    Look,
    alarmed,
    claims,
    e_text,
    held,
    log_e,
    log_e_of_chain,
    slid,
    together,
)
from evals.statistics.paired import tango
from evals.statistics.verdicts import Direction, verdict

UP, FLAT, DOWN = Direction.IMPROVED, Direction.INCONCLUSIVE, Direction.REGRESSED


def judged(n10: int, n01: int, n: int, margin: float) -> Held:
    """How a version with these discordant items (won, lost) holds, by Tango's interval."""
    found = tango(n10, n01, n)
    said = verdict(found.lower, found.upper, margin)
    return held(said, found.lower, found.upper, margin, n, higher_is_better=True)


@pytest.mark.parametrize(
    ("won", "lost", "n", "margin", "wanted"),
    [
        (0, 0, 1000, 0.01, Held.HELD),
        (0, 0, 250, 0.01, Held.UNDECIDED),  # no discordant item, and too few items for a margin of one point
        (0, 100, 1000, 0.02, Held.WORSE),
        (10, 10, 400, 0.02, Held.UNDECIDED),
        (1, 14, 400, 0.02, Held.WORSE),  # surely a loss, perhaps one above the margin
        (0, 12, 5000, 0.01, Held.HELD),  # surely a loss, and surely within the margin
    ],
)
def test_what_counts_as_worse(won, lost, n, margin, wanted):
    assert judged(won, lost, n, margin) == wanted


def test_for_a_score_that_should_be_low_a_rise_is_worse():
    said = verdict(0.05, 0.09, 0.02, higher_is_better=False)
    assert held(said, 0.05, 0.09, 0.02, 1000, higher_is_better=False) == Held.WORSE


def test_one_worse_task_is_never_outvoted():
    assert together([Held.HELD, Held.UNDECIDED, Held.WORSE]) == Held.WORSE
    assert together([Held.HELD, Held.UNDECIDED]) == Held.UNDECIDED
    assert together([Held.HELD, Held.HELD]) == Held.HELD
    assert together([]) == Held.UNDECIDED


def test_claims_are_corrected_for_tasks_and_for_looks():
    # Look 1 spends 0.05·6/pi² = 0.030396; among two tasks the smaller p must stay below half of it, 0.015198.
    assert claims([0.015, 0.03], [UP, UP], 1) == [True, True]
    assert claims([0.0153, 0.0001], [DOWN, UP], 1) == [False, True]
    assert claims([0.016, 0.5], [UP, FLAT], 1) == [False, False]
    # Look 2 spends a quarter, 0.007599.
    assert claims([0.007], [UP], 2) == [True]
    assert claims([0.008], [UP], 2) == [False]


def test_a_loss_is_never_claimed_as_a_gain():
    assert claims([1e-9], [DOWN], 1) == [False]


def exact_e(lost: int, won: int) -> Fraction:
    """The mean over the stakes 0.1 to 0.9 of (1 + s)^lost·(1 - s)^won, in fractions."""
    stakes = [Fraction(tenth, 10) for tenth in range(1, 10)]
    return sum(((1 + s) ** lost * (1 - s) ** won for s in stakes), Fraction(0)) / 9


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (1, 0), (0, 1), (3, 1), (14, 1), (30, 5), (5, 30)])
def test_an_e_value_is_the_mean_of_products_in_exact_fractions(lost, won):
    assert math.exp(log_e(lost, won)) == pytest.approx(float(exact_e(lost, won)), rel=1e-12)


def test_the_expectation_of_an_e_value_is_one_when_nothing_is_worse():
    n = 12
    mean = sum(Fraction(math.comb(n, lost), 2**n) * exact_e(lost, n - lost) for lost in range(n + 1))
    assert mean == 1


def test_a_chain_adds_weighted_looks_up():
    looks = [Look(1, 30, 5), Look(2, 3, 3), Look(4, 0, 9)]
    wanted = sum(6 / (math.pi * look.number) ** 2 * float(exact_e(look.lost, look.won)) for look in looks)
    assert math.exp(log_e_of_chain(looks)) == pytest.approx(wanted, rel=1e-12)


def test_a_chain_only_grows_and_without_looks_it_is_nothing():
    looks = [Look(1, 12, 2), Look(2, 0, 40), Look(3, 2, 2)]
    seen = [log_e_of_chain(looks[:number]) for number in range(4)]
    assert seen[0] == -math.inf
    assert seen == sorted(seen)


def test_looking_at_the_same_answers_again_proves_nothing_new():
    """Multiplied, ten looks at one unlucky result would alarm; added up they cannot."""
    unlucky = log_e(9, 4)
    assert alarmed(10 * unlucky)
    assert not alarmed(log_e_of_chain([Look(number, 9, 4) for number in range(1, 11)]))


def test_looks_have_numbers_of_their_own():
    with pytest.raises(ValueError, match="its own number"):
        log_e_of_chain([Look(1, 1, 0), Look(1, 0, 1)])
    with pytest.raises(ValueError, match="counted from 1"):
        log_e_of_chain([Look(0, 1, 0)])
    with pytest.raises(ValueError, match="no counts"):
        log_e(-1, 0)


def test_false_alarms_stay_rare_over_dependent_looks():
    """Twenty versions as good as the anchor, answering the same 300 items; each copies most answers of the one before."""
    draws = random.Random(20240923)
    rounds, alarms = 200, 0
    for _ in range(rounds):
        answers = [draws.choice((-1, 0, 0, 0, 0, 0, 0, 0, 1)) for _ in range(300)]
        looks = []
        for number in range(1, 21):
            answers = [
                draws.choice((-1, 0, 0, 0, 0, 0, 0, 0, 1)) if draws.random() < 0.1 else one for one in answers
            ]
            looks.append(Look(number, answers.count(-1), answers.count(1)))
        alarms += alarmed(log_e_of_chain(looks))
    assert alarms / rounds <= 0.05


def test_a_real_loss_alarms():
    assert alarmed(log_e_of_chain([Look(1, 5, 5), Look(2, 30, 4)]))


def test_e_values_are_written_as_decimals_up_to_a_million():
    assert e_text(0.0) == "1"
    assert e_text(log_e(3, 1)) == "1.38"
    assert e_text(5000.0) == "1000000"
    assert e_text(-50.0) == "0"


def test_a_line_slides_where_every_step_held_and_the_newest_does_not_hold_against_the_anchor():
    assert slid([Held.HELD, Held.HELD], Held.WORSE)
    assert slid([Held.HELD, Held.HELD], Held.UNDECIDED)
    assert not slid([Held.HELD, Held.HELD], Held.HELD)
    assert not slid([Held.HELD, Held.UNDECIDED], Held.WORSE)
    assert not slid([Held.HELD], Held.UNDECIDED)
    assert not slid([], Held.WORSE)
