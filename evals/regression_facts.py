"""What evidence says of a model against its line: `comparison.<task>-anchor.*` and `comparison.<task>-predecessor.*`.

Every figure is read from the entry of the answer that was recorded when the evaluation ended; nothing is computed again.
"""

from collections.abc import Iterator
from operator import attrgetter

from evals.regression import KIND
from evals.stage import EVALUATED, EVALUATED_ON
from governance.evidence.build import gap, human, recorded
from governance.evidence.facts import Assurance, Fact
from governance.evidence.records import Edge, Step
from governance.evidence.registry_facts.evaluation import task_key
from governance.evidence.view import View
from governance.registry.models import Usage

FIGURES = {
    "n": "items", "score_a": "share", "score_b": "share", "difference": "share", "ci_low": "share", "ci_high": "share",
    "n10": "items", "n01": "items", "direction": None, "size": None, "n_needed": "items", "held": None,
    "improved": None, "e": "1", "e_chain": "1", "alarm": None, "slid": None, "warnings": None,
}  # fmt: skip
"""Figure of a task → its unit. a is the version, b what it was held against."""
LABELS = {
    "n": "items in pairs", "score_a": "score", "score_b": "baseline's score", "ci_low": "interval from",
    "ci_high": "interval to", "n10": "right here alone", "n01": "right in the baseline alone",
    "n_needed": "items that the margin needs", "held": "within its margin", "improved": "improvement may be claimed",
    "e": "e-value of this look", "e_chain": "e-value of all looks at the anchor", "alarm": "a look has alarmed",
    "slid": "slid away in small steps", "warnings": "to be read with care",
}  # fmt: skip


def facts(view: View) -> Iterator[Fact]:
    """The newest answer about each evaluation that the evidence shows, task by task."""
    if view.model is None or not view.evaluations:
        return
    rows = Usage.objects.filter(version=view.model.version, role=EVALUATED, activity__kind=KIND).values_list(
        "activity_id", flat=True
    )
    steps = sorted(view.steps(rows), key=attrgetter("record.entry_index"))
    answers = {_about(step): step for step in steps}
    taken: set[str] = set()
    for step, edge in view.evaluations:
        results = step.summary.get("results") or []
        keys = {str(one["task"]): task_key(str(one["task"]), edge, taken) for one in results}
        answer = answers.get((edge.subject, step.summary.get("items_sha256")))
        if answer is not None:
            yield from _answer(answer, keys)


def _about(step: Step) -> tuple[str, object]:
    suite: Edge = step.used_as(EVALUATED_ON)[0]
    return suite.subject, step.summary["items_sha256"]


def _answer(step: Step, keys: dict[str, str]) -> Iterator[Fact]:
    assurance: Assurance = "imported" if step.summary["imported"] else step.assurance
    for place, side in enumerate(step.summary["sides"]):
        told = {task["task"]: number for number, task in enumerate(side["tasks"])}
        for task, key in keys.items():
            name = f"comparison.{key}-{side['against']}"
            if task not in told:
                why = side["why"] or f"{side['model']} was evaluated on {step.summary['suite']} without it."
                yield gap(f"{name}.held", LABELS["held"], "not_recorded", why)
                continue
            at = f"/state/summary/sides/{place}"
            yield from recorded(
                f"{name}.baseline", "baseline", step.record, f"{at}/model", assurance=assurance
            )
            yield from _figures(name, step, f"{at}/tasks/{told[task]}", assurance)


def _figures(name: str, step: Step, at: str, assurance: Assurance) -> Iterator[Fact]:
    for figure, unit in FIGURES.items():
        label = LABELS.get(figure, human(figure))
        yield from recorded(
            f"{name}.{figure}", label, step.record, f"{at}/{figure}", assurance=assurance, unit=unit
        )
