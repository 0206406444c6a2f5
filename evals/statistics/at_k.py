"""A task whose items were sampled several times: pass@k, maj@k and all@k over its items, each with an interval over items."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from evals.statistics.intervals import Interval, average, wilson
from evals.statistics.repeats import maj_at_k, pass_at_k
from evals.statistics.scores import score_interval

ESTIMATORS = ("pass", "maj", "all")
RIGHT = object()


@dataclass(frozen=True)
class Sampled:
    """The samples of one item: which of them are right, and what each answered where answers can be compared."""

    right: tuple[bool, ...]
    answers: tuple[Hashable, ...] | None = None


def ks(samples: int) -> list[int]:
    """The sizes k that are told of so many samples: the powers of 2 below, and all."""
    return [2**power for power in range(samples.bit_length()) if 2**power < samples] + [samples]


def values(items: Sequence[Sampled], estimator: str, k: int) -> list[float]:
    """One value an item. Raises ValueError for k above the number of samples, or a vote without answers.

    `pass`: at least one of k is right (Chen et al. 2021). `all`: every one of k is. `maj`: the right answer wins a vote of k;
    a tie among m answers counts 1/m, and samples without any answer vote together for nothing.
    """
    if estimator == "maj":
        return [_vote(item, k) for item in items]
    if estimator == "pass":
        return [pass_at_k(len(item.right), sum(item.right), k) for item in items]
    return [1 - pass_at_k(len(item.right), len(item.right) - sum(item.right), k) for item in items]


def over_items(scores: Sequence[float], *, seed: int, clusters: Sequence[Hashable] | None = None) -> Interval:
    """The mean of the items' values with its interval, as of any score; where no value differs and that would have no width,
    Wilson's: no spread seen is not none. Raises ValueError for no values."""
    if len(scores) < 2 or len(set(scores)) == 1:
        found = wilson(len(scores) * average(scores) if scores else 0, len(scores))
        return Interval(found.n, average(scores), found.lower, found.upper, found.level, found.method)
    return score_interval(scores, seed=seed, clusters=clusters)


def _vote(item: Sampled, k: int) -> float:
    if item.answers is None:
        raise ValueError("answers that cannot be compared cannot vote")
    votes = [
        RIGHT if right else ("wrong", answer) for right, answer in zip(item.right, item.answers, strict=True)
    ]
    return maj_at_k(votes, RIGHT, k)
