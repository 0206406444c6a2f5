"""pass@k, maj@k and all@k over items: published and worked values, and what no spread is worth."""

import pytest

from evals.statistics.at_k import Sampled, ks, over_items, values
from evals.statistics.intervals import wilson


def item(*answers: str) -> Sampled:
    """Samples that answered so; "a" is right."""
    return Sampled(tuple(answer == "a" for answer in answers), answers)


def test_sizes_are_powers_of_two_and_all() -> None:
    assert [ks(n) for n in (1, 2, 3, 8, 10)] == [[1], [1, 2], [1, 2, 3], [1, 2, 4, 8], [1, 2, 4, 8, 10]]


def test_the_estimator_of_chen_et_al() -> None:
    # Chen et al. 2021, figure 3: 1 - prod over i from n - c + 1 to n of (1 - k/i); here with n = 5, c = 2, k = 3.
    product = 1.0
    for i in (4, 5):
        product *= 1 - 3 / i
    assert values([item("a", "a", "b", "c", "d")], "pass", 3) == [pytest.approx(1 - product)]


def test_all_of_k_by_hand() -> None:
    # Of 4 samples 3 are right: of the 6 pairs 3 are both right.
    assert values([item("a", "a", "a", "b")], "all", 2) == [pytest.approx(0.5)]
    assert values([item("a", "a", "a", "b")], "all", 4) == [0]


def test_a_vote_counts_a_tie_as_its_share() -> None:
    tied, beaten, split = item("a", "b"), item("a", "b", "b"), item("a", "b", "c", "d")
    assert values([tied], "maj", 2) == [0.5]
    assert values([beaten], "maj", 3) == [0]
    assert values([split], "maj", 4) == [0.25]
    # Of the pairs ab, ab, bb the first two are ties.
    assert values([beaten], "maj", 2) == [pytest.approx(1 / 3)]


def test_samples_without_an_answer_vote_together() -> None:
    nobody = Sampled((True, False, False), ("a", None, None))
    assert values([nobody], "maj", 3) == [0]


def test_what_cannot_be_compared_cannot_vote() -> None:
    with pytest.raises(ValueError, match="cannot vote"):
        values([Sampled((True, False))], "maj", 1)


def test_many_samples_that_all_differ_stay_quick_and_exact() -> None:
    split = Sampled((True,) + (False,) * 63, tuple(range(64)))
    assert values([split] * 500, "maj", 64) == [1 / 64] * 500
    assert values([split] * 500, "maj", 32) == [pytest.approx(1 / 64)] * 500


def test_the_interval_is_over_items_and_never_without_width() -> None:
    halves = over_items([0.5] * 40, seed=1)
    half = wilson(20, 40)
    assert (halves.lower, halves.upper, halves.n) == (half.lower, half.upper, 40)
    spread = over_items([0.0, 0.5, 1.0] * 50, seed=1)
    assert (spread.n, spread.method, spread.estimate) == (150, "normal", 0.5)
    assert over_items([0.25], seed=1).n == 1
    with pytest.raises(ValueError, match="not a share"):
        over_items([], seed=1)
