"""What an interval of a difference says, in two words: the direction, then the size against a margin."""

import math
from dataclasses import dataclass
from enum import StrEnum

from evals.statistics.normal import z_for


class Direction(StrEnum):
    """Whether the difference is told apart from none at all."""

    IMPROVED = "improved"
    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"


class Size(StrEnum):
    """Whether a loss is told apart from one as large as the margin."""

    EQUIVALENT = "equivalent"
    NON_INFERIOR = "non-inferior"
    INFERIOR = "inferior"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Verdict:
    """Both words. They overlap on purpose: a small sure loss is `regressed` and `equivalent`."""

    direction: Direction
    size: Size

    def __str__(self) -> str:
        return f"{self.direction}, {self.size}"


def verdict(lower: float, upper: float, margin: float, *, higher_is_better: bool = True) -> Verdict:
    """The verdict on the interval [lower, upper] of (new - old), in the metric's own units.

    With higher better: improved when lower > 0, regressed when upper < 0; equivalent when the whole interval
    lies inside ±margin, non-inferior when lower > -margin, inferior when upper < -margin (equivalence and
    non-inferiority by interval inclusion: Schuirmann 1987, J. Pharmacokinet. Biopharm. 15, 657-680).
    Raises ValueError for a margin that is not positive or an interval that is upside down.
    """
    if margin <= 0:
        raise ValueError(f"a margin is a positive difference that would matter, this is {margin}")
    if lower > upper:
        raise ValueError(f"the interval [{lower}, {upper}] is upside down")
    low, high = (lower, upper) if higher_is_better else (-upper, -lower)
    return Verdict(_direction(low, high), _size(low, high, margin))


def n_to_detect(
    discordant_share: float, difference: float, *, power: float = 0.8, alpha: float = 0.05
) -> int:
    """Items that a paired 0/1 comparison needs to find a true `difference`, at two-sided `alpha`.

    Source: Connor 1987, Biometrics 43, 207-211: n = (z_{a/2}·sqrt(pd) + z_b·sqrt(pd - d²))²/d², pd the share
    of discordant items. Raises ValueError when the difference exceeds that share or is 0.
    """
    if difference == 0 or abs(difference) > discordant_share:
        raise ValueError(f"a difference of {difference} cannot come from {discordant_share} discordant items")
    z_alpha, z_beta = z_for(1 - alpha), z_for(2 * power - 1)
    root = z_alpha * math.sqrt(discordant_share) + z_beta * math.sqrt(discordant_share - difference**2)
    return math.ceil((root / difference) ** 2)


def minimum_detectable_effect(se: float, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """The true difference that a comparison with this standard error finds with `power`: (z_{a/2} + z_b)·SE, 2.8·SE.

    Source: Bloom 1995, Evaluation Review 19, 547-556; Miller 2024, arXiv:2411.00640. A smaller difference may be
    there and stay unseen. Raises ValueError for an error below 0.
    """
    if se < 0:
        raise ValueError(f"a standard error is not negative, this is {se}")
    return (z_for(1 - alpha) + z_for(2 * power - 1)) * se


def n_for_margin(discordant_share: float, margin: float, *, power: float = 0.8, level: float = 0.95) -> int:
    """Items that a margin needs before a model with no true loss is shown non-inferior with `power`.

    Source: Connor's formula (n_to_detect) with the variance of no difference, pd:
    (z_{a/2} + z_b)²·pd/m². For scores that are not 0/1, or clustered, pass the mean squared difference, which
    for 0/1 scores is the discordant share. Never less than z²(1 - m)/m, below which Tango's interval is wider
    than the margin even with no discordant item, so a small suite cannot ask for less than it takes. Raises
    ValueError for a margin outside (0, 1) or a negative share.
    """
    if not 0 < margin < 1 or discordant_share < 0:
        raise ValueError(
            f"margin {margin} must lie in (0, 1) and discordant share {discordant_share} not below 0"
        )
    z_alpha, z_beta = z_for(level), z_for(2 * power - 1)
    powered = (z_alpha + z_beta) ** 2 * discordant_share / margin**2
    floor = z_alpha**2 * (1 - margin) / margin
    return max(math.ceil(powered), math.floor(floor) + 1)


def _direction(low: float, high: float) -> Direction:
    if low > 0:
        return Direction.IMPROVED
    return Direction.REGRESSED if high < 0 else Direction.INCONCLUSIVE


def _size(low: float, high: float, margin: float) -> Size:
    if low > -margin:
        return Size.EQUIVALENT if high < margin else Size.NON_INFERIOR
    return Size.INFERIOR if high < -margin else Size.INCONCLUSIVE
