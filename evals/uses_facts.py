"""What evidence says of uses: what a suite counts as once choices were made by it, and how many (R4.8)."""

from collections.abc import Iterator
from operator import attrgetter

from evals.models import SuiteUse
from evals.uses import DEV, SUITE
from governance.evidence.build import derived, in_content, recorded, withheld
from governance.evidence.facts import Assurance, Fact
from governance.evidence.records import Recorded, Sealed
from governance.evidence.registry_facts.evaluation import task_key
from governance.evidence.view import View

FUNCTION = "status_after_uses"
STATUS = "suite status after its uses"
COUNT = "decisions that chose by the suite"


def facts(view: View) -> Iterator[Fact]:
    """Per suite `suites.<n>.status_now` and `.choosing_uses`, and the same beside each of its results."""
    edges = [edge for _, edge in view.evaluations]
    suites = view.versions((edge.subject, edge.digest) for edge in edges)
    uses = _choosing(view, list(suites.values()))
    taken: set[str] = set()
    for number, (step, edge) in enumerate(view.evaluations, 1):
        tasks = [task_key(str(one.get("task")), edge, taken) for one in step.summary.get("results") or []]
        suite = suites.get(edge.subject)
        if suite is None or not edge.subject.startswith(f"{SUITE}:"):
            continue
        found = uses.get((edge.subject, edge.digest), [])
        looks = [
            fact for place, use in enumerate(found, 1) for fact in _look(f"suites.{number}.use_{place}", use)
        ]
        yield from looks
        yield from _standing(
            f"suites.{number}.status_now", f"suites.{number}.choosing_uses", suite, number, looks
        )
        for task in tasks:
            named = f"results.{task}.suite"
            yield from _standing(f"{named}_status", f"{named}_uses", suite, number, looks)


def _standing(status: str, count: str, suite: Sealed, number: int, looks: list[Fact]) -> Iterator[Fact]:
    yield derived(count, COUNT, "count", looks, len(looks), "decisions")
    if looks:
        yield derived(status, STATUS, FUNCTION, looks, DEV)
        return
    for fact in in_content(f"suites.{number}.status", "status", suite, "/status"):
        if fact.value is not None:
            yield derived(status, STATUS, FUNCTION, [fact], fact.value)
        elif status.startswith("suites."):
            # Not among the results: a rule that goes over all of them would be undecided by a gap that says nothing new.
            yield withheld(status, STATUS, suite)


def _choosing(view: View, suites: list[Sealed]) -> dict[tuple[str, str], list[Recorded]]:
    """Uses that chose by a suite as the size of the ledger knew them: (subject, digest) → oldest first."""
    rows = SuiteUse.objects.filter(
        suite__in=[one.version for one in suites], purpose__in=SuiteUse.CHOOSING
    ).order_by()
    found: dict[tuple[str, str], list[Recorded]] = {}
    records = view.load(SuiteUse.ledger_type, rows.values_list("pk", flat=True)).values()
    for record in sorted(records, key=attrgetter("entry_index")):
        found.setdefault((record.state["subject"], record.state["digest"]), []).append(record)
    return found


def _look(key: str, use: Recorded) -> Iterator[Fact]:
    """What one decision was for; who took it stands in its entry."""
    assurance: Assurance = "observed" if use.state["automatic"] else "asserted"
    yield from recorded(key, "a decision that chose by it", use, "/state/purpose", assurance=assurance)
