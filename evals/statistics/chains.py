"""A line of versions held against one anchor, look after look: what counts as worse, as a claim, and as a slow slide.

Harm is judged task by task, uncorrected (gates.py). Claims of improvement are corrected twice: for the tasks of one
comparison (Holm) and for the looks at the line (alpha spending).
"""

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import repeat
from typing import NamedTuple

from evals.statistics.decimals import text
from evals.statistics.gates import Outcome, harm_gate
from evals.statistics.multiplicity import holm
from evals.statistics.sequential import ALPHA, STAKES, log_e_values, spent_alpha
from evals.statistics.verdicts import Direction, Size, Verdict

LARGEST_E = 1_000_000
"""E-values are written up to here: whoever doubts at a million doubts at more."""


class Held(StrEnum):
    """What a task says of a version against an older one."""

    HELD = "held"
    WORSE = "worse"
    UNDECIDED = "undecided"


class Look(NamedTuple):
    """One look of a line at its anchor: its number, counted from 1, and the discordant items that it lost and won."""

    number: int
    lost: int
    won: int


def held(
    found: Verdict, lower: float, upper: float, margin: float, n: int, *, higher_is_better: bool
) -> Held:
    """Held when shown non-inferior by its own margin, uncorrected, on enough items; worse when inferior, or surely
    worse by a loss that may be larger than the margin; else undecided.

    Raises ValueError as harm_gate() does.
    """
    gate = harm_gate(lower, upper, margin, n, higher_is_better=higher_is_better)
    if gate.outcome == Outcome.PASSED:
        return Held.HELD
    surely = found.direction == Direction.REGRESSED and found.size == Size.INCONCLUSIVE
    return Held.WORSE if surely or gate.outcome == Outcome.REFUSED else Held.UNDECIDED


def together(found: Iterable[Held]) -> Held:
    """Worse if one is, else undecided if one is or if there is none, else held."""
    seen = set(found)
    if Held.WORSE in seen:
        return Held.WORSE
    return Held.HELD if seen == {Held.HELD} else Held.UNDECIDED


def claims(ps: Sequence[float], directions: Sequence[Direction], look: int) -> list[bool]:
    """Which tasks may be said to have improved: Holm over all of the comparison, at what this look may spend.

    The k-th look spends alpha·6/(pi²·k²), so that over all looks together a false claim has at most the chance alpha.
    Raises ValueError for a p-value outside [0, 1] or a look below 1.
    """
    found = holm(ps, spent_alpha(look))
    return [
        one.rejected and direction == Direction.IMPROVED
        for one, direction in zip(found, directions, strict=True)
    ]


def log_e(lost: int, won: int, stakes: Sequence[float] = STAKES) -> float:
    """The logarithm of the e-value after so many discordant items, whatever their order; see sequential.log_e_values.

    0 without any. Raises ValueError for a negative count or a stake outside (0, 1).
    """
    if min(lost, won) < 0:
        raise ValueError(f"{lost} and {won} are no counts of items")
    return [0.0, *log_e_values([*repeat(True, lost), *repeat(False, won)], stakes)][-1]


def log_e_of_chain(looks: Iterable[Look], stakes: Sequence[float] = STAKES) -> float:
    """The logarithm of the chain's e-value: each look's e-value times its weight 6/(pi²·k²), added up; -inf without any.

    Looks at one anchor over the same items depend on each other, so their e-values must not be multiplied. Their
    weighted sum only grows from look to look and its expectation stays at most 1 under any dependence (an average of
    e-values is one: Vovk and Wang 2021, Annals of Statistics 49, 1736-1754), so by Markov's inequality it ever reaches
    1/alpha with probability at most alpha if no version is worse. Raises ValueError for a number that stands twice, as
    the weights would then add up to more than 1, and as log_e() and spent_alpha() do.
    """
    found = list(looks)
    if len({look.number for look in found}) < len(found):
        raise ValueError("each look has its own number")
    logs = [math.log(spent_alpha(look.number, 1.0)) + log_e(look.lost, look.won, stakes) for look in found]
    if not logs:
        return -math.inf
    top = max(logs)
    return top + math.log(math.fsum(math.exp(log - top) for log in logs))


def alarmed(log: float, alpha: float = ALPHA) -> bool:
    """Whether an e-value with this logarithm has reached 1/alpha."""
    return log >= -math.log(alpha)


def e_text(log: float) -> str:
    """An e-value from its logarithm as decimal text with three places; 1000000 stands for that and anything above."""
    return text(LARGEST_E if log >= math.log(LARGEST_E) else math.exp(log), 3)


def slid(steps: Sequence[Held], anchor: Held) -> bool:
    """Whether each of several steps was held against its predecessor and the newest is not held against the anchor."""
    return len(steps) > 1 and all(step == Held.HELD for step in steps) and anchor != Held.HELD
