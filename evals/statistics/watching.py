"""Did answers change, whichever way? E-values of looks at one reference, several tasks a look (pure).

An item that two runs scored differently is a bet: if nothing changed, either run is as likely to have scored it.
"""

import math
from collections.abc import Sequence

from evals.statistics.chains import log_e
from evals.statistics.sequential import spent_alpha


def log_e_either(lost: int, won: int) -> float:
    """The logarithm of the e-value against "nothing changed", of so many discordant items each way.

    It is the mean of the bets on a loss and on a win (chains.log_e), each an e-value, so it is one. 0 without any item.
    Raises ValueError for a negative count.
    """
    return log_mean_e([log_e(lost, won), log_e(won, lost)])


def log_mean_e(logs: Sequence[float]) -> float:
    """The logarithm of the mean of the e-values with these logarithms: an e-value however they depend on each other.

    Source: Vovk and Wang 2021, Annals of Statistics 49, 1736-1754. Raises ValueError for none.
    """
    if not logs:
        raise ValueError("the mean of no e-values")
    return _log_sum_exp(logs) - math.log(len(logs))


def log_e_so_far(before: float, look: int, log: float) -> float:
    """The logarithm of the e-value of all looks at a reference: `before`, and the `look`-th (from 1) with its weight 6/(pi²·k²).

    `before` is -inf at the first look. Its validity is that of chains.log_e_of_chain. Raises ValueError for a look below 1.
    """
    weighed = math.log(spent_alpha(look, 1.0)) + log
    return _log_sum_exp([before, weighed])


def _log_sum_exp(logs: Sequence[float]) -> float:
    top = max(logs)
    return top + math.log(math.fsum(math.exp(log - top) for log in logs))
