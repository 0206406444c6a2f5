"""Several samples per item: worked by hand, and what more samples could and could not buy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics.intervals import mean
from evals.statistics.samples import sampled_mean, se_with_samples

SCORES = st.lists(st.lists(st.integers(0, 1), min_size=2, max_size=6), min_size=2, max_size=30)


def test_between_and_within_by_hand() -> None:
    # Item means 0, 1, 1/2, 1/2: variance 1/6. Inside: 0, 0, 1/2, 1/2, mean 1/4, halved 1/8. Between 1/6 - 1/8.
    found = sampled_mean([[0, 0], [1, 1], [0, 1], [1, 0]])
    assert (found.score.mean, found.samples) == (0.5, 8)
    assert found.score.se == pytest.approx((1 / 24) ** 0.5)
    assert (found.between, found.within) == (pytest.approx(1 / 24), pytest.approx(1 / 4))
    assert found.within_part == pytest.approx(3 / 4)
    assert se_with_samples(found, 2) == pytest.approx(found.score.se)
    assert se_with_samples(found, 10**9) == pytest.approx((1 / 24 / 4) ** 0.5)


def test_samples_are_no_items() -> None:
    # Treated as 200 items, ten samples of each of 20 items would pretend to an error that is too small.
    samples = [[1] * 10] * 10 + [[0] * 10] * 10
    as_items = mean([score for item in samples for score in item])
    assert sampled_mean(samples).score.se > 3 * as_items.se


def test_items_that_always_answer_alike_gain_nothing_from_more_samples() -> None:
    found = sampled_mean([[1, 1, 1], [0, 0, 0], [1, 1, 1]])
    assert (found.within, found.within_part) == (0, 0)
    assert se_with_samples(found, 1) == pytest.approx(found.score.se)


def test_clusters_reach_the_error() -> None:
    found = sampled_mean([[1, 1], [1, 1], [0, 0], [0, 0]], ["x", "x", "y", "y"])
    assert (found.score.se, found.score.clusters) == (pytest.approx(2**0.5 / 4), 2)


@given(SCORES, st.integers(1, 50))
def test_more_samples_never_widen_the_error(samples: list[list[int]], k: int) -> None:
    found = sampled_mean(samples)
    assert found.score.lower <= found.score.mean <= found.score.upper
    assert 0 <= found.within_part <= 1
    assert se_with_samples(found, k + 1) <= se_with_samples(found, k)


def test_a_single_sample_shows_no_variance_inside() -> None:
    with pytest.raises(ValueError, match="fewer than 2 samples"):
        sampled_mean([[1, 0], [1]])
    with pytest.raises(ValueError, match="at least once"):
        se_with_samples(sampled_mean([[1, 0], [1, 1]]), 0)
