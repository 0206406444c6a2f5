"""What evidence says of a comparison: a release with its baseline, a model with the nearest model it was made from."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from evals.compare import NotLikeForLike, TaskComparison
from evals.comparison import PINS, by_digest, pins_of
from governance.evidence.build import derived, gap, human, recorded
from governance.evidence.facts import Fact, Value
from governance.evidence.records import Edge, Sealed, Step
from governance.evidence.registry_facts.evaluation import task_key
from governance.evidence.view import View
from governance.registry.blobs import MissingBlob

KEY, LABEL = "comparison", "Comparison"
FUNCTION = "paired_difference"
UNITS = {
    "n": "items", "score_a": "share", "score_b": "share", "difference": "share", "ci_low": "share", "ci_high": "share",
    "n10": "items", "n01": "items", "direction": None, "size": None, "n_needed": "items",
}  # fmt: skip
"""Figure of a task's comparison → its unit. a is the subject's model, b the baseline."""
LABELS = {
    "n": "items in pairs", "score_a": "score", "score_b": "baseline's score", "ci_low": "interval from", "ci_high": "interval to",
    "n10": "right here alone", "n01": "right in the baseline alone", "n_needed": "items that the margin needs",
}  # fmt: skip

Tasks = Mapping[str, str]
"""Task → the part of a key that names it."""


class Baseline(NamedTuple):
    """What the subject's model is compared with, and its evaluations by suite; or why there is none."""

    model: Sealed | None
    by_suite: Mapping[str, Step]
    why_none: str = ""


def facts(view: View) -> Iterator[Fact]:
    """Per task of the model's evaluations `comparison.<task>.difference` and its neighbours, or why there is no difference."""
    if view.model is None or not view.evaluations:
        return
    baseline = _baseline(view)
    if baseline.model is None:
        yield gap(KEY, LABEL, "not_recorded", baseline.why_none)
        return
    taken: set[str] = set()
    for number, (step, edge) in enumerate(view.evaluations, 1):
        tasks = {
            str(result["task"]): task_key(str(result["task"]), edge, taken)
            for result in step.summary.get("results") or []
        }
        yield from _suite(number, step, edge, tasks, baseline)


def _baseline(view: View) -> Baseline:
    if view.version.kind != "release":
        return _parent(view)
    named = view.parts.get("baseline")
    if named is None:
        if view.subject.erased:
            return Baseline(None, {}, view.subject.why_erased)
        missing = view.subject.content["baseline"] is not None
        why = "The registry does not hold the baseline" if missing else "The release names no baseline"
        return Baseline(None, {}, f"{why} to compare with.")
    known = view.model is not None and not view.model.erased and not named.erased
    own = view.model.content["weights_digest"] if view.model and known else None
    if own is not None and named.content["weights_digest"] == own:
        return Baseline(
            None, {}, f"The baseline {named.subject} has the same weights, so a comparison shows nothing."
        )
    return Baseline(named, _by_suite(view.evaluations_of([named])[named.subject]))


def _parent(view: View) -> Baseline:
    """The nearest model above by weight that was evaluated on a suite of this one."""
    found = view.evaluations_of(view.line.models[1:])
    suites = {edge.subject for _, edge in view.evaluations}
    for model in view.line.models[1:]:
        by_suite = _by_suite(found[model.subject])
        if suites & by_suite.keys():
            return Baseline(model, by_suite)
    return Baseline(None, {}, "No model that these weights were made from was evaluated on the same suite.")


def _by_suite(evaluations: list[tuple[Step, Edge]]) -> dict[str, Step]:
    return {edge.subject: step for step, edge in evaluations}


def _suite(number: int, step: Step, edge: Edge, tasks: Tasks, baseline: Baseline) -> Iterator[Fact]:
    assert baseline.model is not None  # noqa: S101 -- for the type checker: `facts` has looked
    other = baseline.by_suite.get(edge.subject)
    if other is None:
        yield from _gaps(tasks.values(), f"{baseline.model.subject} was not evaluated on {edge.subject}.")
        return
    pins, their_pins = pins_of(step.summary), pins_of(other.summary)
    if pins is None or their_pins is None:
        yield from _gaps(tasks.values(), f"An evaluation on {edge.subject} kept no items to compare.")
        return
    try:
        found = by_digest(*pins, *their_pins)
    except (NotLikeForLike, MissingBlob) as error:
        yield from _gaps(tasks.values(), str(error))
        return
    theirs = [fact for name in PINS for fact in _digest(f"baseline_{number}", other, name)]
    yield from theirs
    compared = {task.task: task for task in found.tasks}
    for name, key in tasks.items():
        if name not in compared:
            yield from _gaps([key], f"{baseline.model.subject} was evaluated on {edge.subject} without it.")
            continue
        yield from _named(f"{KEY}.{key}.baseline", other, baseline.model)
        inputs = [*_score(key, step, name), *_digest(str(number), step, "items_sha256"), *theirs[:1]]
        yield from _task(f"{KEY}.{key}", compared[name], found.warnings, inputs)


def _task(key: str, task: TaskComparison, whole: tuple[str, ...], inputs: list[Fact]) -> Iterator[Fact]:
    values: Mapping[str, Value | None] = task.record()
    for name, unit in UNITS.items():
        value = values[name]
        if value is not None:
            yield derived(f"{key}.{name}", LABELS.get(name, human(name)), FUNCTION, inputs, value, unit)
    if warnings := (*whole, *task.warnings):
        yield derived(f"{key}.warnings", "to be read with care", FUNCTION, inputs, warnings)


def _gaps(keys: Iterable[str], reason: str) -> Iterator[Fact]:
    for key in keys:
        yield gap(f"{KEY}.{key}.size", "size", "not_recorded", reason)


def _named(key: str, step: Step, model: Sealed) -> Iterator[Fact]:
    """The baseline's name, from the entry of its evaluation."""
    for edge in step.used_as("evaluated"):
        if edge.digest == model.digest:
            at = f"/state/used/{edge.place}/subject"
            yield from recorded(key, "baseline", step.record, at, assurance=step.assurance)


def _digest(place: str, step: Step, name: str) -> Iterator[Fact]:
    key, at = f"reproducibility.{place}.{name}", f"/state/summary/{name}"
    yield from recorded(key, human(name), step.record, at, assurance=step.assurance)


def _score(key: str, step: Step, task: str) -> Iterator[Fact]:
    """The fact of the model's own score, as the evaluation's provider gives it."""
    place = next(n for n, result in enumerate(step.summary["results"]) if result["task"] == task)
    at = f"/state/summary/results/{place}/score"
    yield from recorded(
        f"results.{key}.score", "score", step.record, at, assurance=step.measured, unit="share"
    )
