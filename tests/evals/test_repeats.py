"""pass@k and maj@k against a count of every draw, and where plugging in the share would mislead."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics.repeats import maj_at_k, pass_at_k
from evals.statistics.scores import score_interval

ANSWERS = st.text("abcd", min_size=1, max_size=8).flatmap(
    lambda text: st.tuples(st.just(text), st.integers(1, len(text)))
)


@given(ANSWERS)
def test_both_are_the_share_of_all_draws(drawn: tuple[str, int]) -> None:
    answers, k = drawn
    draws = list(combinations(answers, k))
    passed = sum("a" in draw for draw in draws) / len(draws)
    assert pass_at_k(len(answers), answers.count("a"), k) == pytest.approx(passed)
    assert maj_at_k(answers, "a", k) == pytest.approx(sum(map(vote, draws)) / len(draws))


def vote(draw: tuple[str, ...]) -> float:
    most = max(map(draw.count, set(draw)))
    tied = sum(draw.count(answer) == most for answer in set(draw))
    return 1 / tied if draw.count("a") == most else 0.0


def test_worked_values() -> None:
    # Of 3 samples two right: of the 3 pairs one is right twice, two are ties.
    assert maj_at_k("aab", "a", 2) == pytest.approx(2 / 3)
    # 1 - C(7, 5)/C(10, 5) = 1 - 21/252.
    assert pass_at_k(10, 3, 5) == pytest.approx(11 / 12)
    assert pass_at_k(10, 3, 5) > 1 - (1 - 0.3) ** 5


def test_large_numbers_stay_exact() -> None:
    assert pass_at_k(2000, 1, 1000) == pytest.approx(0.5)
    assert maj_at_k(["right"] * 600 + ["wrong"] * 400, "right", 999) == pytest.approx(1)


@given(ANSWERS)
def test_one_sample_needs_no_vote_and_more_never_pass_less(drawn: tuple[str, int]) -> None:
    answers, k = drawn
    n, right = len(answers), answers.count("a")
    assert maj_at_k(answers, "a", 1) == pass_at_k(n, right, 1) == pytest.approx(right / n)
    assert pass_at_k(n, right, k) >= pass_at_k(n, right, 1) - 1e-12
    assert maj_at_k(answers, "a", k) <= pass_at_k(n, right, k) + 1e-12


def test_over_items_they_get_the_interval_of_a_mean() -> None:
    items = [pass_at_k(10, correct, 5) for correct in [0, 1, 2, 5, 10] * 30]
    found = score_interval(items, seed=1)
    assert (found.n, found.method) == (150, "normal")
    assert found.estimate == pytest.approx((0 + 0.5 + 7 / 9 + 251 / 252 + 1) / 5)
    assert found.lower < found.estimate < found.upper


@pytest.mark.parametrize(("n", "correct", "k"), [(3, 4, 1), (3, 1, 4), (3, 1, 0), (3, -1, 1)])
def test_impossible_draws_are_refused(n: int, correct: int, k: int) -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        pass_at_k(n, correct, k)


def test_no_answers_cannot_vote() -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        maj_at_k([], "a", 1)
