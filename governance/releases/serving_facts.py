"""What the evidence of a release says about where it answered, and of what was done there in an emergency."""

from collections.abc import Iterator

from governance.evidence.build import from_body, recorded
from governance.evidence.facts import Fact
from governance.evidence.view import View
from governance.releases.models import Emergency, ServingPeriod

PERIODS, EMERGENCIES = "changelog.serving", "incidents.emergency"
TOLD = {"runtime": "runtime", "share": "share of the requests", "audience": "audience", "reason": "reason"}
ACT = {
    "kind": "kind", "runtime": "runtime", "reason": "reason", "by": "by", "due_at": "review due", "state": "outcome",
    "reviewed_by": "reviewed by", "note": "note of the review",
}  # fmt: skip


def facts(view: View) -> Iterator[Fact]:
    """Periods in the order of their entries, and the emergencies that ended or began one; releases only."""
    if view.version.kind != "release" or view.subject.erased:
        return
    ids = ServingPeriod.objects.filter(version=view.version).values_list("id", flat=True)
    periods = sorted(
        view.load(ServingPeriod.ledger_type, ids).items(),
        key=lambda one: (one[1].state["started_at"], one[0]),
    )
    for number, (_, record) in enumerate(periods, 1):
        for name, label in TOLD.items():
            unit = "1" if name == "share" else None
            yield from recorded(
                f"{PERIODS}_{number}.{name}", label, record, f"/state/{name}", assurance="asserted", unit=unit
            )
        for name in ("started_at", "started_by", "ended_at", "ended_by"):
            yield from recorded(
                f"{PERIODS}_{number}.{name}",
                name.replace("_", " "),
                record,
                f"/state/{name}",
                assurance="observed",
            )
    yield from _emergencies(view, {key for key, _ in periods})


def _emergencies(view: View, periods: set[str]) -> Iterator[Fact]:
    runtimes = ServingPeriod.objects.filter(version=view.version).values("runtime")
    ids = Emergency.objects.filter(runtime__in=runtimes).values_list("id", flat=True)
    records = [
        record
        for record in view.load(Emergency.ledger_type, ids).values()
        if periods & {record.state["started"], *(one["period"] for one in record.state["ended"])}
    ]
    for number, record in enumerate(sorted(records, key=lambda one: (one.state["at"], one.entry_index)), 1):
        yield from_body(f"{EMERGENCIES}_{number}.recorded_at", "recorded at", record, "at")
        for name, label in ACT.items():
            yield from recorded(
                f"{EMERGENCIES}_{number}.{name}", label, record, f"/state/{name}", assurance="asserted"
            )
