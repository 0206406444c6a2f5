"""Evaluation: the newest result of each suite that was run on this model."""

from collections.abc import Iterator
from typing import Any

from governance.evidence.build import from_body, human, in_content, recorded, unit_of, word
from governance.evidence.facts import Assurance, Fact
from governance.evidence.records import Edge, Sealed, Step
from governance.evidence.view import View
from governance.registry.models import Usage

SHARES = ("score", "ci_low", "ci_high", "stderr", "margin", "failure_rate_upper")
COUNTS = {"n": "items"}
WORDS = ("metric", "direction", "purpose")
COUNTERSIGNED = "countersignature"
"""Kind of the activities that record an outside party's signed scores."""
SAMPLED = {
    "samples": "samples per item", "estimator": "what the score is", "budget": "longest response in tokens, set for this run",
    "form": "form of multiple choice",
}  # fmt: skip
"""Field that is there only where items were sampled several times, at a length of the run's own, or asked by letter → its label."""
SAFETY = ("safety", "over_refusal")
ENDPOINT = ("base_url", "asked", "reported", "fingerprints", "weights", "warnings")
"""What is told of an endpoint that was asked in place of weights."""
RECORDS = ("run", "seed", "items_sha256", "results_sha256", "spec_digest", "environment_sha256")


def facts(view: View) -> Iterator[Fact]:
    """Per task `results.<task>.score` and its neighbours, with the suite and its state.

    Of two suites that use one task name, the second (see View.evaluations) has its own name in the key.
    """
    suites = view.versions((edge.subject, edge.digest) for _, edge in view.evaluations)
    attested = _attested(view)
    taken: set[str] = set()
    for number, (step, edge) in enumerate(view.evaluations, 1):
        yield from _suite(f"suites.{number}", step, edge)
        if edge.subject in suites:
            for name in ("title", "status"):
                yield from in_content(f"suites.{number}.{name}", name, suites[edge.subject], f"/{name}")
        yield from _records(f"reproducibility.{number}", step)
        for index, result in enumerate(step.summary.get("results") or []):
            task = task_key(str(result.get("task")), edge, taken)
            sure = _sure(step, result, attested)
            yield from _result(f"results.{task}", step, index, result, sure)
            yield from _asked_by(f"results.{task}", step, edge, suites.get(edge.subject))
            if result.get("purpose") in SAFETY:
                yield from _result(f"refusal_results.{task}", step, index, result, sure)


def _suite(key: str, step: Step, edge: Edge) -> Iterator[Fact]:
    for name in ("subject", "digest"):
        yield from recorded(
            f"{key}.{name}", name, step.record, f"/state/used/{edge.place}/{name}", assurance=step.assurance
        )
    yield from recorded(
        f"{key}.ended_at", "evaluated at", step.record, "/state/ended_at", assurance=step.assurance
    )
    yield from_body(f"{key}.recorded_by", "recorded by", step.record, "actor")


def _asked_by(key: str, step: Step, edge: Edge, suite: Sealed | None) -> Iterator[Fact]:
    """The suite behind a result, and how it stands: a gate must be able to tell a reviewed suite from any other."""
    at = f"/state/used/{edge.place}/subject"
    yield from recorded(f"{key}.suite", "suite", step.record, at, assurance=step.assurance)
    if suite is not None:
        yield from recorded(
            f"{key}.suite_state", "state of the suite", suite.record, "/state/state", assurance="observed"
        )


def _records(key: str, step: Step) -> Iterator[Fact]:
    for name in RECORDS:
        yield from recorded(
            f"{key}.{name}", human(name), step.record, f"/state/summary/{name}", assurance=step.assurance
        )
    for name in sorted(step.summary.get("harness") or {}):
        at = f"/state/summary/harness/{name}"
        yield from recorded(
            f"{key}.harness_{word(name)}",
            f"harness {human(name)}",
            step.record,
            at,
            assurance=step.told_by_job,
        )
    for name in ENDPOINT if step.summary.get("endpoint") else ():
        at, label = f"/state/summary/endpoint/{name}", f"endpoint: {human(name)}"
        yield from recorded(f"{key}.endpoint_{name}", label, step.record, at, assurance=step.told_by_job)


def task_key(task: str, edge: Edge, taken: set[str]) -> str:
    """The part of a key that names a task of a suite; `taken` are those of the suites before it, and gains this one."""
    name = word(task)
    if name in taken:
        name = f"{name}__{word(edge.subject.partition(':')[2])}"
    taken.add(name)
    return name


def _attested(view: View) -> dict[tuple[str, str], bool]:
    """(evaluation, task) → whether all outside parties who ran the suite themselves and signed their scores agree with ours."""
    rows = Usage.objects.filter(version=view.model.version if view.model else None, role="evaluated")
    found: dict[tuple[str, str], bool] = {}
    for step in view.steps(rows.filter(activity__kind=COUNTERSIGNED).values_list("activity_id", flat=True)):
        if step.record.state["kind"] != COUNTERSIGNED:
            continue
        for told in step.summary["tasks"]:
            named = (step.summary["evaluation"], told["task"])
            found[named] = found.get(named, True) and told["word"] == "agrees"
    return found


def _sure(step: Step, result: dict[str, Any], attested: dict[tuple[str, str], bool]) -> Assurance:
    """How sure a result is: what was only reported, and an outside party's signed rerun agrees with, is attested."""
    agreed = attested.get((step.id, str(result.get("task"))), False)
    return "attested" if agreed and step.measured != "observed" else step.measured


def _result(key: str, step: Step, index: int, result: dict[str, Any], measured: Assurance) -> Iterator[Fact]:
    at = f"/state/summary/results/{index}"
    yield from recorded(f"{key}.task", "task", step.record, f"{at}/task", assurance=step.assurance)
    for name in WORDS:
        yield from recorded(f"{key}.{name}", name, step.record, f"{at}/{name}", assurance=measured)
    for name in SHARES:
        unit = "share" if unit_of(result.get(name)) else None
        yield from recorded(
            f"{key}.{name}", human(name), step.record, f"{at}/{name}", assurance=measured, unit=unit
        )
    for name, unit in COUNTS.items():
        yield from recorded(
            f"{key}.{name}", "items", step.record, f"{at}/{name}", assurance=measured, unit=unit
        )
    for name in (one for one in SAMPLED if result.get(one) is not None):
        yield from recorded(f"{key}.{name}", SAMPLED[name], step.record, f"{at}/{name}", assurance=measured)
    yield from _at_k(key, step, at, result.get("at_k") or [], measured)
    for name in result.get("calls") or ():
        label, place = f"calls of tools: {human(name)}", f"{at}/calls/{name}"
        yield from recorded(
            f"{key}.calls_{word(name)}", label, step.record, place, assurance=measured, unit="calls"
        )


def _at_k(key: str, step: Step, at: str, told: list[dict[str, Any]], measured: Assurance) -> Iterator[Fact]:
    """`pass_at_8` and its neighbours, of the largest k alone: the whole curve stands in the results."""
    for place, found in list(enumerate(told))[-1:]:
        for name in (one for one in found if one != "k"):
            estimator, _, end = name.partition("_")
            key_end, label_end = (f"_ci_{end}", f" (interval, {end})") if end else ("", "")
            yield from recorded(
                f"{key}.{word(estimator)}_at_{found['k']}{key_end}", f"{estimator}@{found['k']}{label_end}", step.record,
                f"{at}/at_k/{place}/{name}", assurance=measured, unit="share",
            )  # fmt: skip
