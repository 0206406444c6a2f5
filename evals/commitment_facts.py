"""What evidence says of a closed suite's commitment: its digest stood in the ledger before the run began that measured by it.

So nobody can have written the items after seeing the answers. Who read them before is another question.
"""

from collections.abc import Iterator, Mapping, Sequence

from governance.evidence.build import derived, gap, recorded
from governance.evidence.facts import Fact
from governance.evidence.records import Recorded, Sealed, Step
from governance.evidence.view import View
from governance.registry import states
from governance.registry.models import Activity, Version

FUNCTION = "entry_order"
CLOSED = ("private", "unseen")
"""Status of suites whose items outsiders do not see, so that the digest is all that they have."""
LABEL = "suite committed before the run"


def facts(view: View) -> Iterator[Fact]:
    """Per closed suite `suites.<n>.commitment`, or why that cannot be said, with the two entries that it rests on."""
    suites = view.versions((edge.subject, edge.digest) for _, edge in view.evaluations)
    closed = {
        one.subject: one for one in suites.values() if not one.erased and one.content.get("status") in CLOSED
    }
    if not closed or view.model is None:
        return
    sealings = view.history(Version.ledger_type, [one.version.pk for one in closed.values()])
    began = view.history(Activity.ledger_type, [step.id for step, _ in view.evaluations])
    for number, (step, edge) in enumerate(view.evaluations, 1):
        if suite := closed.get(edge.subject):
            sealing = _sealing(suite, sealings[str(suite.version.pk)])
            yield from _commitment(f"suites.{number}", step, sealing, _beginning(began.get(step.id, [])))


def _beginning(history: Sequence[Recorded]) -> Recorded | None:
    """The entry of an evaluation's start; None where it was erased."""
    return next((one for one in history[:1] if one.state["state"] == Activity.STARTED), None)


def _sealing(suite: Sealed, history: Sequence[Recorded]) -> Recorded:
    """The entry from which on the digest stood in the ledger."""
    return next(
        one for one in history if one.state["digest"] == suite.digest and one.state["state"] != states.DRAFT
    )


def _commitment(key: str, step: Step, sealing: Recorded, began: Recorded | None) -> Iterator[Fact]:
    if step.is_hearsay or began is None:
        reason = (
            "The evaluation was made elsewhere, or its first entry was erased: no entry says when it began."
        )
        yield gap(f"{key}.commitment", LABEL, "not_recorded", reason)
        return
    named: Mapping[str, tuple[str, Recorded, str]] = {
        "committed_digest": ("digest that was committed", sealing, "/state/digest"),
        "run_began": ("run began", began, "/state/started_at"),
    }
    rests = [
        fact
        for name, (label, record, at) in named.items()
        for fact in recorded(f"{key}.{name}", label, record, at, assurance="observed")
    ]
    yield from rests
    before, after = sealing.entry_index, began.entry_index
    words = (
        f"suite committed at entry {before}, run began after it at entry {after}"
        if before < after
        else f"run began at entry {after}, before the suite was committed at entry {before}"
    )
    yield derived(f"{key}.commitment", LABEL, FUNCTION, rests, words)
