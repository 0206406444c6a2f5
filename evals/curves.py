"""Test-time compute: one model and suite, evaluated several times with more samples or longer responses, and nothing else changed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from evals.curve_slopes import Asked, Slope, over_budgets, over_k
from evals.pictures_history import choice_of
from evals.pictures_records import Evaluated
from governance.evidence.records import Inconsistent
from governance.ledger.canonical import canonical
from governance.registry.blobs import MissingBlob

MOST_BUDGETS = 12
"""Budgets of which items are read for slopes; the newest evaluations count."""
SAME = ("task_hash", "version", "metric", "direction", "few_shot", "filter")
"""Fields of a result that must be the same within a curve, beside the settings of the evaluation."""


@dataclass(frozen=True)
class Point:
    """One evaluation of a curve: `samples` an item, each of at most `budget` tokens."""

    evaluation: Evaluated
    result: Mapping[str, Any]
    budget: int
    samples: int

    def record(self) -> dict[str, Any]:
        told = {name: self.result.get(name) for name in ("n", "score", "ci_low", "ci_high")}
        return {
            "evaluation": str(self.evaluation.id), "budget": self.budget, "samples": self.samples, **told,
            "at_k": self.result.get("at_k", []),
        }  # fmt: skip


@dataclass(frozen=True)
class Curve:
    """Evaluations of one task that differ only in samples and budget, by budget, samples and time."""

    model: str
    suite: str
    task: str
    metric: str
    sampling: str
    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        return f"{self.model} on {self.suite}, {self.sampling}"

    @property
    def best(self) -> list[Point]:
        """Of each budget the evaluation with the most samples, of those the newest."""
        found: dict[int, Point] = {}
        for point in sorted(self.points, key=lambda one: (one.samples, one.evaluation.at)):
            found[point.budget] = point
        newest = sorted(found.values(), key=lambda one: one.evaluation.at)[-MOST_BUDGETS:]
        return sorted(newest, key=lambda one: one.budget)

    @property
    def k(self) -> int:
        """The largest k that can be told at every budget; 1 where some were asked once."""
        told = [{at["k"] for at in point.result.get("at_k", [])} for point in self.best]
        return max(set.intersection(*told), default=1)

    @cached_property
    def slopes(self) -> tuple[Slope, ...]:
        """What each doubling adds, with its interval over items. Raises MissingBlob, Inconsistent."""
        asked = tuple(
            Asked(one.budget, one.samples, one.evaluation.items_sha256, self.task, self._higher)
            for one in self.best
        )
        if not all(one.items_sha256 for one in asked):
            return ()
        found = over_budgets(asked, self.k) if len(asked) > 1 else ()
        return found + tuple(slope for one in asked if one.samples > 1 for slope in over_k(one))

    @property
    def _higher(self) -> bool:
        return self.points[0].result.get("direction") != "lower"

    def told(self) -> tuple[tuple[Slope, ...], str]:
        """The slopes, and why there are none where the items cannot be read."""
        try:
            return self.slopes, ""
        except (MissingBlob, Inconsistent) as error:
            return (), str(error)

    def record(self) -> dict[str, Any]:
        """The curve with decimals as text."""
        slopes, problem = self.told()
        return {
            "model": self.model, "suite": self.suite, "task": self.task, "metric": self.metric, "sampling": self.sampling,
            "points": [point.record() for point in self.points], "slopes": [slope.record() for slope in slopes],
            "problem": problem,
        }  # fmt: skip


def curves(evaluations: Sequence[Evaluated], choice: str = "") -> list[Curve]:
    """The curves of a task ("eval-suite:basics/sums"), or of all, whose newest evaluation is newest first.

    A single evaluation with one sample is none. Evaluations that did not record how responses were generated are in none.
    """
    groups: dict[bytes, list[tuple[Evaluated, Mapping[str, Any]]]] = defaultdict(list)
    for one in evaluations:
        for result in one.results:
            if choice in ("", choice_of(one.suite, result["task"])) and _budget(result):
                groups[_like(one, result)].append((one, result))
    found = [_curve(rows) for rows in groups.values()]
    drawn = [one for one in found if len({(p.budget, p.samples) for p in one.points}) > 1 or one.k > 1]
    return sorted(drawn, key=lambda one: max(point.evaluation.at for point in one.points), reverse=True)


def _curve(rows: Sequence[tuple[Evaluated, Mapping[str, Any]]]) -> Curve:
    points = [Point(one, result, _budget(result), int(result.get("samples", 1))) for one, result in rows]
    one, result = rows[0]
    return Curve(
        one.subject, one.suite, str(result["task"]), str(result["metric"]), _sampling(result["generation"]),
        tuple(sorted(points, key=lambda point: (point.budget, point.samples, point.evaluation.at))),
    )  # fmt: skip


def _budget(result: Mapping[str, Any]) -> int:
    """Tokens that a response could have; 0 where none was generated or that is not told."""
    told = (result.get("generation") or {}).get("max_gen_toks")
    return told if isinstance(told, int) and told > 0 else 0


def _like(one: Evaluated, result: Mapping[str, Any]) -> bytes:
    """What two evaluations of one curve have in common."""
    generation = {name: value for name, value in result["generation"].items() if name != "max_gen_toks"}
    same = [result.get(name) for name in SAME]
    return canonical([one.subject, one.suite, result["task"], list(one.settings), generation, same])


def _sampling(generation: Mapping[str, Any]) -> str:
    """How responses are drawn, in words."""
    if generation.get("do_sample"):
        return f"temperature {generation.get('temperature', 'not recorded')}"
    return "greedy" if generation.get("do_sample") is False else "temperature not known"
