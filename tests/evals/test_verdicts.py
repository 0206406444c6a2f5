"""Words for intervals, and how many items a word needs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics.paired import tango
from evals.statistics.verdicts import minimum_detectable_effect, n_for_margin, n_to_detect, verdict

ENDS = st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)).map(sorted)


@pytest.mark.parametrize(
    ("lower", "upper", "words"),
    [
        (0.002, 0.008, "improved, equivalent"),
        (0.002, 0.03, "improved, non-inferior"),
        (-0.008, -0.002, "regressed, equivalent"),
        (-0.03, -0.002, "regressed, inconclusive"),
        (-0.03, -0.011, "regressed, inferior"),
        (-0.005, 0.005, "inconclusive, equivalent"),
        (-0.005, 0.05, "inconclusive, non-inferior"),
        (-0.05, 0.05, "inconclusive, inconclusive"),
        (-0.01, 0.005, "inconclusive, inconclusive"),
    ],
)
def test_words_on_a_margin_of_one_point(lower: float, upper: float, words: str) -> None:
    assert str(verdict(lower, upper, 0.01)) == words


@given(ENDS, st.floats(0.001, 0.1))
def test_lower_is_better_mirrors_the_interval(ends: list[float], margin: float) -> None:
    low, high = ends
    assert verdict(low, high, margin, higher_is_better=False) == verdict(-high, -low, margin)


@given(ENDS, st.floats(0.001, 0.1))
def test_a_surely_larger_gain_is_never_a_worse_word(ends: list[float], margin: float) -> None:
    better = verdict(ends[0] + 0.5, ends[1] + 0.5, margin)
    assert str(better) == "improved, non-inferior"


@pytest.mark.parametrize(("lower", "upper", "margin"), [(0, 0, 0), (0, 0, -1), (0.2, 0.1, 0.01)])
def test_verdict_refuses_nonsense(lower: float, upper: float, margin: float) -> None:
    with pytest.raises(ValueError, match=r"margin|upside down"):
        verdict(lower, upper, margin)


def test_sample_sizes_worked_values() -> None:
    assert n_to_detect(0.25, 0.03) == 2178
    assert n_for_margin(0.10, 0.01) == pytest.approx(7850, abs=2)
    with pytest.raises(ValueError, match="cannot come from"):
        n_to_detect(0.02, 0.03)


def test_the_smallest_detectable_difference_is_about_2_8_errors() -> None:
    assert minimum_detectable_effect(0.01) == pytest.approx(0.028016, abs=1e-6)
    assert minimum_detectable_effect(0.01, power=0.9) == pytest.approx(0.032415, abs=1e-6)
    with pytest.raises(ValueError, match="not negative"):
        minimum_detectable_effect(-1)


@given(st.floats(0.05, 0.5), st.floats(0.005, 0.05))
def test_detectable_at_the_items_that_detecting_needs(share: float, difference: float) -> None:
    # The two formulas differ in the variance under the alternative alone, a part of d²/share.
    n = n_to_detect(share, difference)
    found = minimum_detectable_effect((share / n) ** 0.5)
    assert difference <= found * 1.001
    assert found <= difference * (1 + difference**2 / share + 1 / n)


@given(st.sampled_from([0.005, 0.01, 0.02, 0.05]))
def test_the_floor_is_where_tango_first_fits_into_the_margin(margin: float) -> None:
    n = n_for_margin(0.0, margin)
    assert str(verdict(*_ends(n), margin)) == "inconclusive, equivalent"
    assert str(verdict(*_ends(n - 1), margin)) == "inconclusive, inconclusive"


def _ends(n: int) -> tuple[float, float]:
    interval = tango(0, 0, n)
    return interval.lower, interval.upper
