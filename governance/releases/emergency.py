"""Break glass: one person ends what answers at a runtime, or brings back what answered before. A second one looks at it later.

It can do no more than that: what comes back was out at this runtime already, was approved by others than its authors, stands,
and was out before what it takes the place of.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Min

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.registry import erasure, states
from governance.registry.actions import Refused
from governance.registry.models import Version
from governance.releases import serving, serving_rules
from governance.releases.models import Emergency, Runtime, ServingPeriod
from governance.releases.serving_events import ServingEvent

ONCE_APPROVED = (states.APPROVED, states.SUPERSEDED)
"""States that only a second person's approval leads to, and that neither a refusal nor a revocation ended."""
LOOKED_AT = 20
"""Releases that are looked at for those that could come back."""


@transaction.atomic
def withdraw(runtime: Runtime, *, reason: str, actor: Actor) -> Emergency:
    """Nothing answers at `runtime` any more. Raises Refused when nothing does, ContentError without a reason."""
    runtime = serving.alone(runtime)
    ended = serving.standing_at(runtime)
    if not ended:
        raise Refused(f"Nothing answers at {runtime.slug}.")
    moment = serving.now()
    serving.finish(ended, reason, moment, actor)
    return _acted(Emergency.WITHDRAW, runtime, ended, None, reason, moment, actor)


@transaction.atomic
def rollback(runtime: Runtime, to: Version, *, reason: str, actor: Actor) -> Emergency:
    """`to` answers everything at `runtime` again, and nothing else does. Raises Refused unless it was out there before and stands."""
    serving_rules.check_words("emergency", reason=reason)
    runtime = serving.alone(runtime)
    to = Version.objects.select_for_update(of=("self",)).select_related("artifact").get(pk=to.pk)
    ended = serving.standing_at(runtime)
    serving_rules.refuse([why_no_return(runtime, [to])[to.pk]])
    moment = serving.now()
    serving.finish(ended, reason, moment, actor)
    started = serving.record(runtime, to, serving_rules.WHOLE, "", reason, actor)
    return _acted(Emergency.ROLLBACK, runtime, ended, started, reason, moment, actor)


@transaction.atomic
def review(emergency: Emergency, *, outcome: str, note: str, actor: Actor) -> Emergency:
    """A second person's word on it, once and for good. It changes nothing that answers. Raises Refused, ContentError."""
    if outcome not in (Emergency.CONFIRMED, Emergency.CONTESTED):
        raise Refused(f"Say {Emergency.CONFIRMED} or {Emergency.CONTESTED}.")
    serving_rules.check_words("emergency", note=note)
    emergency = (
        Emergency.objects.select_for_update(of=("self",)).select_related("runtime").get(pk=emergency.pk)
    )
    serving_rules.refuse([why_no_review(emergency, actor)])
    emergency.state, emergency.note = outcome, note.strip()
    emergency.reviewed_by, emergency.reviewed_at = serving.handle_of(actor), serving.now()
    append(emergency, op=ServingEvent.EMERGENCY_REVIEWED, actor=actor, fields=["state", *Emergency.REVIEW])
    return emergency


def why_no_review(emergency: Emergency, actor: Actor) -> str | None:
    """Why this actor may not review it, whatever their groups; None when they may."""
    if actor.handle is None or not actor.is_person:
        return "A review needs a signed-in person; commands cannot review."
    if emergency.state != Emergency.OPEN:
        return f"{emergency.reviewed_by} has reviewed it already."
    if actor.handle == emergency.by:
        return f"{actor.handle} did it; somebody else must review it."
    return None


def why_no_return(runtime: Runtime, versions: Sequence[Version]) -> dict[object, str | None]:
    """Key of each of these releases → why it may not come back to `runtime` by one person's act; None when it may."""
    replaced = [one.version for one in serving.standing_at(runtime) or _last_out(runtime)]
    first = _first_out(runtime, [*versions, *replaced])
    newest = max((first[one.pk] for one in replaced), default=None)
    fallen = serving_rules.fallen(versions)

    def why(to: Version) -> str | None:
        if runtime.state != Runtime.ACTIVE:
            return f"The runtime {runtime.slug} is retired."
        if to.pk not in first or newest is None:
            return f"{to.subject} never answered at {runtime.slug}; a rollback only brings back what did."
        if to.state not in ONCE_APPROVED:
            return f"{to.subject} is {to.state}; it cannot come back."
        if to.content is None:
            return erasure.told(to)
        if faults := fallen.get(to.pk):
            return f"{to.subject} cannot come back: {' '.join(faults)}"
        numbers = [one.number for one in replaced if one.artifact_id == to.artifact_id]
        if first[to.pk] >= newest or (numbers and to.number > max(numbers)):
            return f"{to.subject} is not older than what answers, or answered last, at {runtime.slug}."
        return None

    return {one.pk: why(one) for one in versions}


def candidates(runtime: Runtime) -> list[Version]:
    """Releases that could come back to `runtime` now, those that answered last first; of the newest that were out there."""
    periods = runtime.periods.values("version").annotate(last=Max("started_at")).order_by("-last")
    keys = list(periods.values_list("version", flat=True)[:LOOKED_AT])
    rows = Version.objects.select_related("artifact").in_bulk(keys)
    found = [rows[key] for key in keys]
    why = why_no_return(runtime, found) if found else {}
    return [one for one in found if why[one.pk] is None]


def _first_out(runtime: Runtime, versions: Sequence[Version]) -> dict[object, datetime]:
    rows = runtime.periods.filter(version__in=versions).values("version").annotate(first=Min("started_at"))
    return {row["version"]: row["first"] for row in rows}


def _last_out(runtime: Runtime) -> list[ServingPeriod]:
    last = runtime.periods.aggregate(last=Max("ended_at"))["last"]
    return list(runtime.periods.filter(ended_at=last).select_related("version__artifact"))


def _acted(
    kind: str,
    runtime: Runtime,
    ended: Sequence[ServingPeriod],
    started: ServingPeriod | None,
    reason: str,
    moment: datetime,
    actor: Actor,
) -> Emergency:
    emergency = Emergency(
        kind=kind, runtime=runtime, to=started.version if started else None, started=started, reason=reason.strip(),
        ended=[
            {"period": str(one.pk), "subject": one.version.subject, "share": one.ledger_state()["P"]["share"]} for one in ended
        ],
        by=serving.handle_of(actor), at=moment, due_at=moment + timedelta(hours=settings.CHARTER_BREAK_GLASS_HOURS),
    )  # fmt: skip
    append(emergency, op=ServingEvent.EMERGENCY_ACTED, actor=actor)
    return emergency
