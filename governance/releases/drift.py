"""Drift: a runtime says what it is, and where that is not what was recorded to serve there, an alarm stands until a person closes it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.registry.actions import Refused
from governance.releases import serving, serving_rules
from governance.releases.components import components_of, identity_from
from governance.releases.identity import behavioural_identity
from governance.releases.manifest import difference, parts_from
from governance.releases.models import DriftAlarm, Runtime, RuntimeReport, ServingPeriod
from governance.releases.serving_events import ServingEvent

MOST_OPEN = 20
"""Open alarms of one runtime. Beyond them reports are kept and raise none: what a token says must not fill the log."""


@transaction.atomic
def report(
    runtime: Runtime,
    *,
    identity: str | None = None,
    parts: Mapping[str, Any] | None = None,
    actor: Actor,
) -> tuple[RuntimeReport, DriftAlarm | None]:
    """Keep what the runtime says of itself, a hash or the parts, and raise an alarm when no release that serves there has it.

    The same difference raises none while an alarm about it is open; the alarm is returned all the same. Raises ContentError
    for parts that are none, Refused for a retired runtime.
    """
    given = parts_from(parts) if parts is not None else None
    said = behavioural_identity(given) if given is not None else str(identity)
    runtime = serving.alone(runtime)
    if runtime.state != Runtime.ACTIVE:
        raise Refused(f"The runtime {runtime.slug} is retired.")
    standing = serving.standing_at(runtime)
    known = any(period.identity == said for period in standing)
    kept = {
        "identity": said,
        "parts": given,
        "known": known,
        "at": timezone.now(),
        "by": serving.handle_of(actor),
    }
    row, _ = RuntimeReport.objects.update_or_create(runtime=runtime, defaults=kept)
    return row, None if known else _raised(runtime, said, given, standing, actor)


@transaction.atomic
def close(alarm: DriftAlarm, *, reason: str, actor: Actor) -> DriftAlarm:
    """A person says what became of it. Raises Refused when it is closed already, ContentError without a reason."""
    serving_rules.check_words("alarm", reason=reason)
    alarm = DriftAlarm.objects.select_for_update(of=("self",)).select_related("runtime").get(pk=alarm.pk)
    if alarm.state != DriftAlarm.OPEN:
        raise Refused(f"{alarm.closed_by} has closed it already.")
    alarm.state, alarm.reason = DriftAlarm.CLOSED, reason.strip()
    alarm.closed_by, alarm.closed_at = serving.handle_of(actor), serving.now()
    append(alarm, op=ServingEvent.DRIFT_CLOSED, actor=actor, fields=["state", *DriftAlarm.CLOSING])
    return alarm


def silent_since(runtime: Runtime, last: datetime | None) -> datetime | None:
    """When a report of `runtime` was due that did not come, given the `last` one; None while it keeps its promise or made none."""
    if runtime.report_every is None or runtime.state != Runtime.ACTIVE:
        return None
    due = (last or runtime.created_at) + timedelta(seconds=runtime.report_every)
    return due if due < timezone.now() else None


def _raised(
    runtime: Runtime,
    said: str,
    given: Mapping[str, Any] | None,
    standing: list[ServingPeriod],
    actor: Actor,
) -> DriftAlarm | None:
    expected = sorted(
        ({"subject": one.version.subject, "identity": one.identity} for one in standing),
        key=lambda one: one["subject"],
    )
    waiting = list(runtime.alarms.filter(state=DriftAlarm.OPEN)[:MOST_OPEN])
    for alarm in waiting:
        if alarm.reported == said and alarm.expected == expected:
            return alarm
    if len(waiting) >= MOST_OPEN:
        return None
    alarm = DriftAlarm(
        runtime=runtime, reported=said, expected=expected, differing=_differing(given, standing), at=serving.now(),
        by=serving.handle_of(actor),
    )  # fmt: skip
    append(alarm, op=ServingEvent.DRIFT_RAISED, actor=actor)
    return alarm


def _differing(given: Mapping[str, Any] | None, standing: list[ServingPeriod]) -> list[str] | None:
    """Names of the parts in which the report differs from the nearest release there; None when nobody can say."""
    if given is None:
        return None
    versions = [one.version for one in standing if one.version.content is not None]
    named = components_of(versions)
    found = []
    for version in versions:
        try:
            found.append(difference(given, identity_from(version, named[version.pk])).names)
        except Refused:
            continue
    return min(found, key=len, default=None)
