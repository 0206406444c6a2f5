"""Gates on harm: every metric is shown non-inferior by its own margin, uncorrected, or nothing passes.

All of them must hold (an intersection-union test: Berger 1982, Technometrics 24, 295-300), which needs no
correction; one would let a bad release pass, since a real regression at p = 0.01 stops counting among ten metrics.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from evals.statistics.verdicts import Size, n_for_margin, verdict


class Outcome(StrEnum):
    """What a gate says, as gate reports say it."""

    PASSED = "passed"
    REFUSED = "refused"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class HarmGate:
    """The outcome, with the items there were, the fewest at which the margin can pass at all, and the number to plan."""

    outcome: Outcome
    n: int
    n_least: int
    n_needed: int


def harm_gate(
    lower: float,
    upper: float,
    margin: float,
    n: int,
    *,
    discordant_share: float = 0.0,
    higher_is_better: bool = True,
) -> HarmGate:
    """Hold the interval [lower, upper] of (new - old) over `n` items against the margin.

    Passed when non-inferior, refused when inferior, else undecided: "no significant difference" passes nothing.
    Below `n_least` (n_for_margin of no discordance) nothing passes whatever the interval, so that smallness alone
    never does. `n_needed` is what the margin takes at this share of discordant items; see n_for_margin().
    Raises ValueError as verdict() and n_for_margin() do.
    """
    size = verdict(lower, upper, margin, higher_is_better=higher_is_better).size
    least = n_for_margin(0.0, margin)
    shown = size in (Size.EQUIVALENT, Size.NON_INFERIOR) and n >= least
    outcome = Outcome.PASSED if shown else Outcome.REFUSED if size == Size.INFERIOR else Outcome.UNDECIDED
    return HarmGate(outcome, n, least, n_for_margin(discordant_share, margin))


def all_hold(outcomes: Iterable[Outcome]) -> Outcome:
    """Refused if one is refused, else undecided if one is, or if there is none at all; else passed."""
    found = set(outcomes)
    if Outcome.REFUSED in found:
        return Outcome.REFUSED
    return Outcome.PASSED if found == {Outcome.PASSED} else Outcome.UNDECIDED
