"""Agreement inside groups of raters and between them: a low alpha overall can be two groups that each agree."""

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from evals.statistics.agreement import Distance, Metric, NoVariation, Unit, Value, distance_for, krippendorff


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


def _of_group(unit: Unit, groups: Mapping[Hashable, str], name: str) -> Unit:
    return {rater: value for rater, value in unit.items() if groups[rater] == name}


def _between(a: Sequence[Unit], b: Sequence[Unit], metric: Metric) -> float:
    both = [(Counter(x.values()), Counter(y.values())) for x, y in zip(a, b, strict=True) if x and y]
    all_a, all_b = (sum((pair[side] for pair in both), Counter[Value]()) for side in (0, 1))
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
