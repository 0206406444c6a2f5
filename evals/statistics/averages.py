"""One number over several benchmarks, refused where a cell is missing or was made up."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from evals.statistics.intervals import LEVEL
from evals.statistics.normal import z_for


@dataclass(frozen=True)
class Cell:
    """A benchmark's score with its standard error; `imputed` when it was filled in and not measured."""

    score: float
    se: float
    imputed: bool = False


@dataclass(frozen=True)
class MacroAverage:
    """The weighted mean of benchmarks' scores; `marked` names the cells that were not measured, if they were let in."""

    tasks: int
    score: float
    se: float
    lower: float
    upper: float
    level: float
    marked: tuple[str, ...]


class IncompleteAverage(ValueError):
    """Cells are missing or imputed: an average would compare different benchmarks without saying so."""

    def __init__(self, missing: tuple[str, ...], imputed: tuple[str, ...]) -> None:
        told = "; ".join(
            f"{what}: {', '.join(names)}"
            for what, names in (("missing", missing), ("imputed", imputed))
            if names
        )
        super().__init__(
            f"The average is not made, because not every cell was measured ({told}). Measure them first."
        )
        self.missing, self.imputed = missing, imputed


def macro_average(
    cells: Mapping[str, Cell | None],
    weights: Mapping[str, float] | None = None,
    *,
    mark_imputed: bool = False,
    level: float = LEVEL,
) -> MacroAverage:
    """The mean over benchmarks that share no items, name → cell (None when missing), equally weighted by default.

    Source: the variance of a weighted sum of independent means, SE = sqrt(sum of w²·SE²), weights made to add up
    to 1. With `mark_imputed`, imputed cells are averaged and named in `marked` (the SE then lacks what the
    imputation adds). Raises IncompleteAverage for missing cells, and for imputed ones that are not to be marked;
    ValueError for no cells, or weights that are negative, for other cells, or all 0.
    """
    if not cells:
        raise ValueError("there is nothing to average: no benchmarks")
    measured = {name: cell for name, cell in cells.items() if cell is not None}
    imputed = tuple(name for name, cell in measured.items() if cell.imputed)
    missing = tuple(name for name in cells if name not in measured)
    if missing or (imputed and not mark_imputed):
        raise IncompleteAverage(missing, () if mark_imputed else imputed)
    shares = _shares(measured, weights)
    score = math.fsum(shares[name] * cell.score for name, cell in measured.items())
    se = math.sqrt(math.fsum((shares[name] * cell.se) ** 2 for name, cell in measured.items()))
    half = z_for(level) * se
    return MacroAverage(len(measured), score, se, score - half, score + half, level, imputed)


def _shares(cells: Mapping[str, Cell], weights: Mapping[str, float] | None) -> dict[str, float]:
    given = weights or dict.fromkeys(cells, 1.0)
    whole = math.fsum(given.values())
    if given.keys() != cells.keys() or min(given.values()) < 0 or whole <= 0:
        raise ValueError(f"the weights {dict(given)} do not fit the benchmarks {', '.join(cells)}")
    return {name: weight / whole for name, weight in given.items()}
