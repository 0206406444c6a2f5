"""Agreement inside groups of raters and between them: a low alpha overall can be two groups that each agree."""

import math
import random
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from evals.statistics.agreement import (
    ROUNDS,
    Agreement,
    Distance,
    Metric,
    NoVariation,
    Unit,
    Value,
    distance_for,
    krippendorff,
)
from evals.statistics.intervals import LEVEL

DRAWS = 200_000
"""Items that a bootstrap between groups may draw in all, about two seconds."""
Both = tuple[Counter[Value], Counter[Value]]
"""One item's ratings by two groups."""


@dataclass(frozen=True)
class GroupAgreement:
    """Alpha over all raters, inside each group, and between each two groups."""

    overall: float
    within: Mapping[str, float]
    between: Mapping[tuple[str, str], float]


def group_agreement(
    units: Sequence[Unit], groups: Mapping[Hashable, str], metric: Metric = "nominal"
) -> GroupAgreement:
    """Alpha overall, inside each group (`groups` is rater → group), and between each two groups.

    The three are printed together. Between groups: 1 - Do/De over pairs of one rater from each, the form of Wong,
    Paritosh and Aroyo 2021 (Cross-replication Reliability, ACL): Do is the mean disagreement inside items, each item weighted by its ratings from both groups;
    De that of all ratings of one group with all of the other. Raises NoVariation where one of them is not defined,
    KeyError for a rater without a group.
    """
    names = sorted(set(groups.values()))
    parts = {name: [_of_group(unit, groups, name) for unit in units] for name in names}
    within = {name: krippendorff(part, metric) for name, part in parts.items()}
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]
    between = {(a, b): _between(parts[a], parts[b], metric) for a, b in pairs}
    return GroupAgreement(krippendorff(units, metric), within, between)


def between_interval(
    units: Sequence[Unit],
    groups: Mapping[Hashable, str],
    pair: tuple[str, str],
    metric: Metric = "nominal",
    *,
    seed: int,
    rounds: int = ROUNDS,
    level: float = LEVEL,
) -> Agreement:
    """The agreement of group_agreement() between the two groups of `pair`, with a percentile bootstrap over items.

    Items that only one of them rated are left out; large studies get fewer rounds (DRAWS). The drawing is that of
    agreement(). Raises NoVariation where it is not defined, or in no draw; KeyError for a rater without a group.
    """
    both = _both(*([_of_group(unit, groups, name) for unit in units] for name in pair))
    estimate = _apart_over_chance(both, metric)
    source, size = random.Random(seed), len(both)  # noqa: S311 -- resampling, not secrets
    turns = min(rounds, max(1, DRAWS // size))
    drawn = []
    for _ in range(turns):
        try:
            picked = [both[int(source.random() * size)] for _ in range(size)]
            drawn.append(_apart_over_chance(picked, metric))
        except NoVariation:
            continue
    if not drawn:
        raise NoVariation
    drawn.sort()
    tail = max(0, math.ceil(len(drawn) * (1 - level) / 2) - 1)
    return Agreement(
        alpha=estimate, metric=metric, items=size, values=sum(x.total() + y.total() for x, y in both),
        lower=drawn[tail], upper=drawn[-1 - tail], level=level, rounds=turns, undefined=turns - len(drawn), seed=seed,
    )  # fmt: skip


def _of_group(unit: Unit, groups: Mapping[Hashable, str], name: str) -> Unit:
    return {rater: value for rater, value in unit.items() if groups[rater] == name}


def _between(a: Sequence[Unit], b: Sequence[Unit], metric: Metric) -> float:
    return _apart_over_chance(_both(a, b), metric)


def _both(a: Sequence[Unit], b: Sequence[Unit]) -> list[Both]:
    """The ratings of items that both groups rated."""
    return [(Counter(x.values()), Counter(y.values())) for x, y in zip(a, b, strict=True) if x and y]


def _apart_over_chance(both: Sequence[Both], metric: Metric) -> float:
    all_a, all_b = Counter[Value](), Counter[Value]()
    for x, y in both:
        all_a.update(x)
        all_b.update(y)
    distance = distance_for(metric, all_a + all_b)
    weight = sum(x.total() + y.total() for x, y in both)
    observed = math.fsum((x.total() + y.total()) * _apart(x, y, distance) for x, y in both)
    expected = weight * _apart(all_a, all_b, distance) if both else 0.0
    if expected == 0:
        raise NoVariation
    return 1 - observed / expected


def _apart(x: Counter[Value], y: Counter[Value], distance: Distance) -> float:
    """The mean distance of a value of x from a value of y."""
    summed = math.fsum(n * m * distance(a, b) for a, n in x.items() for b, m in y.items() if a != b)
    return summed / (x.total() * y.total())
