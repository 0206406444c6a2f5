"""Two models on the same items: differences are a - b, so a positive one means that a scored more."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from evals.statistics.intervals import LEVEL, Interval, average, clustered_se, deviation
from evals.statistics.normal import two_sided_p, z_for


@dataclass(frozen=True)
class PairedDifference:
    """The mean of a - b over `n` shared items, with what pairing gained (`se` against `se_unpaired`)."""

    n: int
    mean_a: float
    mean_b: float
    difference: float
    se: float
    se_unpaired: float
    lower: float
    upper: float
    z: float | None
    p: float
    correlation: float | None
    level: float
    clusters: int | None = None


@dataclass(frozen=True)
class Discordance:
    """Items that only a got right (`n10`), only b got right (`n01`), and McNemar's exact p-value."""

    n: int
    n10: int
    n01: int
    p: float


def paired_difference(
    a: Sequence[float],
    b: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    level: float = LEVEL,
) -> PairedDifference:
    """Difference of two models' means over the same items, in the same order.

    Source: Miller 2024, arXiv:2411.00640: d_i = a_i - b_i, SE = sd(d)/sqrt(n), or clustered over d; p is
    two-sided normal. z is None when SE is 0; correlation (Pearson) when a score never varies. Raises
    ValueError for different lengths or fewer than two items.
    """
    _require_pairs(a, b)
    differences = [x - y for x, y in zip(a, b, strict=True)]
    n, difference = len(differences), average(differences)
    se = deviation(differences) / math.sqrt(n) if clusters is None else clustered_se(differences, clusters)
    half, z = z_for(level) * se, difference / se if se else None
    return PairedDifference(
        n=n, mean_a=average(a), mean_b=average(b), difference=difference, se=se,
        se_unpaired=math.hypot(deviation(a), deviation(b)) / math.sqrt(n),
        lower=difference - half, upper=difference + half, z=z, p=_normal_p(z, difference),
        correlation=correlation(a, b), level=level,
        clusters=None if clusters is None else len(set(clusters)),
    )  # fmt: skip


def correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Pearson's correlation of two models' item scores; None when either never varies."""
    spread = deviation(a) * deviation(b)
    if spread == 0:
        return None
    mean_a, mean_b = average(a), average(b)
    products = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return products / (len(a) - 1) / spread


def discordance(a: Sequence[float], b: Sequence[float]) -> Discordance:
    """Count the discordant items of two 0/1 scored models and test them with mcnemar()."""
    _require_pairs(a, b)
    n10 = sum(1 for x, y in zip(a, b, strict=True) if x == 1 and y == 0)
    n01 = sum(1 for x, y in zip(a, b, strict=True) if x == 0 and y == 1)
    return Discordance(len(a), n10, n01, mcnemar(n10, n01))


def mcnemar(n10: int, n01: int) -> float:
    """Exact two-sided McNemar test: p = min(1, 2·P(Bin(n10 + n01, 1/2) <= min(n10, n01))).

    Source: McNemar 1947, Psychometrika 12, 153-157, in its exact binomial form. Integers throughout, rounded
    once at the end. No discordant item gives 1.
    """
    trials, term, tail = n10 + n01, 1, 1
    for k in range(min(n10, n01)):
        term = term * (trials - k) // (k + 1)
        tail += term
    return min(1.0, 2 * tail / (1 << trials))


def tango(n10: int, n01: int, n: int, level: float = LEVEL) -> Interval:
    """Tango's score interval for the difference (n10 - n01)/n of two paired shares.

    Source: Tango 1998, Statistics in Medicine 17, 891-908: all differences that the score test with the
    constrained estimate of q21 does not reject. Unlike Wald's it has a width when no item is discordant
    (±z²/(n + z²)), so smallness alone proves nothing. Raises ValueError for impossible counts.
    """
    if min(n10, n01) < 0 or n10 + n01 > n or n == 0:
        raise ValueError(f"{n10} and {n01} discordant items do not fit into {n} items")
    z, estimate = z_for(level), (n10 - n01) / n

    def beyond(target: float) -> Callable[[float], bool]:
        return lambda difference: _tango_score(n10, n01, n, difference) > target

    lower = -1.0 if n01 == n else _last_true(beyond(z), -1.0, estimate)
    upper = 1.0 if n10 == n else _last_true(beyond(-z), estimate, 1.0)
    return Interval(n, estimate, lower, upper, level, "tango")


def _tango_score(b: int, c: int, n: int, difference: float) -> float:
    linear = -b - c + (2 * n - b + c) * difference
    root = linear * linear + 8 * n * c * difference * (1 - difference)
    q21 = (math.sqrt(max(root, 0.0)) - linear) / (4 * n)
    variance = n * (2 * q21 + difference * (1 - difference))
    distance = b - c - n * difference
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def _last_true(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Bisect for the point where `holds` turns from true to false; the score falls as the difference grows."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return (low + high) / 2


def _normal_p(z: float | None, difference: float) -> float:
    if z is None:
        return 1.0 if difference == 0 else 0.0
    return two_sided_p(z)


def _require_pairs(a: Sequence[float], b: Sequence[float]) -> None:
    if len(a) != len(b):
        raise ValueError(f"pairing needs the same items on both sides: {len(a)} against {len(b)}")
    if len(a) < 2:
        raise ValueError(f"a comparison needs at least 2 shared items, this has {len(a)}")
