"""What an evaluation is worth once contaminated items are taken out (pure): the score on clean items, and the difference."""

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

from evals.statistics.intervals import LEVEL, wilson


class Split(NamedTuple):
    """Shares of items scored 1. `difference` is contaminated minus clean, with its interval."""

    n_clean: int
    n_contaminated: int
    score_all: float
    score_clean: float
    score_contaminated: float
    difference: float
    lower: float
    upper: float


def split(scores: Mapping[str, int], contaminated: Collection[str], level: float = LEVEL) -> Split | None:
    """Scores (0 or 1) by item, split by whether the item is contaminated; None where one side has no item.

    The two sides are different items, so the interval is that of two independent shares: Newcombe 1998, Statistics in
    Medicine 17, 873-890, method 10 (from the two Wilson intervals).
    """
    tainted = [score for item, score in scores.items() if item in contaminated]
    clean = [score for item, score in scores.items() if item not in contaminated]
    if not tainted or not clean:
        return None
    one, other = (wilson(sum(side), len(side), level) for side in (tainted, clean))
    difference = one.estimate - other.estimate
    return Split(
        len(clean),
        len(tainted),
        (sum(clean) + sum(tainted)) / len(scores),
        other.estimate,
        one.estimate,
        difference,
        difference - math.hypot(one.estimate - one.lower, other.upper - other.estimate),
        difference + math.hypot(one.upper - one.estimate, other.estimate - other.lower),
    )
