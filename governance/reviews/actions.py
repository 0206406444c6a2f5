"""Submit, approve, refuse, ask for changes, dissent. Four eyes: nobody reviews what they created, edited or submitted.

Who must approve says `requirements.yaml`, as seats; `seats` says who sits there. Nobody fills two of them.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import Stale, append
from governance.registry import erasure, search, states
from governance.registry.actions import Refused, draft_after, move, seal, with_author
from governance.registry.events import RegistryEvent
from governance.registry.models import Artifact, Version
from governance.reviews import conditions, notices, seats
from governance.reviews.events import ReviewEvent
from governance.reviews.models import Review
from governance.reviews.obstacles import obstacle, reviewing

GIVEN = {
    Review.APPROVE: ReviewEvent.APPROVAL_GIVEN,
    Review.REFUSE: ReviewEvent.REFUSAL_GIVEN,
    Review.CHANGES: ReviewEvent.CHANGES_ASKED,
    Review.DISSENT: ReviewEvent.DISSENT_GIVEN,
}


@transaction.atomic
def submit(version: Version, *, actor: Actor) -> Version:
    """Send a draft (which seals it) or a sealed version to review. Raises Refused, ContentError."""
    if version.state == states.DRAFT:
        seal(version, actor=actor, state=states.IN_REVIEW, op=ReviewEvent.SUBMITTED)
    else:
        version.authors = with_author(version, actor)
        move(version, states.IN_REVIEW, op=ReviewEvent.SUBMITTED, actor=actor, fields=["authors"])
        search.index(version)
    notices.waits(version)
    return version


@transaction.atomic
def approve(version: Version, *, digest: str, reason: str, actor: Actor) -> Review:
    """Approve exactly `digest`. With the approval that fills the last seat the version is approved, and the artifact's earlier
    approved version superseded; until then it stays in review.

    Raises Refused with what stands in the way, Stale.
    """
    _alone(version)
    if why := conditions.obstacles(version):
        raise Refused(" ".join(why))
    approved = version.artifact.versions.filter(state=states.APPROVED)
    if newer := approved.filter(number__gt=version.number).first():
        raise Refused(
            f"{newer.subject} is newer and approved; to go back to {version.subject}, revoke that one first."
        )
    review = _review(version, Review.APPROVE, digest=digest, reason=reason, actor=actor)
    standing = seats.standing(version)
    if not standing.is_full:
        return review
    for older in approved:
        move(
            older,
            states.SUPERSEDED,
            op=RegistryEvent.SUPERSEDED,
            actor=actor,
            summary={"P": {"by": version.subject, "digest": version.digest}},
        )
    summary = _cited(review, impact=standing.impact, requirements=standing.requirements, seats=standing.seats)
    move(version, states.APPROVED, op=ReviewEvent.APPROVED, actor=actor, summary=summary)
    notices.decided(version, review)
    return review


@transaction.atomic
def refuse(version: Version, *, digest: str, reason: str, actor: Actor) -> Review:
    """Refuse exactly `digest`, for good; a better version gets the next number. Raises Refused, Stale."""
    _alone(version)
    review = _review(version, Review.REFUSE, digest=digest, reason=reason, actor=actor)
    move(version, states.REFUSED, op=ReviewEvent.REFUSED, actor=actor, summary=_cited(review))
    notices.decided(version, review)
    return review


@transaction.atomic
def request_changes(version: Version, *, digest: str, reason: str, actor: Actor) -> Review:
    """Refuse exactly `digest` and open the next draft with the same content, which its authors go on writing.

    Where a draft is open already, that one is meant. Raises Refused, Stale.
    """
    _alone(version)
    if why := obstacle(version, Review.CHANGES, digest=digest, reason=reason, actor=actor):
        raise Refused(why)
    if version.content is None:
        raise Refused(erasure.told(version))
    draft = version.artifact.versions.filter(state=states.DRAFT).first() or draft_after(
        version, op=ReviewEvent.REOPENED, actor=actor
    )
    review = _review(version, Review.CHANGES, digest=digest, reason=reason, actor=actor, draft=draft)
    summary = _cited(review, draft=draft.subject)
    move(version, states.REFUSED, op=ReviewEvent.CHANGES_REQUESTED, actor=actor, summary=summary)
    notices.decided(version, review)
    return review


@transaction.atomic
def dissent(version: Version, *, digest: str, reason: str, actor: Actor) -> Review:
    """Object to exactly `digest`, in review or approved: recorded with its reason, and stops nothing. Raises Refused, Stale."""
    _alone(version)
    return _review(version, Review.DISSENT, digest=digest, reason=reason, actor=actor)


def _alone(version: Version) -> None:
    """One decision over an artifact at a time: of two at once neither would see who else decided. Raises Stale."""
    Artifact.objects.select_for_update().get(pk=version.artifact_id)
    stored = Version.objects.only("state", "ledger_rev").get(pk=version.pk)
    if stored.ledger_rev != version.ledger_rev:
        now = stored.state.replace("_", " ")
        raise Stale(f"{version.subject} was changed by somebody else, and is {now} now; read it again.")


def _review(
    version: Version, verdict: str, *, digest: str, reason: str, actor: Actor, draft: Version | None = None
) -> Review:
    if why := obstacle(version, verdict, digest=digest, reason=reason, actor=actor):
        raise Refused(why)
    review = Review(
        version=version,
        digest=digest,
        verdict=verdict,
        reason=reason.strip(),
        reviewer=str(actor.handle),
        groups=sorted(seats.groups_of(actor.handle) & reviewing()),
        draft=draft,
        at=timezone.now(),
    )
    append(review, op=GIVEN[verdict], actor=actor)
    search.index(review)
    return review


def _cited(review: Review, **more: Any) -> dict[str, dict[str, Any]]:
    return {"P": {"review": str(review.id), "reviewer": review.reviewer, "reason": review.reason, **more}}
