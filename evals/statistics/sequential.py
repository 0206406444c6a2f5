"""Looking again and again: tests and intervals that stay valid whenever one looks, and alpha for planned releases."""

import math
from collections.abc import Iterable, Iterator, Sequence

from evals.statistics.intervals import LEVEL

ALPHA = 0.05
STAKE = 0.5
STAKES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
FIRST_LOOK = 30


def log_e_values(lost: Iterable[bool], stakes: Sequence[float] = (STAKE,)) -> Iterator[float]:
    """The logarithm of the e-value after each discordant pair; `lost` says whether the new model lost it.

    Tests P(new loses | discordant) <= 1/2 by betting: E_t is the product of (1 + stake·x), x = +1 for a loss of
    the new model and -1 for a win. With several stakes E_t is the mean of their products, which needs no tuning.
    Source: Waudby-Smith and Ramdas 2024, JRSS B 86, 1-27; the expectation of E_t stays at most 1, so by Ville's
    inequality E_t ever reaches 1/alpha with probability at most alpha. Raises ValueError for a stake outside (0, 1).
    """
    if not stakes or any(not 0 < stake < 1 for stake in stakes):
        raise ValueError(f"a stake lies between 0 and 1, these are {list(stakes)}")
    logs = [0.0] * len(stakes)
    for loss in lost:
        logs = [log + math.log1p(stake if loss else -stake) for log, stake in zip(logs, stakes, strict=True)]
        yield _log_mean_exp(logs)


def alarm_at(lost: Iterable[bool], stakes: Sequence[float] = STAKES, alpha: float = ALPHA) -> int | None:
    """The number of the discordant pair at which E_t first reaches 1/alpha; None when it never does."""
    bar = -math.log(alpha)
    return next((t for t, log in enumerate(log_e_values(lost, stakes), 1) if log >= bar), None)


def rho_for(target: int, alpha: float = ALPHA) -> float:
    """The rho that makes a confidence sequence narrowest near `target` items: sqrt((-2 log a + log(-2 log a + 1))/target).

    Source: Waudby-Smith et al. 2024, Annals of Statistics 52, 2613-2640, section 2 and appendix. Raises ValueError
    for target < 1.
    """
    if target < 1:
        raise ValueError(f"the target is a number of items, this is {target}")
    doubled = -2 * math.log(alpha)
    return math.sqrt((doubled + math.log(doubled + 1)) / target)


def sequence_half_width(deviation: float, t: int, rho: float, alpha: float = ALPHA) -> float:
    """Half the width of the asymptotic confidence sequence after `t` items whose standard deviation is `deviation`.

    Source: Waudby-Smith et al. 2024 (arXiv:2103.06476), theorem 2.2:
    s·sqrt(2(t·rho² + 1)/(t²·rho²)·log(sqrt(t·rho² + 1)/alpha)).
    """
    spread = t * rho * rho + 1
    return deviation * math.sqrt(2 * spread / (t * t * rho * rho) * math.log(math.sqrt(spread) / alpha))


def confidence_sequence(
    differences: Iterable[float], target: int, level: float = LEVEL
) -> Iterator[tuple[int, float, float]]:
    """(items, lower, upper) of the mean paired difference as items come in, all right at once with probability `level`.

    Asymptotic, so there is no look before 30 items, nor before the differences vary at all. The deviation is the
    running one (1/t in the denominator, as in the paper), by Welford's updates. `target` is the number of items at
    which the intervals should be narrowest. Raises ValueError for target < 1.
    """
    rho = rho_for(target, 1 - level)
    mean = squares = 0.0
    for t, difference in enumerate(differences, 1):
        step = difference - mean
        mean += step / t
        squares += step * (difference - mean)
        if t >= FIRST_LOOK and squares > 0:
            half = sequence_half_width(math.sqrt(squares / t), t, rho, 1 - level)
            yield t, mean - half, mean + half


def spent_alpha(release: int, alpha: float = ALPHA) -> float:
    """What the `release`-th planned release (counted from 1) may spend on a claim of improvement: alpha·6/(pi²·k²).

    Over all releases that adds up to `alpha`. Not for alarms, which keep all of alpha each time. Raises ValueError
    for release < 1.
    """
    if release < 1:
        raise ValueError(f"releases are counted from 1, this is {release}")
    return alpha * 6 / (math.pi * release) ** 2


def _log_mean_exp(logs: Sequence[float]) -> float:
    top = max(logs)
    return top + math.log(math.fsum(math.exp(log - top) for log in logs) / len(logs))
