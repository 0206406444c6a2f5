"""Runtimes, and what answers there: made and retired, begun and ended. Nobody can say that it began earlier than now."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.registry.actions import Refused
from governance.registry.models import Version
from governance.releases import serving_rules
from governance.releases.components import identity_of
from governance.releases.identity import behavioural_identity
from governance.releases.models import Runtime, ServingPeriod
from governance.releases.serving_events import ServingEvent


def create_runtime(
    slug: str,
    *,
    title: str,
    kind: str,
    audience: str,
    report_every: int | None = None,
    actor: Actor,
) -> Runtime:
    """A new place where releases may answer. Raises ContentError naming each field at fault, Refused for a name that is taken."""
    serving_rules.check_runtime(slug, title, kind, audience, report_every)
    runtime = Runtime(
        slug=slug, title=title.strip(), kind=kind, audience=audience.strip(), report_every=report_every,
        created_at=now(), created_by=handle_of(actor),
    )  # fmt: skip
    try:
        with transaction.atomic():
            append(runtime, op=ServingEvent.RUNTIME_CREATED, actor=actor)
    except IntegrityError as error:
        if not Runtime.objects.filter(slug=slug).exists():
            raise
        raise Refused(f"There is a runtime {slug!r} already.") from error
    return runtime


@transaction.atomic
def retire_runtime(runtime: Runtime, *, reason: str, actor: Actor) -> Runtime:
    """Nothing begins to answer there any more. Raises Refused while something does, ContentError without a reason."""
    serving_rules.check_words("runtime", reason=reason)
    handle_of(actor)
    runtime = alone(runtime)
    if runtime.state != Runtime.ACTIVE:
        raise Refused(f"The runtime {runtime.slug} is retired already.")
    if standing := standing_at(runtime):
        raise Refused(f"{standing[0].version.subject} answers at {runtime.slug}; end it first.")
    runtime.state = Runtime.RETIRED
    summary = {"P": {"reason": reason.strip()}}
    append(runtime, op=ServingEvent.RUNTIME_RETIRED, actor=actor, fields=["state"], summary=summary)
    return runtime


@transaction.atomic
def start(
    runtime: Runtime, version: Version, *, share: Decimal, audience: str = "", reason: str, actor: Actor
) -> ServingPeriod:
    """`version` answers `share` of the requests at `runtime` from now on.

    Raises Refused for a release that may not go out, and where the shares would be above 1; ContentError without a reason.
    """
    runtime = alone(runtime)
    return _begin(runtime, version, share, audience, reason, actor)


@transaction.atomic
def replace(
    runtime: Runtime,
    version: Version,
    *,
    share: Decimal,
    audience: str = "",
    of: Version | None = None,
    reason: str,
    actor: Actor,
) -> ServingPeriod:
    """End what answers at `runtime`, or the release `of` alone, and start `version` in the same moment. Raises as `start`."""
    runtime = alone(runtime)
    ended = standing_at(runtime, of)
    if not ended:
        raise Refused(
            f"{of.subject if of else 'Nothing'} answers at {runtime.slug}; start without replacing."
        )
    finish(ended, reason, now(), actor)
    return _begin(runtime, version, share, audience, reason, actor)


@transaction.atomic
def end(runtime: Runtime, *, of: Version | None = None, reason: str, actor: Actor) -> list[ServingPeriod]:
    """Nothing answers at `runtime` any more, or the release `of` does not. Raises Refused when nothing does, ContentError."""
    runtime = alone(runtime)
    ended = standing_at(runtime, of)
    if not ended:
        raise Refused(f"{of.subject if of else 'Nothing'} answers at {runtime.slug}.")
    finish(ended, reason, now(), actor)
    return ended


def alone(runtime: Runtime) -> Runtime:
    """The runtime, locked: one change of what answers there at a time, or two would both see room for their share."""
    return Runtime.objects.select_for_update().get(pk=runtime.pk)


def standing_at(runtime: Runtime, of: Version | None = None) -> list[ServingPeriod]:
    """What answers at `runtime` now, the oldest first; of one release only where it is named."""
    found = runtime.periods.filter(state=ServingPeriod.OPEN, **({"version": of} if of else {}))
    return list(found.select_related("version__artifact", "runtime").order_by("started_at", "id"))


def finish(periods: Sequence[ServingPeriod], reason: str, moment: datetime, actor: Actor) -> None:
    """End these open periods of a locked runtime. Raises ContentError without a reason."""
    serving_rules.check_words("period", reason=reason)
    for period in periods:
        period.state, period.ended_at = ServingPeriod.ENDED, moment
        period.ended_by, period.end_reason = handle_of(actor), reason.strip()
        append(period, op=ServingEvent.ENDED, actor=actor, fields=["state", *ServingPeriod.ENDING])


def record(
    runtime: Runtime, version: Version, share: Decimal, audience: str, reason: str, actor: Actor
) -> ServingPeriod:
    """The row and entry of a release that begins to answer; the caller has locked the runtime and asked what must hold."""
    serving_rules.check_words("period", reason=reason, audience=audience or runtime.audience)
    period = ServingPeriod(
        runtime=runtime, version=version, digest=str(version.digest), identity=behavioural_identity(identity_of(version)),
        share=share, audience=audience.strip() or runtime.audience, started_at=now(), started_by=handle_of(actor),
        reason=reason.strip(),
    )  # fmt: skip
    append(period, op=ServingEvent.STARTED, actor=actor)
    return period


def now() -> datetime:
    """This moment as entries write it, so that no period begins later than its entry."""
    return timezone.now().replace(microsecond=0)


def handle_of(actor: Actor) -> str:
    """The person who answers for it. Raises Refused when nobody does."""
    if actor.handle is None:
        raise Refused("Say whose act this is: a person answers for what answers.")
    return actor.handle


def _begin(
    runtime: Runtime, version: Version, share: Decimal, audience: str, reason: str, actor: Actor
) -> ServingPeriod:
    # Locked, so that nobody revokes it between the look and the entry.
    version = Version.objects.select_for_update(of=("self",)).select_related("artifact").get(pk=version.pk)
    serving_rules.refuse([*serving_rules.why_not(version), serving_rules.why_no_room(runtime, share)])
    if standing_at(runtime, version):
        raise Refused(f"{version.subject} answers at {runtime.slug} already; replace it to change its share.")
    return record(runtime, version, share, audience, reason, actor)
