"""What an evaluation is worth once contaminated items are taken out: the score on clean items, and the difference."""

import math
from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import NamedTuple

from evals.statistics.independent import welch
from evals.statistics.intervals import LEVEL, average, is_binary, wilson

Scores = Mapping[Hashable, float]


class Split(NamedTuple):
    """Mean scores. `difference` is contaminated minus clean; `bounds` are the ends of its interval."""

    n_clean: int
    n_contaminated: int
    score_all: float
    score_clean: float
    score_contaminated: float
    bounds: tuple[float, float] | None

    @property
    def difference(self) -> float:
        return self.score_contaminated - self.score_clean


def split(scores: Mapping[str, float], contaminated: Collection[str], level: float = LEVEL) -> Split | None:
    """Scores by item, split by whether the item is contaminated; None where one side has no item.

    The two sides are different items, so the interval is that of two independent samples: of 0/1 scores Newcombe 1998,
    Statistics in Medicine 17, 873-890, method 10 (from the two Wilson intervals), of others Welch's, which needs two items on
    each side: with fewer, `bounds` is None.
    """
    tainted: Scores = {item: score for item, score in scores.items() if item in contaminated}
    clean: Scores = {item: score for item, score in scores.items() if item not in contaminated}
    if not tainted or not clean:
        return None
    whole, without, within = (_mean(side.values()) for side in (scores, clean, tainted))
    return Split(len(clean), len(tainted), whole, without, within, _bounds(tainted, clean, level))


def _mean(scores: Iterable[float]) -> float:
    return average(list(scores))


def _bounds(tainted: Scores, clean: Scores, level: float) -> tuple[float, float] | None:
    if is_binary([*tainted.values(), *clean.values()]):
        return _newcombe(tainted, clean, level)
    if min(len(tainted), len(clean)) < 2:
        return None
    found = welch(tainted, clean, level)
    return found.lower, found.upper


def _newcombe(tainted: Scores, clean: Scores, level: float) -> tuple[float, float]:
    one, other = (wilson(int(sum(side.values())), len(side), level) for side in (tainted, clean))
    difference = one.estimate - other.estimate
    return (
        difference - math.hypot(one.estimate - one.lower, other.upper - other.estimate),
        difference + math.hypot(one.upper - one.estimate, other.estimate - other.lower),
    )
