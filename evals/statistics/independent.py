"""Two models on different items: Welch's test, for when nothing can be paired."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from evals.statistics.intervals import LEVEL, average, deviation
from evals.statistics.student import t_for, two_sided_t


@dataclass(frozen=True)
class IndependentDifference:
    """The difference of two means over items that have nothing in common. `freedom`: Welch's degrees of freedom."""

    n_a: int
    n_b: int
    mean_a: float
    mean_b: float
    difference: float
    se: float
    lower: float
    upper: float
    t: float | None
    freedom: float
    p: float
    level: float


def welch(
    a: Mapping[Hashable, float], b: Mapping[Hashable, float], level: float = LEVEL
) -> IndependentDifference:
    """Mean of `a` minus mean of `b`, each item hash → score, with no item in both.

    Source: Welch 1947, Biometrika 34, 28-35: SE² = s_a²/n_a + s_b²/n_b, degrees of freedom by Satterthwaite.
    Where neither side varies, t is None and p is 1 or 0. Raises ValueError for fewer than two items on a side,
    and where items are shared: those are to be paired, since their common difficulty cancels out only there.
    """
    if shared := len(a.keys() & b.keys()):
        raise ValueError(
            f"{shared} items were asked of both models; pair them with paired_difference() instead"
        )
    if min(len(a), len(b)) < 2:
        raise ValueError(
            f"a standard error needs at least 2 items on each side, these have {len(a)} and {len(b)}"
        )
    scores_a, scores_b = list(a.values()), list(b.values())
    part_a, part_b = deviation(scores_a) ** 2 / len(a), deviation(scores_b) ** 2 / len(b)
    difference, se = average(scores_a) - average(scores_b), math.sqrt(part_a + part_b)
    freedom = _freedom(part_a, len(a), part_b, len(b))
    half, t = (t_for(level, freedom) * se, difference / se) if se else (0.0, None)
    return IndependentDifference(
        n_a=len(a), n_b=len(b), mean_a=average(scores_a), mean_b=average(scores_b), difference=difference, se=se,
        lower=difference - half, upper=difference + half, t=t, freedom=freedom, p=_p(t, freedom, difference),
        level=level,
    )  # fmt: skip


def _freedom(part_a: float, n_a: int, part_b: float, n_b: int) -> float:
    if part_a + part_b == 0:
        return n_a + n_b - 2
    return (part_a + part_b) ** 2 / (part_a**2 / (n_a - 1) + part_b**2 / (n_b - 1))


def _p(t: float | None, freedom: float, difference: float) -> float:
    if t is None:
        return 1.0 if difference == 0 else 0.0
    return two_sided_t(t, freedom)
