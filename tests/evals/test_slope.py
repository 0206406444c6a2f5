"""Accuracy against log2(tokens): the slope of all points, with an interval over items."""

import math
import random
from statistics import linear_regression

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.statistics.slope import token_slope

TOKENS = (128, 512, 1024, 4096)


@settings(max_examples=20, deadline=None)  # some are skewed, and drawn 10,000 times
@given(st.lists(st.lists(st.integers(0, 1), min_size=4, max_size=4), min_size=100, max_size=120))
def test_the_line_is_the_least_squares_line_of_all_points(items: list[list[int]]) -> None:
    found = token_slope(TOKENS, list(zip(*items, strict=True)), seed=1)
    x = [math.log2(count) for _ in items for count in TOKENS]
    line = linear_regression(x, [score for item in items for score in item])
    assert found.slope.estimate == pytest.approx(line.slope, abs=1e-9)
    assert found.intercept == pytest.approx(line.intercept, abs=1e-9)
    assert found.slope.lower <= found.slope.estimate <= found.slope.upper


def test_an_exact_line_is_found() -> None:
    # 20%, 30%, 40%, 50% of 400 items at 2, 4, 8, 16 tokens: ten points a doubling.
    scores = [[1] * solved + [0] * (400 - solved) for solved in (80, 120, 160, 200)]
    found = token_slope((2, 4, 8, 16), scores, seed=1)
    assert (found.intercept, found.slope.estimate) == (pytest.approx(0.1), pytest.approx(0.1))
    assert found.accuracies == (0.2, 0.3, 0.4, 0.5)
    assert found.rises


def test_noise_does_not_rise() -> None:
    source = random.Random(5)
    scores = [[source.randint(0, 1) for _ in range(200)] for _ in TOKENS]
    assert not token_slope(TOKENS, scores, seed=1).rises


def test_the_same_items_make_the_slope_surer_than_independent_points_would() -> None:
    # Hard and easy items, each a little better with more tokens: what they differ by cancels out.
    items = [
        [level, level + 0.01, level + 0.02, level + 0.03 * (n % 2)]
        for n, level in enumerate([0, 0.2, 0.9] * 40)
    ]
    found = token_slope(TOKENS, list(zip(*items, strict=True)), seed=1)
    assert found.rises
    assert found.slope.upper - found.slope.lower < 0.002


@pytest.mark.parametrize(
    ("tokens", "scores"),
    [
        ((8,), [[1, 0]]),
        ((8, 8), [[1, 0], [1, 0]]),
        ((0, 8), [[1, 0], [1, 0]]),
        ((4, 8), [[1, 0], [1]]),
        ((4, 8), [[1, 0]]),
    ],
)
def test_what_gives_no_slope_is_refused(tokens: tuple[int, ...], scores: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="budget"):
        token_slope(tokens, scores, seed=1)
