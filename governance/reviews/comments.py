"""Comment, answer, resolve: the discussion around a sealed version. Nothing here decides."""

from django.db import transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.registry import erasure
from governance.registry.actions import Refused
from governance.registry.models import Version
from governance.reviews import anchors
from governance.reviews.events import ReviewEvent
from governance.reviews.models import Comment

ACTION = "reviews:comment:write"
LONGEST = 10_000


@transaction.atomic
def comment(version: Version, *, anchor: str = "", text: str, actor: Actor) -> Comment:
    """Say something about `version` or the part that `anchor` names. Raises Refused, UnknownAnchor."""
    if version.content is None:
        raise Refused(erasure.told(version))
    anchors.check(version.content, anchor)
    return _said(version, anchor, text, actor, answers=None)


@transaction.atomic
def answer(comment: Comment, *, text: str, actor: Actor) -> Comment:
    """Answer a comment, where it stands; answers are not answered again. Raises Refused."""
    if comment.answers_id:
        raise Refused("This is an answer itself; answer the comment that it belongs to.")
    return _said(comment.version, comment.anchor, text, actor, answers=comment)


@transaction.atomic
def resolve(comment: Comment, *, actor: Actor) -> Comment:
    """Mark a comment as settled, once; by whoever made it or an author of the version. Raises Refused, Stale."""
    if comment.answers_id:
        raise Refused("An answer is settled with the comment that it belongs to.")
    if comment.resolved_by:
        raise Refused(f"{comment.resolved_by} has resolved this comment already.")
    if not may_resolve(comment, actor.handle):
        raise Refused(
            f"Only {comment.author} or an author of {comment.version.subject} resolves this comment."
        )
    comment.resolved_by, comment.resolved_at = str(actor.handle), timezone.now()
    append(comment, op=ReviewEvent.COMMENT_RESOLVED, actor=actor, fields=[*Comment.RESOLVED])
    return comment


def may_resolve(comment: Comment, handle: str | None) -> bool:
    return handle is not None and handle in {comment.author, *comment.version.authors}


def _said(version: Version, anchor: str, text: str, actor: Actor, *, answers: Comment | None) -> Comment:
    if not version.is_sealed:
        raise Refused(f"{version.subject} is a draft and still changes; comments are about what is sealed.")
    if actor.handle is None or not actor.is_person:
        raise Refused("A comment needs a signed-in person.")
    if not text.strip():
        raise Refused("Write something; an empty comment says nothing.")
    if len(text) > LONGEST:
        raise Refused(
            f"The comment has {len(text):,} characters; at most {LONGEST:,} are kept, so shorten it."
        )
    said = Comment(
        version=version,
        digest=str(version.digest),
        anchor=anchor,
        text=text.strip(),
        answers=answers,
        author=actor.handle,
        at=timezone.now(),
    )
    append(said, op=ReviewEvent.COMMENT_MADE, actor=actor)
    return said
