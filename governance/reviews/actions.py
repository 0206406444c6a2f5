"""Submit, approve, refuse. Four eyes: nobody reviews what they created, edited or submitted, and nobody counts twice."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.registry import search, states
from governance.registry.actions import Refused, move, seal, with_author
from governance.registry.events import RegistryEvent
from governance.registry.models import Artifact, Version
from governance.reviews import conditions
from governance.reviews.events import ReviewEvent
from governance.reviews.models import Review

MAX_REASON = 10_000


@transaction.atomic
def submit(version: Version, *, actor: Actor) -> Version:
    """Send a draft (which seals it) or a sealed version to review. Raises Refused, ContentError."""
    if version.state == states.DRAFT:
        return seal(version, actor=actor, state=states.IN_REVIEW, op=ReviewEvent.SUBMITTED)
    version.authors = with_author(version, actor)
    move(version, states.IN_REVIEW, op=ReviewEvent.SUBMITTED, actor=actor, fields=["authors"])
    search.index(version)
    return version


@transaction.atomic
def approve(version: Version, *, digest: str, reason: str, actor: Actor) -> Review:
    """Approve exactly `digest`; the artifact's earlier approved version is superseded. Raises Refused with what stands in the way."""
    _alone(version)
    if why := conditions.obstacles(version):
        raise Refused(" ".join(why))
    approved = version.artifact.versions.filter(state=states.APPROVED)
    if newer := approved.filter(number__gt=version.number).first():
        raise Refused(
            f"{newer.subject} is newer and approved; to go back to {version.subject}, revoke that one first."
        )
    review = _review(
        version, Review.APPROVE, ReviewEvent.APPROVAL_GIVEN, digest=digest, reason=reason, actor=actor
    )
    for older in approved:
        move(
            older,
            states.SUPERSEDED,
            op=RegistryEvent.SUPERSEDED,
            actor=actor,
            summary={"P": {"by": version.subject, "digest": version.digest}},
        )
    move(version, states.APPROVED, op=ReviewEvent.APPROVED, actor=actor, summary=_cited(review))
    return review


@transaction.atomic
def refuse(version: Version, *, digest: str, reason: str, actor: Actor) -> Review:
    """Refuse exactly `digest`, for good; a better version gets the next number. Raises Refused."""
    _alone(version)
    review = _review(
        version, Review.REFUSE, ReviewEvent.REFUSAL_GIVEN, digest=digest, reason=reason, actor=actor
    )
    move(version, states.REFUSED, op=ReviewEvent.REFUSED, actor=actor, summary=_cited(review))
    return review


def _alone(version: Version) -> None:
    """One decision over an artifact at a time: two at once would both see no approved version to supersede."""
    Artifact.objects.select_for_update().get(pk=version.artifact_id)


def _review(
    version: Version, verdict: str, op: ReviewEvent, *, digest: str, reason: str, actor: Actor
) -> Review:
    if why := obstacle(version, digest=digest, reason=reason, actor=actor):
        raise Refused(why)
    review = Review(
        version=version,
        digest=digest,
        verdict=verdict,
        reason=reason.strip(),
        reviewer=str(actor.handle),
        at=timezone.now(),
    )
    append(review, op=op, actor=actor)
    search.index(review)
    return review


def obstacle(version: Version, *, digest: str | None, reason: str, actor: Actor) -> str | None:
    """Why `actor` may not review `version` now, or None."""
    if actor.handle is None or not actor.is_person:
        return "A review needs a signed-in person; commands cannot approve or refuse."
    if version.state != states.IN_REVIEW:
        return f"{version.subject} is {version.state.replace('_', ' ')}, not in review."
    if digest != version.digest:
        return f"You reviewed the digest {digest}, but {version.subject} has {version.digest}; read it again."
    if actor.handle in version.authors:
        return f"{actor.handle} wrote or submitted {version.subject}; somebody else must review it."
    if version.reviews.filter(reviewer=actor.handle).exists():
        return f"{actor.handle} has already reviewed {version.subject}."
    if not reason.strip():
        return "Give a reason; it is logged with the decision."
    if len(reason) > MAX_REASON:
        return f"The reason has {len(reason):,} characters; at most {MAX_REASON:,} are kept, so shorten it."
    return None


def _cited(review: Review) -> dict[str, dict[str, Any]]:
    return {"P": {"review": str(review.id), "reviewer": review.reviewer, "reason": review.reason}}
