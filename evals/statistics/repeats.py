"""pass@k and maj@k of one item from n of its samples: what k draws would give on average, without bias."""

from collections import Counter
from collections.abc import Hashable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import comb

Poly = dict[tuple[int, int], int]
"""(samples drawn so far, other answers drawn as often as the right one) → number of ways."""


def pass_at_k(n: int, correct: int, k: int) -> float:
    """Probability that at least one of `k` samples, drawn from `n` of which `correct` are right, is right.

    Source: Chen et al. 2021, arXiv:2107.03374, equation 1: 1 - C(n - c, k)/C(n, k), in whole numbers and divided
    once. Unbiased, unlike 1 - (1 - c/n)^k. Average it over items and take the interval over items
    (score_interval). Raises ValueError unless 0 <= correct <= n and 1 <= k <= n.
    """
    _require(n, correct, k)
    ways = comb(n, k)
    return (ways - comb(n - correct, k)) / ways


def maj_at_k(answers: Sequence[Hashable], right: Hashable, k: int) -> float:
    """Probability that `right` wins a vote of `k` samples drawn without replacement from `answers`.

    Source: the vote of Wang et al. 2023, arXiv:2203.11171 (self-consistency), averaged over all C(n, k) draws
    exactly rather than by resampling; a tie among m answers counts 1/m. With k = 1 it is pass@1. Raises
    ValueError unless 1 <= k <= number of answers.
    """
    counts = Counter(answers)
    correct = counts.pop(right, 0)
    _require(len(answers), correct, k)
    return _share_won(correct, tuple(sorted(counts.values())), k)


@lru_cache(maxsize=4096)
def _share_won(correct: int, others: tuple[int, ...], k: int) -> float:
    """Many items have the same counts, and each is worth up to a second where samples are many and answers differ."""
    samples = correct + sum(others)
    if k == samples:
        most = max((correct, *others))
        return 1 / (1 + others.count(most)) if correct == most else 0.0
    shares = range(1, min(correct, k) + 1)
    won = sum(comb(correct, votes) * _wins(others, votes, k - votes) for votes in shares)
    return float(won / Fraction(comb(samples, k)))


def _wins(others: Sequence[int], votes: int, rest: int) -> Fraction:
    """Ways to draw `rest` samples of the other answers, none more than `votes` times; a way with t ties counts 1/(t + 1)."""
    ways: Poly = {(0, 0): 1}
    for count in others:
        grown: Poly = Counter()
        for (drawn, ties), number in ways.items():
            for more in range(min(count, votes, rest - drawn) + 1):
                grown[drawn + more, ties + (more == votes)] += number * comb(count, more)
        ways = grown
    found = (Fraction(number, ties + 1) for (drawn, ties), number in ways.items() if drawn == rest)
    return sum(found, Fraction(0))


def _require(n: int, correct: int, k: int) -> None:
    if not 0 <= correct <= n or not 1 <= k <= n:
        raise ValueError(f"{k} of {n} samples, {correct} of them right, cannot be drawn")
