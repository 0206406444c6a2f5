"""Percentile bootstrap of a mean, over items or over whole clusters, with its seed recorded."""

import math
import random
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from evals.statistics.intervals import LEVEL, average

ROUNDS = 10_000


@dataclass(frozen=True)
class BootstrapInterval:
    """A mean with its percentile interval, and all that is needed to draw the same one again."""

    n: int
    estimate: float
    lower: float
    upper: float
    level: float
    rounds: int
    seed: int
    clusters: int | None = None


def bootstrap(
    values: Sequence[float],
    *,
    seed: int,
    clusters: Sequence[Hashable] | None = None,
    rounds: int = ROUNDS,
    level: float = LEVEL,
) -> BootstrapInterval:
    """Percentile bootstrap interval of the mean of `values`; pass paired differences to compare two models.

    Source: Efron and Tibshirani 1993, chapter 13. With `clusters`, whole clusters are resampled. The drawing
    is floor(random()·k) of Python's Mersenne Twister, whose stream is the same on every version. Raises
    ValueError for no values or clusters of another length.
    """
    if not values:
        raise ValueError("there is nothing to resample: no values")
    groups = _groups(values, clusters)
    draws = _draws(groups, random.Random(seed), rounds)  # noqa: S311 -- resampling, not secrets
    tail = math.ceil(rounds * (1 - level) / 2) - 1
    return BootstrapInterval(
        n=len(values), estimate=average(values), lower=draws[tail], upper=draws[rounds - 1 - tail], level=level,
        rounds=rounds, seed=seed, clusters=None if clusters is None else len(groups),
    )  # fmt: skip


def _groups(values: Sequence[float], clusters: Sequence[Hashable] | None) -> list[tuple[float, int]]:
    """Each resampled unit as (sum of its values, how many)."""
    if clusters is None:
        return [(value, 1) for value in values]
    if len(clusters) != len(values):
        raise ValueError(f"{len(values)} values but {len(clusters)} cluster names")
    inside: dict[Hashable, list[float]] = defaultdict(list)
    for value, cluster in zip(values, clusters, strict=True):
        inside[cluster].append(value)
    return [(math.fsum(group), len(group)) for group in inside.values()]


def _draws(groups: list[tuple[float, int]], source: random.Random, rounds: int) -> list[float]:
    return sorted(_one_draw(groups, source) for _ in range(rounds))


def _one_draw(groups: list[tuple[float, int]], source: random.Random) -> float:
    size = len(groups)
    drawn = [groups[int(source.random() * size)] for _ in range(size)]
    return math.fsum(total for total, _ in drawn) / sum(count for _, count in drawn)
