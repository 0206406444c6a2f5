"""How far raters agree beyond chance: Krippendorff's alpha with an interval over items."""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from evals.statistics.intervals import LEVEL

Metric = Literal["nominal", "ordinal", "interval", "ratio"]
Value = int | float | str
Unit = Mapping[Hashable, Value]
"""One item's ratings: rater → value. Whoever did not rate it is not in it."""

Distance = Callable[[Value, Value], float]
Pattern = tuple[tuple[Value, int], ...]
"""The values that an item got and how often, sorted: items of the same pattern weigh the same."""

ROUNDS = 1000


@dataclass(frozen=True)
class Agreement:
    """Alpha over items with at least two ratings (`values` of them in all), and its interval where one was drawn.

    `undefined` counts the draws in which all ratings were the same, so that alpha said nothing; they are left out.
    """

    alpha: float
    metric: Metric
    items: int
    values: int
    lower: float
    upper: float
    level: float
    rounds: int
    undefined: int
    seed: int


class NoVariation(ValueError):
    """Every rating is the same, or no item was rated twice: agreement beyond chance is not defined."""

    def __init__(self) -> None:
        super().__init__(
            "Agreement is not defined: no two ratings can be compared, or all of them are the same. "
            "Rate items on which raters may differ."
        )


def krippendorff(units: Iterable[Unit], metric: Metric = "nominal") -> float:
    """Krippendorff's alpha = 1 - Do/De; 1 is perfect agreement, 0 what chance gives, below 0 is systematic dissent.

    Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability: any number of raters, missing ratings
    allowed, items with fewer than two ratings left out. Ordinal and interval need numbers, ratio numbers of at
    least 0. Raises NoVariation where alpha is not defined.
    """
    return _alpha(Counter(_patterns(units)), metric)


def agreement(
    units: Iterable[Unit],
    metric: Metric = "nominal",
    *,
    seed: int,
    rounds: int = ROUNDS,
    level: float = LEVEL,
) -> Agreement:
    """krippendorff() with a percentile bootstrap interval: items are drawn with all their ratings.

    The drawing is floor(random()·n) of Python's Mersenne Twister, as in bootstrap(). Raises NoVariation where alpha
    is not defined, or in no draw.
    """
    patterns = sorted(_patterns(units), key=repr)
    estimate = _alpha(Counter(patterns), metric)
    source, size = random.Random(seed), len(patterns)  # noqa: S311 -- resampling, not secrets
    drawn = []
    for _ in range(rounds):
        picked = Counter(patterns[int(source.random() * size)] for _ in range(size))
        if _varies(picked):
            drawn.append(_alpha(picked, metric))
    if not drawn:
        raise NoVariation
    drawn.sort()
    tail = max(0, math.ceil(len(drawn) * (1 - level) / 2) - 1)
    return Agreement(
        alpha=estimate, metric=metric, items=size, values=sum(n for pattern in patterns for _, n in pattern),
        lower=drawn[tail], upper=drawn[-1 - tail], level=level, rounds=rounds, undefined=rounds - len(drawn), seed=seed,
    )  # fmt: skip


def _patterns(units: Iterable[Unit]) -> list[Pattern]:
    counted = (Counter(unit.values()) for unit in units if len(unit) > 1)
    return [tuple(sorted(values.items(), key=lambda pair: (str(pair[0]), pair[1]))) for values in counted]


def _varies(patterns: Mapping[Pattern, int]) -> bool:
    return len({value for pattern in patterns for value, _ in pattern}) > 1


def _alpha(patterns: Mapping[Pattern, int], metric: Metric) -> float:
    """1 - Do/De from how often each pattern of ratings occurs."""
    if not _varies(patterns):
        raise NoVariation
    margins: dict[Value, int] = defaultdict(int)
    for pattern, times in patterns.items():
        for value, count in pattern:
            margins[value] += times * count
    distance, n = distance_for(metric, margins), sum(margins.values())
    observed = math.fsum(
        times * _spread(pattern, distance) / (sum(count for _, count in pattern) - 1)
        for pattern, times in patterns.items()
    )
    expected = _spread(tuple(margins.items()), distance) / (n - 1)
    return 1 - observed / expected


def _spread(counts: Pattern, distance: Distance) -> float:
    """The sum of the distances of all ordered pairs of these values."""
    return math.fsum(n * m * distance(a, b) for a, n in counts for b, m in counts if a != b)


def distance_for(metric: Metric, margins: Mapping[Value, int]) -> Distance:
    """The squared difference of two unequal values; `margins` says how often each value was given."""
    if metric == "nominal":
        return lambda _a, _b: 1.0
    if metric == "interval":
        return lambda a, b: (float(a) - float(b)) ** 2
    if metric == "ratio":
        return lambda a, b: ((float(a) - float(b)) / (float(a) + float(b))) ** 2
    return _ranks_between(margins)


def _ranks_between(margins: Mapping[Value, int]) -> Distance:
    """Ordinal: the ratings from a to b, both ends counted by half, squared; that is the distance of their mid-ranks."""
    ordered = sorted(margins, key=float)
    below = accumulate((margins[value] for value in ordered), initial=0)
    middle = {value: start + margins[value] / 2 for value, start in zip(ordered, below, strict=False)}
    return lambda a, b: (middle[a] - middle[b]) ** 2
