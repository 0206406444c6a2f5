"""Holm, Benjamini-Hochberg, Benjamini-Yekutieli: worked values, scipy, and what each never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evals.statistics.multiplicity import benjamini_hochberg, benjamini_yekutieli, holm

PS = st.lists(st.floats(0, 1), min_size=1, max_size=25)
FIFTEEN = (
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
)  # fmt: skip


def test_the_example_of_benjamini_and_hochberg_1995() -> None:
    # Their section 4.1: 15 p-values of a thrombolysis trial; Bonferroni rejects 3, Benjamini-Hochberg 4 at 0.05.
    assert [found.rejected for found in benjamini_hochberg(FIFTEEN)] == [True] * 4 + [False] * 11
    assert sum(found.rejected for found in holm(FIFTEEN)) == 3


def test_holm_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never falling.
    found = holm([0.01, 0.04, 0.03, 0.005])
    assert [one.adjusted for one in found] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [one.rejected for one in found] == [True, False, False, True]


@given(PS)
def test_adjusted_values_are_scipys(ps: list[float]) -> None:
    for ours, method in ((benjamini_hochberg, "bh"), (benjamini_yekutieli, "by")):
        theirs = stats.false_discovery_control(ps, method=method)
        assert [found.adjusted for found in ours(ps)] == pytest.approx(list(theirs))


@given(PS)
def test_each_rejects_no_more_than_the_weaker_promise(ps: list[float]) -> None:
    for strict, mild in ((holm, benjamini_hochberg), (benjamini_yekutieli, benjamini_hochberg)):
        for a, b in zip(strict(ps), mild(ps), strict=True):
            assert a.adjusted >= b.adjusted - 1e-12
    for found in holm(ps):
        assert found.p <= found.adjusted <= min(1, len(ps) * found.p) + 1e-12


@given(PS)
def test_holm_decides_as_its_steps_do(ps: list[float]) -> None:
    rejected = set()
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        if (len(ps) - rank) * ps[place] > 0.05:
            break
        rejected.add(place)
    assert {place for place, found in enumerate(holm(ps)) if found.rejected} == rejected


def test_a_real_regression_among_ten_metrics_would_vanish_under_holm() -> None:
    # Why gates on harm are not corrected.
    assert not holm([0.01, *[0.5] * 9])[0].rejected


def test_one_metric_needs_no_correction_and_none_gives_none() -> None:
    assert [found.adjusted for found in holm([0.03])] == [0.03]
    assert holm([]) == benjamini_yekutieli([]) == ()
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.1, 1.5])
