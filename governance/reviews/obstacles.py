"""Why somebody may not say something about a version now, in a sentence."""

from governance.ledger.actors import Actor
from governance.people.permissions import table
from governance.registry import states
from governance.registry.models import Version
from governance.reviews import seats
from governance.reviews.models import Review
from governance.reviews.requirements import CLASSES

MAX_REASON = 10_000
STATES = {Review.DISSENT: (states.IN_REVIEW, states.APPROVED)}
"""States in which a verdict may be given; all others only in review."""


def reviewing() -> frozenset[str]:
    """The groups whose members review."""
    return table()[seats.REVIEW]


def obstacle(version: Version, verdict: str, *, digest: str | None, reason: str, actor: Actor) -> str | None:
    """Why `actor` may not give that verdict about `version` now, or None."""
    return (
        _of_person(version, actor)
        or _of_state(version, verdict, digest)
        or _of_seats(version, verdict, actor)
        or reason_fault(reason)
    )


def _of_person(version: Version, actor: Actor) -> str | None:
    if actor.handle is None or not actor.is_person:
        return "A review needs a signed-in person; commands cannot approve or refuse."
    if actor.handle in version.authors:
        return f"{actor.handle} wrote or submitted {version.subject}; somebody else must review it."
    return None


def _of_state(version: Version, verdict: str, digest: str | None) -> str | None:
    if version.state not in STATES.get(verdict, (states.IN_REVIEW,)):
        return f"{version.subject} is {version.state.replace('_', ' ')}, not in review."
    if digest != version.digest:
        return f"You reviewed the digest {digest}, but {version.subject} has {version.digest}; read it again."
    return None


def _of_seats(version: Version, verdict: str, actor: Actor) -> str | None:
    if version.reviews.filter(reviewer=actor.handle).exists():
        return f"{actor.handle} has already reviewed {version.subject}."
    groups = seats.groups_of(actor.handle)
    if not groups & reviewing():
        return f"{actor.handle} is in none of the groups that review: {', '.join(sorted(reviewing()))}."
    if verdict == Review.DISSENT:
        return None
    standing = seats.standing(version)
    if not standing.fits(groups):
        return f"No seat of {version.subject} is for {actor.handle}. {standing.wanted()} A dissent may be recorded."
    if verdict != Review.APPROVE:
        return None
    if not standing.takes(groups):
        return f"No open seat of {version.subject} is for {actor.handle}: {standing.wanted()}"
    if _lowered(version, actor.handle):
        return f"{actor.handle} lowered the impact class of {version.artifact.name}; somebody else must approve what follows."
    return None


def _lowered(version: Version, handle: str | None) -> bool:
    """Whether less hangs on its artifact now than before this person lowered the class, whoever changed it since."""
    rows = list(version.artifact.impacts.filter(by=handle))
    now = CLASSES.index(seats.impact_of(version.artifact)) if rows else 0
    return any(row.lowers and now < CLASSES.index(row.before) for row in rows)


def reason_fault(reason: str) -> str | None:
    """What is wrong with a reason, or None."""
    if not reason.strip():
        return "Give a reason; it is logged with the decision."
    if len(reason) > MAX_REASON:
        return f"The reason has {len(reason):,} characters; at most {MAX_REASON:,} are kept, so shorten it."
    return None
