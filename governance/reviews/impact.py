"""How much hangs on an artifact: the class that decides who must approve its versions."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.people.permissions import REVIEWER, table
from governance.registry import states
from governance.registry.access import write_action
from governance.registry.actions import Refused
from governance.registry.models import Artifact
from governance.reviews import seats
from governance.reviews.events import ReviewEvent
from governance.reviews.models import Impact
from governance.reviews.obstacles import reason_fault
from governance.reviews.requirements import CLASSES, RELEASE

ACTION = "reviews:artifact:set-impact"


@transaction.atomic
def set_impact(artifact: Artifact, impact: str, *, reason: str, actor: Actor) -> Impact:
    """Say how much hangs on `artifact`. Whoever writes its kind or reviews may raise it; only a reviewer who is no author of
    its newest version, nor of one that may still be approved, may lower it.

    Raises Refused, PermissionDenied.
    """
    Artifact.objects.select_for_update().get(pk=artifact.pk)
    if impact not in CLASSES:
        raise Refused(f"There is no impact class {impact!r}; there are {', '.join(CLASSES)}.")
    if artifact.kind == RELEASE:
        raise Refused("A release says its own impact class: compose one with another use_tier.")
    before = seats.impact_of(artifact)
    if impact == before:
        raise Refused(f"The impact class of {artifact.name} is {before} already.")
    if why := reason_fault(reason):
        raise Refused(why)
    row = Impact(
        artifact=artifact,
        impact=impact,
        before=before,
        reason=reason.strip(),
        by=str(actor.handle),
        at=timezone.now(),
    )
    _require(row, actor)
    append(row, op=ReviewEvent.IMPACT_SET, actor=actor)
    return row


def _require(row: Impact, actor: Actor) -> None:
    groups = seats.groups_of(actor.handle)
    if not row.lowers:
        allowed = table()[write_action(row.artifact.kind)] | {REVIEWER}
        if not groups & allowed:
            raise PermissionDenied(f"This needs the group {' or '.join(sorted(allowed))} (action {ACTION}).")
        return
    if not actor.is_person or REVIEWER not in groups:
        raise PermissionDenied(f"Only a signed-in reviewer lowers an impact class (action {ACTION}).")
    versions = row.artifact.versions.defer("content").order_by("-number")
    waiting = versions.filter(state__in=(states.SEALED, states.IN_REVIEW))
    own = (one for one in (*versions[:1], *waiting) if actor.handle in one.authors)
    if mine := next(own, None):
        raise Refused(
            f"{actor.handle} wrote or submitted {mine.subject}; another reviewer must lower its impact class."
        )
