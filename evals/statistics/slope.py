"""What more thinking buys: accuracy against the logarithm of the tokens that a model may use."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from evals.statistics.intervals import LEVEL, Interval, average
from evals.statistics.scores import mean_interval


@dataclass(frozen=True)
class TokenSlope:
    """accuracy = intercept + slope·log2(tokens); the slope is what each doubling adds, with its interval over items."""

    intercept: float
    slope: Interval
    tokens: tuple[float, ...]
    accuracies: tuple[float, ...]

    @property
    def rises(self) -> bool:
        """Whether more tokens surely help: the whole interval of the slope lies above 0."""
        return self.slope.lower > 0


def token_slope(
    tokens: Sequence[float],
    scores: Sequence[Sequence[float]],
    *,
    seed: int,
    clusters: Sequence[Hashable] | None = None,
    level: float = LEVEL,
) -> TokenSlope:
    """Least squares of accuracy on log2(tokens), with an interval that knows that every budget had the same items.

    `tokens[j]` is the mean number of tokens used at budget j, `scores[j][i]` the score of item i there. Since every
    item is asked at every budget, the slope is the mean of the items' own slopes, and its interval is that of a
    mean over items (mean_interval): the budgets' errors, which are not independent, need no model. Raises
    ValueError for fewer than two different budgets, no tokens, or budgets with different numbers of items.
    """
    if len(tokens) != len(scores) or len({len(row) for row in scores}) != 1:
        raise ValueError("every budget needs its mean number of tokens and the scores of the same items")
    if len(set(tokens)) < 2 or min(tokens) <= 0:
        raise ValueError("a slope needs at least 2 different budgets, each of more than 0 tokens")
    x = [math.log2(count) for count in tokens]
    centre = average(x)
    weights = [(at - centre) / math.fsum((other - centre) ** 2 for other in x) for at in x]
    slopes = [
        math.fsum(w * s for w, s in zip(weights, item, strict=True)) for item in zip(*scores, strict=True)
    ]
    accuracies = tuple(average(row) for row in scores)
    slope = mean_interval(slopes, seed=seed, clusters=clusters, level=level)
    return TokenSlope(average(accuracies) - slope.estimate * centre, slope, tuple(tokens), accuracies)
