"""Welch's test and the t distribution under it, against scipy; shared items are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evals.statistics.independent import welch
from evals.statistics.student import t_for, two_sided_t
from tests.evals.test_paired import gsm8k_scores
from tests.realdata import requires

SCORES = st.lists(st.integers(-50, 50), min_size=2, max_size=30)


@given(st.floats(-40, 40), st.floats(0.5, 1e5))
def test_the_tail_is_scipys(t: float, freedom: float) -> None:
    assert two_sided_t(t, freedom) == pytest.approx(2 * stats.t.sf(abs(t), freedom), rel=1e-8, abs=1e-300)


@given(st.floats(0.5, 0.999), st.floats(0.5, 1e5))
def test_the_critical_value_is_scipys(level: float, freedom: float) -> None:
    assert t_for(level, freedom) == pytest.approx(stats.t.ppf(0.5 + level / 2, freedom), rel=1e-7)


def test_known_critical_values() -> None:
    assert [round(t_for(0.95, freedom), 3) for freedom in (1, 10, 30, 10**7)] == [12.706, 2.228, 2.042, 1.96]
    with pytest.raises(ValueError, match="degrees of freedom"):
        two_sided_t(1, 0)


@given(SCORES, SCORES)
def test_welch_is_scipys(a: list[int], b: list[int]) -> None:
    found = welch({f"a{n}": x for n, x in enumerate(a)}, {f"b{n}": x for n, x in enumerate(b)})
    assert found.lower <= found.difference <= found.upper
    if found.se == 0:
        assert found.p in (0, 1)
        return
    theirs = stats.ttest_ind(a, b, equal_var=False)
    interval = theirs.confidence_interval()
    assert (found.t, found.p, found.freedom) == pytest.approx(
        (theirs.statistic, theirs.pvalue, theirs.df), rel=1e-6
    )
    assert (found.lower, found.upper) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)


@requires("gsm8k")
def test_two_halves_of_gsm8k_share_no_item_and_see_less() -> None:
    scores = gsm8k_scores()
    first = dict(enumerate(scores["6b_verification"][:700]))
    second = {number: score for number, score in enumerate(scores["175b_finetuning"]) if number >= 700}
    found = welch(first, second)
    assert (found.t, found.p) == pytest.approx((1.852971, 0.064112), abs=1e-5)
    assert (found.lower, found.upper) == pytest.approx((-0.002903, 0.101772), abs=1e-5)


def test_shared_items_are_to_be_paired() -> None:
    with pytest.raises(ValueError, match=r"2 items were asked of both models; pair them"):
        welch({"x": 1, "y": 0, "z": 1}, {"x": 1, "y": 0, "w": 0})
    with pytest.raises(ValueError, match="at least 2 items"):
        welch({"x": 1}, {"y": 0, "z": 0})


def test_two_sides_that_never_vary() -> None:
    same, other = welch({1: 1, 2: 1}, {3: 1, 4: 1}), welch({1: 1, 2: 1}, {3: 0, 4: 0})
    assert [(found.t, found.p, found.freedom) for found in (same, other)] == [(None, 1.0, 2), (None, 0.0, 2)]
