"""Many p-values at once: corrections for claims of improvement. A gate on harm is never corrected (gates.py).

A family is fixed before anything is measured: all primary metrics of one comparison; slices are a second family.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

ALPHA = 0.05


@dataclass(frozen=True)
class Corrected:
    """A p-value of a family: as it was, adjusted (compare it with alpha itself), and whether it is rejected."""

    p: float
    adjusted: float
    rejected: bool


def holm(ps: Sequence[float], alpha: float = ALPHA) -> tuple[Corrected, ...]:
    """Holm's step-down correction, in the order of `ps`: the chance of any false claim is at most `alpha`.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70: the i-th smallest of m counts while
    p <= alpha/(m - i + 1); adjusted: the largest of (m - j + 1)·p_j over j <= i. Whatever the dependence.
    Raises ValueError for a p-value outside [0, 1].
    """
    order, m = _ordered(ps), len(ps)
    adjusted, largest = [0.0] * m, 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (m - rank) * ps[place]))
        adjusted[place] = largest
    return _decided(ps, adjusted, alpha)


def benjamini_hochberg(ps: Sequence[float], q: float = ALPHA) -> tuple[Corrected, ...]:
    """Benjamini and Hochberg's step-up correction: of what is rejected, a share of at most `q` is false on average.

    Source: Benjamini and Hochberg 1995, JRSS B 57, 289-300: all up to the largest i with p_i <= i·q/m. For
    exploration, where metrics are independent or positively dependent. Raises ValueError as holm() does.
    """
    return _step_up(ps, q, 1.0)


def benjamini_yekutieli(ps: Sequence[float], q: float = ALPHA) -> tuple[Corrected, ...]:
    """As benjamini_hochberg(), for metrics that depend on each other in unknown ways: m grows by 1 + 1/2 + … + 1/m.

    Source: Benjamini and Yekutieli 2001, Annals of Statistics 29, 1165-1188. Raises ValueError as holm() does.
    """
    return _step_up(ps, q, fsum(1 / i for i in range(1, len(ps) + 1)))


def _step_up(ps: Sequence[float], q: float, factor: float) -> tuple[Corrected, ...]:
    order, m = _ordered(ps), len(ps)
    adjusted, smallest = [0.0] * m, 1.0
    for rank in range(m, 0, -1):
        place = order[rank - 1]
        smallest = min(smallest, factor * m * ps[place] / rank)
        adjusted[place] = smallest
    return _decided(ps, adjusted, q)


def _ordered(ps: Sequence[float]) -> list[int]:
    if any(not 0 <= p <= 1 for p in ps):
        raise ValueError(f"p-values lie between 0 and 1, these are {list(ps)}")
    return sorted(range(len(ps)), key=lambda place: ps[place])


def _decided(ps: Sequence[float], adjusted: Sequence[float], alpha: float) -> tuple[Corrected, ...]:
    return tuple(Corrected(p, new, new <= alpha) for p, new in zip(ps, adjusted, strict=True))
