"""One score: intervals for a share, for a mean, for a mean over clusters, and for no failures at all."""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from evals.statistics.normal import z_for

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate over `n` items with the two ends of its confidence interval."""

    n: int
    estimate: float
    lower: float
    upper: float
    level: float
    method: str


@dataclass(frozen=True)
class Mean:
    """A mean over `n` items, its standard error, and the normal interval around it."""

    n: int
    mean: float
    se: float
    lower: float
    upper: float
    level: float
    clusters: int | None = None


def wilson(successes: float, n: int, level: float = LEVEL) -> Interval:
    """Wilson's score interval for `successes` out of `n`, which may be a sum of shares; honest at shares of 0 and 1.

    Source: Wilson 1927, JASA 22, 209-212: centre (p + z²/2n)/(1 + z²/n), half width
    z·sqrt(p(1-p)/n + z²/4n²)/(1 + z²/n). Raises ValueError unless 0 <= successes <= n and n > 0.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} successes out of {n} items is not a share")
    z, p = z_for(level), successes / n
    shrink = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / shrink
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / shrink
    lower = 0.0 if successes == 0 else centre - half
    upper = 1.0 if successes == n else centre + half
    return Interval(n, p, lower, upper, level, "wilson")


def zero_failure_upper(n: int, level: float = LEVEL) -> float:
    """The largest failure rate that still leaves no failure in `n` trials with probability 1 - level.

    Source: Hanley and Lippman-Hand 1983, JAMA 249, 1743-1745 (the rule of three, about 3/n):
    1 - (1 - level)^(1/n). Raises ValueError for n < 1: no trial bounds nothing.
    """
    if n < 1:
        raise ValueError("no trials were run, so the failure rate has no upper bound")
    return -math.expm1(math.log1p(-level) / n)


def mean(values: Sequence[float], clusters: Sequence[Hashable] | None = None, level: float = LEVEL) -> Mean:
    """The mean of `values` with its standard error, clustered when `clusters` names each value's cluster.

    Source: Miller 2024, arXiv:2411.00640: SE = s/sqrt(n) over independent items; for clusters
    clustered_se(). Raises ValueError for fewer than two values (or clusters of another length).
    """
    if len(values) < 2:
        raise ValueError(f"a standard error needs at least 2 values, this has {len(values)}")
    centre = average(values)
    se = deviation(values) / math.sqrt(len(values)) if clusters is None else clustered_se(values, clusters)
    half = z_for(level) * se
    count = None if clusters is None else len(set(clusters))
    return Mean(len(values), centre, se, centre - half, centre + half, level, count)


def clustered_se(values: Sequence[float], clusters: Sequence[Hashable]) -> float:
    """Standard error of a mean whose items share a passage, template or conversation.

    Source: Liang and Zeger 1986, as in Miller 2024, arXiv:2411.00640:
    (1/n)·sqrt(sum over clusters of (sum of deviations inside the cluster)²). It can be smaller than the naive
    one. Raises ValueError when the two sequences differ in length.
    """
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values but {len(clusters)} cluster names")
    centre = average(values)
    sums: dict[Hashable, list[float]] = defaultdict(list)
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster].append(value - centre)
    return math.sqrt(math.fsum(math.fsum(inside) ** 2 for inside in sums.values())) / len(values)


def average(values: Sequence[float]) -> float:
    """The mean, summed without rounding error, so that the order of items changes nothing."""
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float:
    """The sample standard deviation (n - 1 in the denominator)."""
    centre = average(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))


def is_binary(values: Iterable[float]) -> bool:
    """Whether every value is 0 or 1: those have Wilson's, McNemar's and Tango's methods."""
    return all(value in (0, 1) for value in values)
