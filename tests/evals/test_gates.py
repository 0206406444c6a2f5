"""Gates on harm: non-inferior by their own margin, undecided while too small, all of them or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics.gates import Outcome, all_hold, harm_gate
from evals.statistics.paired import tango


@pytest.mark.parametrize(
    ("n10", "n01", "n", "outcome"),
    [
        (0, 0, 250, Outcome.UNDECIDED),  # the same answers, but too few items for one point
        (0, 0, 381, Outcome.PASSED),
        (12, 13, 250, Outcome.UNDECIDED),  # no significant difference passes nothing
        (40, 10, 1000, Outcome.PASSED),
        (0, 60, 1000, Outcome.REFUSED),
        (395, 405, 8000, Outcome.PASSED),
    ],
)
def test_a_margin_of_one_point(n10: int, n01: int, n: int, outcome: Outcome) -> None:
    interval = tango(n10, n01, n)
    gate = harm_gate(interval.lower, interval.upper, 0.01, n, discordant_share=(n10 + n01) / n)
    assert (gate.outcome, gate.n, gate.n_least) == (outcome, n, 381)


def test_the_items_that_a_margin_needs_are_stated() -> None:
    assert harm_gate(-0.039, 0.039, 0.01, 250, discordant_share=0.1).n_needed == pytest.approx(7850, abs=2)
    assert harm_gate(0, 0, 0.01, 250).n_needed == 381


def test_an_interval_without_width_does_not_pass_by_smallness() -> None:
    # Wald's interval over ten items that all came out the same.
    assert harm_gate(0, 0, 0.01, 10).outcome == Outcome.UNDECIDED


def test_lower_is_better_turns_the_interval() -> None:
    assert harm_gate(-0.005, 0.02, 0.01, 1000).outcome == Outcome.PASSED
    assert harm_gate(-0.005, 0.02, 0.01, 1000, higher_is_better=False).outcome == Outcome.UNDECIDED
    assert harm_gate(0.02, 0.03, 0.01, 1000, higher_is_better=False).outcome == Outcome.REFUSED


@given(st.lists(st.sampled_from(Outcome), min_size=1, max_size=6))
def test_one_metric_that_does_not_hold_holds_all(outcomes: list[Outcome]) -> None:
    assert (all_hold(outcomes) == Outcome.PASSED) == (set(outcomes) == {Outcome.PASSED})
    assert (all_hold(outcomes) == Outcome.REFUSED) == (Outcome.REFUSED in outcomes)


def test_no_metric_passes_nothing() -> None:
    assert all_hold([]) == Outcome.UNDECIDED


@given(st.integers(0, 40), st.integers(0, 40), st.integers(81, 2000), st.floats(0.005, 0.1))
def test_a_metric_that_surely_lost_more_never_passes(n10: int, n01: int, n: int, margin: float) -> None:
    interval = tango(n10, n01, n)
    gate = harm_gate(interval.lower, interval.upper, margin, n)
    if gate.outcome == Outcome.PASSED:
        assert interval.lower > -margin
        assert n >= gate.n_least
    if interval.estimate < -margin:
        assert gate.outcome != Outcome.PASSED
