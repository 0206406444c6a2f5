"""Several samples per item: the item stays the unit, and its samples only make its own score surer."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from evals.statistics.intervals import LEVEL, Mean, average, deviation, mean


@dataclass(frozen=True)
class SampledMean:
    """The mean over items of each item's mean over its samples, and where its variance comes from.

    `between` is the variance of the items' true means, `within` the mean variance of one sample inside an item;
    `within_part` is the share of `score.se`² that more samples per item would take away.
    """

    score: Mean
    samples: int
    between: float
    within: float
    within_part: float


def sampled_mean(
    samples: Sequence[Sequence[float]], clusters: Sequence[Hashable] | None = None, level: float = LEVEL
) -> SampledMean:
    """The mean score of items that were each sampled several times; one row of `samples` an item.

    Source: Miller 2024, arXiv:2411.00640: Var(item mean) = between-item + within-item/K. The items' means carry
    both, so SE = sd(item means)/sqrt(n), or clustered; `between` is what is left of their variance without the
    mean of within/K, at least 0. Raises ValueError for an item with fewer than two samples, whose within-item
    variance nothing shows.
    """
    if any(len(item) < 2 for item in samples):
        raise ValueError("an item has fewer than 2 samples, so nothing shows how much its score varies")
    score = mean([average(item) for item in samples], clusters, level)
    variances = [deviation(item) ** 2 for item in samples]
    noise = average([variance / len(item) for variance, item in zip(variances, samples, strict=True)])
    total = deviation([average(item) for item in samples]) ** 2
    return SampledMean(
        score=score, samples=sum(map(len, samples)), between=max(0.0, total - noise), within=average(variances),
        within_part=min(1.0, noise / len(samples) / score.se**2) if score.se else 0.0,
    )  # fmt: skip


def se_with_samples(sampled: SampledMean, k: int) -> float:
    """The standard error that as many independent items would have with `k` samples each: sqrt((between + within/k)/n).

    Says whether more samples or more items are worth their cost. Raises ValueError for k < 1.
    """
    if k < 1:
        raise ValueError(f"an item is sampled at least once, not {k} times")
    return math.sqrt((sampled.between + sampled.within / k) / sampled.score.n)
