"""What a benchmark found, as a table for people and as JSON for scripts (pure)."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

from rich.table import Table

from benchmarks.paired import Interval, interval, ratios


@dataclass(frozen=True)
class Aim:
    """A bound on a figure's value or on its ratio to the baseline."""

    of: Literal["value", "ratio"]
    bound: float
    is_least: bool = False

    def __str__(self) -> str:
        sign = "≥" if self.is_least else "≤"
        return f"{sign} {self.bound:g}{'×' if self.of == 'ratio' else ''}"


@dataclass(frozen=True)
class Figure:
    """The median of `values`; with `baseline` also the ratio of the two, round by round."""

    name: str
    unit: str
    values: Sequence[float] = ()
    baseline: Sequence[float] = ()
    against: str = ""
    """What the baseline is."""
    aim: Aim | None = None
    skipped: str = ""
    """What could not be measured, and why."""

    @property
    def value(self) -> float | None:
        return median(self.values) if self.values else None

    @property
    def ratio(self) -> Interval | None:
        return interval(ratios(self.values, self.baseline)) if self.baseline else None

    @property
    def meets(self) -> bool | None:
        """Whether the aim is met; None where there is none."""
        found = self.ratio.median if self.aim and self.aim.of == "ratio" and self.ratio else self.value
        if self.aim is None or found is None:
            return None
        return found >= self.aim.bound if self.aim.is_least else found <= self.aim.bound

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "value": self.value,
            "ratio": self.ratio._asdict() if self.ratio else None,
            "aim": str(self.aim) if self.aim else None,
            "meets": self.meets,
        }


def number(value: float) -> str:
    """Whole numbers as they are, others with three significant digits, and never an exponent."""
    if not math.isfinite(value) or value == int(value):
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 6)}f}"


def table(figures: Sequence[Figure]) -> Table:
    made = Table(title="Benchmarks: medians; ratios with an interval of the median over the rounds")
    for name in ("what", "value", "unit", "baseline", "ratio", "aim", ""):
        made.add_column(
            name, justify="left" if name in {"what", "unit", "baseline"} else "right", overflow="fold"
        )
    for figure in figures:
        made.add_row(
            figure.name,
            "" if figure.value is None else number(figure.value),
            figure.unit,
            f"{figure.against}: {number(median(figure.baseline))}" if figure.baseline else figure.skipped,
            _ratio(figure.ratio),
            str(figure.aim or ""),
            {True: "met", False: "missed", None: ""}[figure.meets],
        )
    return made


def _ratio(found: Interval | None) -> str:
    if found is None:
        return ""
    spread = f" ({number(found.low)} to {number(found.high)})" if found.low < found.high else ""
    return f"{number(found.median)}×{spread}"
