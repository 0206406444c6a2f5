"""What evidence says of countersignatures: whose they are, their scores beside ours, and whether both agree."""

from collections import defaultdict
from collections.abc import Iterator
from operator import attrgetter

from evals.countersigning import KIND
from evals.stage import EVALUATED
from governance.evidence.build import recorded
from governance.evidence.facts import Fact
from governance.evidence.records import Step
from governance.evidence.registry_facts.evaluation import task_key
from governance.evidence.view import View
from governance.registry.models import Usage


def facts(view: View) -> Iterator[Fact]:
    """Per party `suites.<n>.countersigned_<m>` with its key, and `results.<task>.countersigned_<m>` with its score."""
    if view.model is None or not view.evaluations:
        return
    signed = _signed(view)
    taken: set[str] = set()
    for number, (step, edge) in enumerate(view.evaluations, 1):
        keys = {
            str(one["task"]): task_key(str(one["task"]), edge, taken)
            for one in step.summary.get("results") or []
        }
        for place, one in enumerate(signed[step.id], 1):
            yield from _party(f"suites.{number}.countersigned_{place}", one)
            for index, told in enumerate(one.summary["tasks"]):
                yield from _score(f"results.{keys[told['task']]}.countersigned_{place}", one, index)


def _signed(view: View) -> dict[str, list[Step]]:
    """Evaluation → its countersignatures, oldest first."""
    rows = Usage.objects.filter(version=view.model.version if view.model else None, role=EVALUATED)
    steps = view.steps(rows.filter(activity__kind=KIND).values_list("activity_id", flat=True))
    found: dict[str, list[Step]] = defaultdict(list)
    for step in sorted(steps, key=attrgetter("record.entry_index")):
        if step.record.state["kind"] == KIND:
            found[step.summary["evaluation"]].append(step)
    return found


def _party(key: str, step: Step) -> Iterator[Fact]:
    at = "/state/summary"
    yield from recorded(key, "countersigned by", step.record, f"{at}/party", assurance="asserted")
    yield from recorded(
        f"{key}_key", "fingerprint of their key", step.record, f"{at}/fingerprint", assurance="observed"
    )


def _score(key: str, step: Step, index: int) -> Iterator[Fact]:
    at = f"/state/summary/tasks/{index}"
    yield from recorded(
        key, "countersignature: with our score it", step.record, f"{at}/word", assurance="attested"
    )
    for name, label in (("score", "score"), ("ci_low", "interval from"), ("ci_high", "interval to")):
        yield from recorded(
            f"{key}_{name}", f"countersigned {label}", step.record, f"{at}/{name}", assurance="attested", unit="share"
        )  # fmt: skip
