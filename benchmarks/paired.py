"""Measuring several things side by side (pure but for the clock), and what the pairs say."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

LEVEL = 0.95


class Interval(NamedTuple):
    """A median with an interval that holds the true one with probability `level`, whatever the distribution."""

    median: float
    low: float
    high: float
    level: float
    n: int


def alternating(
    sides: Mapping[str, Callable[[], float | None]],
    rounds: int,
    renew: Callable[[int], None] = lambda _: None,
) -> dict[str, list[float]]:
    """Side → its value in each round: what it returns, or else the seconds that it takes.

    Odd rounds go through the sides backwards, so that what drifts (a warm cache, a busy neighbour) meets all alike.
    `renew(round)` runs before each round and is not measured.
    """
    found: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        renew(number)
        for name in list(sides)[:: -1 if number % 2 else 1]:
            found[name].append(_measured(sides[name]))
    return found


def _measured(side: Callable[[], float | None]) -> float:
    begun = time.perf_counter()
    told = side()
    return time.perf_counter() - begun if told is None else told


def ratios(ours: Sequence[float], baseline: Sequence[float]) -> list[float]:
    """Round by round. Raises ValueError for sides of different length."""
    return [one / other for one, other in zip(ours, baseline, strict=True)]


def interval(values: Sequence[float]) -> Interval:
    """The median between two order statistics: the k-th value from either end, with the largest k whose level is enough.

    The level of k is 1 - 2 P(B < k), B binomial(n, 1/2); with fewer than six values even k = 1 has less than 95%, and
    `level` says so. Source: Conover, Practical Nonparametric Statistics, 3rd edition, section 3.2.
    """
    ordered, n = sorted(values), len(values)
    enough = [k for k in range(1, n // 2 + 1) if _level(n, k) >= LEVEL]
    k = enough[-1] if enough else 1
    return Interval(median(ordered), ordered[k - 1], ordered[n - k], _level(n, k), n)


def _level(n: int, k: int) -> float:
    return float(max(0, 1 - 2 * sum(math.comb(n, i) for i in range(k)) / 2**n))
