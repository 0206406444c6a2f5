"""What an import measured, a task each, in the form of the harness; and whether the file's own totals agree."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from evals.harness.suite import SuiteTask
from evals.importing.items import Tally
from evals.importing.log import Chosen, Log, TaskTold
from evals.statistics.decimals import text
from evals.statistics.intervals import mean, wilson, zero_failure_upper
from governance.registry.importers import BadFile

PLACES = 18
LAST = Decimal("1E-18")
FINEST = Fraction(1, 10**9)
"""Sums of floating-point numbers differ below this, however many digits a file prints."""


def check_totals(log: Log, chosen: Chosen, tally: Tally) -> None:
    """Raise BadFile unless number and mean of the items are what the file states, at the precision that it prints."""
    name, metric = chosen.task.name, chosen.task.metric
    told = log.tasks[name]
    if told.n is not None and told.n != tally.n:
        raise BadFile(
            f"The file states {told.n} items of the task {name}, and holds {tally.n}. Import all of its files."
        )
    stated = log.stated(name, chosen.filter, metric)
    if stated is not None and not agrees(stated, tally.mean):
        raise BadFile(
            f"The file states {metric} = {stated} for the task {name}, and its {tally.n} items have a mean of "
            f"{text(float(tally.mean), 9)}. Totals and items are not of the same measurement, or the metric is no mean of its items."
        )


def agrees(stated: Decimal, mean: Fraction) -> bool:
    """Whether `stated` is the mean, rounded to the places that it is printed with."""
    if not stated.is_finite() or not 0 <= stated <= 1:
        return False
    places = max(0, -int(stated.as_tuple().exponent))
    half = Fraction(1, 2 * 10 ** min(places, PLACES))
    return abs(Fraction(stated.quantize(LAST)) - mean) <= max(half, FINEST)


def task_result(
    told: TaskTold, chosen: Chosen, tally: Tally, items: int, filter: str | None
) -> dict[str, Any]:
    """As the harness's `task_result`; what the file does not tell is null. `items` is how many the suite holds."""
    spec = chosen.task
    values = [float(score) for score, count in tally.scores.items() for _ in range(count)]
    low, high = _interval(values)
    return {
        "task": spec.name, "kind": spec.kind, "metric": spec.metric, "purpose": spec.purpose,
        "direction": "higher" if spec.higher_is_better else "lower", "margin": text(float(spec.margin)),
        "n": tally.n, "items": items, "score": text(float(tally.mean)), "ci_low": low, "ci_high": high,
        "stderr": _stderr(values), "failure_rate_upper": _failure_bound(values, higher=spec.higher_is_better),
        "flags": {}, "version": SuiteTask(spec, ()).version, "task_hash": tally.hash(), "few_shot": told.few_shot,
        "generation": told.generation, "filter": filter,
    }  # fmt: skip


def _interval(values: list[float]) -> tuple[str | None, str | None]:
    """Wilson's for scores of 0 and 1, else the normal one within 0 and 1; none where no spread was seen."""
    if set(values) <= {0.0, 1.0}:
        found = wilson(int(sum(values)), len(values))
        return text(found.lower), text(found.upper)
    if len(set(values)) < 2:
        return None, None
    normal = mean(values)
    return text(max(0.0, normal.lower)), text(min(1.0, normal.upper))


def _stderr(values: list[float]) -> str | None:
    return text(mean(values).se) if len(set(values)) > 1 else None


def _failure_bound(values: list[float], *, higher: bool) -> str | None:
    best = 1.0 if higher else 0.0
    return text(zero_failure_upper(len(values))) if set(values) == {best} else None
