"""Two models near the ceiling: the ratio of their error rates, since differences are squeezed there."""

import math

from evals.statistics.intervals import LEVEL, Interval
from evals.statistics.normal import z_for


def error_ratio(errors_a: int, errors_b: int, both: int, n: int, level: float = LEVEL) -> Interval:
    """a's errors over b's on the same `n` items, `both` of which both got wrong; 1 means as many.

    Source: Fagerland, Lydersen and Laake 2014, Statistics in Medicine 33, 2850-2875, the Wald interval of a ratio
    of paired shares: log ratio ± z·sqrt((n10 + n01)/(errors_a·errors_b)). Raises ValueError for impossible counts,
    and where a side makes no error: then there is no ratio, only zero_failure_upper().
    """
    if not 0 <= both <= min(errors_a, errors_b) or errors_a + errors_b - both > n:
        raise ValueError(
            f"{errors_a} and {errors_b} errors, {both} of them shared, do not fit into {n} items"
        )
    if min(errors_a, errors_b) == 0:
        raise ValueError(f"{errors_a} against {errors_b} errors have no ratio")
    ratio, discordant = errors_a / errors_b, errors_a + errors_b - 2 * both
    factor = math.exp(z_for(level) * math.sqrt(discordant / (errors_a * errors_b)))
    return Interval(n, ratio, ratio / factor, ratio * factor, level, "paired log ratio")
