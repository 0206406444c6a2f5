"""One score over items: the interval that fits the shape of its values, named by its method."""

import math
from collections.abc import Hashable, Sequence

from evals.statistics.bootstrap import ROUNDS, bootstrap
from evals.statistics.intervals import LEVEL, Interval, average, is_binary, mean, wilson

FEW_ITEMS = 100
FEW_CLUSTERS = 30
DRAWS = 5_000_000
"""Draws that a bootstrap may take in all, about two seconds: it may be made while somebody waits for a page."""


def score_interval(
    values: Sequence[float],
    *,
    seed: int,
    clusters: Sequence[Hashable] | None = None,
    level: float = LEVEL,
) -> Interval:
    """The mean of scores with its interval: Wilson's for 0/1 scores of independent items, else mean_interval()."""
    if clusters is None and is_binary(values):
        return wilson(int(sum(values)), len(values), level)
    return mean_interval(values, seed=seed, clusters=clusters, level=level)


def mean_interval(
    values: Sequence[float],
    *,
    seed: int,
    clusters: Sequence[Hashable] | None = None,
    level: float = LEVEL,
) -> Interval:
    """The mean of any values with its interval; `method` says how, and with which seed where one was drawn.

    Without clusters a percentile bootstrap below 100 items, or below 25 times their squared skewness (Cochran 1977,
    Sampling Techniques, section 2.15), else the normal interval. With clusters the clustered error, or whole clusters
    resampled where there are fewer than 30, too few for it (Cameron and Miller 2015, Journal of Human Resources
    50, 317-372). Raises ValueError for fewer than two values.
    """
    found = mean(values, clusters, level)
    if _is_normal(values, clusters):
        method = "normal" if clusters is None else "clustered"
        return Interval(found.n, found.mean, found.lower, found.upper, level, method)
    units = len(values) if clusters is None else len(set(clusters))
    rounds = min(ROUNDS, max(ROUNDS // 10, DRAWS // units))
    drawn = bootstrap(values, seed=seed, clusters=clusters, level=level, rounds=rounds)
    name = "bootstrap" if clusters is None else "cluster bootstrap"
    method = f"{name}, {drawn.rounds} rounds, seed {drawn.seed}"
    return Interval(found.n, found.mean, drawn.lower, drawn.upper, level, method)


def skewness(values: Sequence[float]) -> float:
    """The third standardised moment, m3/m2^1.5; 0 where the values do not vary."""
    centre = average(values)
    second = average([(value - centre) ** 2 for value in values])
    third = average([(value - centre) ** 3 for value in values])
    return third / math.pow(second, 1.5) if second else 0.0


def _is_normal(values: Sequence[float], clusters: Sequence[Hashable] | None) -> bool:
    if clusters is not None:
        return len(set(clusters)) >= FEW_CLUSTERS
    return len(values) >= max(FEW_ITEMS, 25 * skewness(values) ** 2)
