"""What pages show of reviews: who has decided what, whose seat is open, what is discussed, and what a reader may do now."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from governance.ledger.models import Entry
from governance.people.actions import actor_for
from governance.people.permissions import may
from governance.registry import states
from governance.registry.models import Version
from governance.reviews import comments, conditions, impact, seats
from governance.reviews.anchors import ids
from governance.reviews.models import Comment, Review
from governance.reviews.obstacles import obstacle
from governance.reviews.requirements import CLASSES, RELEASE
from governance.views import entries

LISTED, MOST_ANSWERS, MOST_IDS = 100, 500, 500
"""Comments and answers on the page of a version, and ids that the form of a comment offers."""
WORDS = {
    Review.APPROVE: "approved",
    Review.REFUSE: "refused",
    Review.CHANGES: "changes requested",
    Review.DISSENT: "dissent",
}
INLINE = {"constitution": "principles", "policy": "rules", "guideline": "sections"}
"""Kind → the list of its content whose parts have their comments beside them."""


def timeline(version: Version) -> list[dict[str, Any]]:
    """Submission, reviews and revocation of a version, oldest first, each with its entry."""
    rows = Review.objects.filter(version=version).select_related("draft__artifact")
    by_review = {str(review.pk): review for review in rows}
    wanted = Entry.objects.filter(object_id__in=[*by_review, str(version.pk)]).order_by("id")
    return [row for entry in wanted if (row := _step(entry, by_review))]


def _step(entry: Entry, by_review: dict[str, Review]) -> dict[str, Any] | None:
    if review := by_review.get(entry.object_id):
        return {
            "verdict": WORDS[review.verdict],
            "by": review.reviewer,
            "groups": review.groups,
            "at": review.at,
            "reason": review.reason,
            "draft": review.draft.subject if review.draft else None,
            "entry": entry.leaf_index,
        }
    words = {"reviews:version:submitted": "submitted", "registry:version:revoked": "revoked"}
    if entry.op not in words:
        return None
    reason = entries.public(entry).get("summary", {}).get("reason", "")
    return {
        "verdict": words[entry.op],
        "by": entry.actor,
        "at": entry.at,
        "reason": reason,
        "entry": entry.leaf_index,
    }


def deciding(request: HttpRequest, version: Version) -> dict[str, Any]:
    """Which verdicts this person may give now, and what stands in the way of an approval."""
    in_review = version.state == states.IN_REVIEW
    standing = seats.standing(version) if in_review else None
    verdicts, why = _verdicts(request.user, version)
    if standing and not may(request.user, seats.REVIEW):
        why = f"It waits for somebody who did not write it. {standing.wanted()}"
    obstacles = conditions.obstacles(version) if in_review else []
    return {
        "standing": standing,
        "can_decide": bool(verdicts),
        "verdicts": verdicts,
        "why_not": why or " ".join(obstacles) or None,
    }


def _verdicts(user: Any, version: Version) -> tuple[list[str], str | None]:
    """The verdicts that `user` may give, and in review why they may not approve. Whoever may approve may say anything."""
    if version.state not in {states.IN_REVIEW, states.APPROVED} or not may(user, seats.REVIEW):
        return [], None
    given: dict[str, Any] = {"digest": version.digest, "reason": "-", "actor": actor_for(user)}
    why = obstacle(version, Review.APPROVE, **given)
    if why is None:
        return [*Review.VERDICTS], None
    if version.state == states.IN_REVIEW and obstacle(version, Review.REFUSE, **given) is None:
        return [Review.REFUSE, Review.CHANGES, Review.DISSENT], why
    verdicts = [] if obstacle(version, Review.DISSENT, **given) else [Review.DISSENT]
    return verdicts, why if version.state == states.IN_REVIEW else None


def discussion(request: HttpRequest, version: Version) -> dict[str, Any]:
    """The comments about a version, those about its parts by anchor, and the form of a new one."""
    found = version.comments.filter(answers=None)
    total = found.count() if version.is_sealed else 0
    held = threads(request.user, version, found[:LISTED]) if total else []
    beside: dict[str, list[Any]] = defaultdict(list)
    content = version.content or {}
    known = list(dict.fromkeys(ids(content))) if version.is_sealed else []
    inline = (
        {part["id"] for part in content.get(INLINE.get(version.kind, ""), [])} if version.is_sealed else set()
    )
    for thread in held:
        if thread["comment"].anchor in inline:
            beside[thread["comment"].anchor].append(thread)
    return {
        "comments_by": dict(beside),
        "threads": [thread for thread in held if thread["comment"].anchor not in beside],
        "comment_count": total,
        "more_comments": max(0, total - LISTED),
        "can_comment": bool(content) and version.is_sealed and may(request.user, comments.ACTION),
        "comment_on": request.GET.get("on", "")[:1000].replace("\0", ""),
        "anchor_ids": known[:MOST_IDS],
    }


def threads(user: Any, version: Version, found: Iterable[Comment]) -> list[dict[str, Any]]:
    """Comments with their answers, oldest first, and whether `user` may answer and resolve them."""
    tops = list(found)
    answers: dict[Any, list[Comment]] = defaultdict(list)
    for one in version.comments.filter(answers__in=tops)[:MOST_ANSWERS]:
        answers[one.answers_id].append(one)
    writes = may(user, comments.ACTION)
    handle = user.account.handle
    for top in tops:
        top.version = version
    return [
        {
            "comment": top,
            "answers": answers[top.pk],
            "can_answer": writes,
            "can_resolve": writes and not top.resolved_by and comments.may_resolve(top, handle),
        }
        for top in tops
    ]


def impact_form(request: HttpRequest, version: Version) -> dict[str, Any]:
    """The impact class of a version's artifact, and whether this person may try to give it another."""
    if version.kind == RELEASE:
        return {}
    return {
        "impact": seats.impact_of(version.artifact),
        "impact_classes": CLASSES,
        "can_set_impact": may(request.user, impact.ACTION),
    }
