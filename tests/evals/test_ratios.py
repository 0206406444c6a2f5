"""Error rates near the ceiling as a ratio."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics.ratios import error_ratio

COUNTS = st.tuples(st.integers(0, 20), st.integers(1, 20), st.integers(1, 20))


def test_fagerlands_airways() -> None:
    # Fagerland et al. 2014: of 21 children 2 against 8, one of them in both: 0.25, exp(±z·sqrt(8/16)).
    found = error_ratio(2, 8, 1, 21)
    half = 1.959964 * math.sqrt(0.5)
    assert (found.estimate, found.lower, found.upper) == pytest.approx(
        (0.25, 0.25 * math.exp(-half), 0.25 * math.exp(half)), abs=1e-6
    )


@given(COUNTS)
def test_swapping_sides_turns_the_ratio_over(counts: tuple[int, int, int]) -> None:
    both, only_a, only_b = counts
    a, b = both + only_a, both + only_b
    found, turned = error_ratio(a, b, both, 100), error_ratio(b, a, both, 100)
    assert found.lower <= found.estimate <= found.upper
    assert found.lower == pytest.approx(1 / turned.upper)


@pytest.mark.parametrize("counts", [(0, 3, 0, 10), (3, 2, 3, 10), (6, 6, 1, 10)])
def test_what_has_no_ratio_is_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"no ratio|do not fit"):
        error_ratio(*counts)
