"""The queues of reviews, and what people say about a version: decisions, comments, and how much hangs on it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from governance.ledger.append import Stale
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry import states
from governance.registry.access import require_read
from governance.registry.actions import Refused
from governance.registry.kinds import get
from governance.registry.models import Version
from governance.reviews import actions, comments, impact, queues, seats
from governance.reviews.anchors import UnknownAnchor
from governance.reviews.models import Comment, Review
from governance.views import review_parts
from governance.views.reading import version_or_404

PAGE = 25
DECIDERS: dict[str, tuple[Callable[..., Review], str]] = {
    Review.APPROVE: (actions.approve, "is approved"),
    Review.REFUSE: (actions.refuse, "is refused"),
    Review.CHANGES: (actions.request_changes, "needs changes"),
    Review.DISSENT: (actions.dissent, "has your dissent on record"),
}
REFUSALS = (Refused, Stale, UnknownAnchor)


@login_required
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """What waits for this person, what they submitted, or what has waited for long."""
    held: dict[str, tuple[str, QuerySet[Version]]] = {
        "waiting": ("Waiting for you", queues.waiting(request.user)),
        "submitted": ("You submitted", queues.submitted(request.user)),
        "stale": ("Waiting for long", queues.stale()),
    }
    chosen = request.GET.get("queue", "waiting")
    if chosen not in held:
        raise Http404("Queues are waiting, submitted and stale.")
    page = Paginator(held[chosen][1], PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    standings = seats.standings(shown)
    context = {
        "queue": chosen,
        "tabs": [(name, title, rows.count()) for name, (title, rows) in held.items()],
        "page": page,
        "rows": [
            {
                "version": version,
                "kind": get(version.kind).title,
                "standing": standings[version.pk] if version.state == states.IN_REVIEW else None,
            }
            for version in shown
        ],
        "can_review": may(request.user, seats.REVIEW),
    }
    return render(request, "governance/review_queue.html", context)


@login_required
@require_POST
def decide(request: HttpRequest, subject: str) -> HttpResponse:
    require(request.user, seats.REVIEW)
    version = version_or_404(request, subject)
    verdict = request.POST.get("verdict", "")
    if verdict not in DECIDERS:
        raise PermissionDenied("Choose approve, refuse, changes or dissent.")
    act, done = DECIDERS[verdict]

    def say() -> str:
        review = act(
            version,
            digest=request.POST.get("digest", ""),
            reason=_text(request, "reason"),
            actor=actor_for(request.user),
        )
        if verdict == Review.APPROVE and version.state == states.IN_REVIEW:
            return f"Your approval of {version.subject} is recorded. {seats.standing(version).wanted()}"
        more = f"; {review.draft.subject} is its next draft" if review.draft else ""
        return f"{version.subject} {done}{more}."

    return _done(request, version.subject, say)


@login_required
@require_safe
def comment_list(request: HttpRequest, subject: str) -> HttpResponse:
    version = version_or_404(request, subject)
    page = Paginator(version.comments.filter(answers=None), PAGE).get_page(request.GET.get("page"))
    context = {
        "version": version,
        "kind": get(version.kind),
        "page": page,
        "threads": review_parts.threads(request.user, version, page.object_list),
    }
    return render(request, "governance/review_comments.html", context)


@login_required
@require_POST
def comment(request: HttpRequest, subject: str) -> HttpResponse:
    require(request.user, comments.ACTION)
    version = version_or_404(request, subject)

    def say() -> str:
        anchor = _text(request, "anchor").strip()
        made = comments.comment(
            version, anchor=anchor, text=_text(request, "text"), actor=actor_for(request.user)
        )
        return f"Your comment about {made.anchor or version.subject} is recorded."

    return _done(request, version.subject, say, place="#comments")


@login_required
@require_POST
def answer(request: HttpRequest, comment_id: UUID) -> HttpResponse:
    found = _comment(request, comment_id)

    def say() -> str:
        comments.answer(found, text=_text(request, "text"), actor=actor_for(request.user))
        return f"Your answer to {found.author} is recorded."

    return _done(request, found.version.subject, say, place=f"#comment-{found.pk}")


@login_required
@require_POST
def resolve(request: HttpRequest, comment_id: UUID) -> HttpResponse:
    found = _comment(request, comment_id)

    def say() -> str:
        comments.resolve(found, actor=actor_for(request.user))
        return f"The comment by {found.author} is resolved."

    return _done(request, found.version.subject, say, place=f"#comment-{found.pk}")


@login_required
@require_POST
def set_impact(request: HttpRequest, subject: str) -> HttpResponse:
    require(request.user, impact.ACTION)
    version = version_or_404(request, subject)

    def say() -> str:
        row = impact.set_impact(
            version.artifact,
            request.POST.get("impact", "")[:20],
            reason=_text(request, "reason"),
            actor=actor_for(request.user),
        )
        return f"The impact class of {version.artifact.name} is {row.impact}."

    return _done(request, version.subject, say)


def _comment(request: HttpRequest, comment_id: UUID) -> Comment:
    """The comment, for whoever may write comments and read its version. Raises Http404, PermissionDenied."""
    require(request.user, comments.ACTION)
    found = Comment.objects.select_related("version__artifact").filter(pk=comment_id).first()
    if found is None:
        raise Http404(f"There is no comment {comment_id}.")
    require_read(request.user, found.version)
    return found


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\0", "")


def _done(
    request: HttpRequest, subject: str, act: Callable[[], Any], *, place: str = "#decide"
) -> HttpResponseRedirect:
    try:
        told = act()
    except REFUSALS as error:
        messages.error(request, str(error))
    else:
        messages.success(request, told)
    address = redirect("version", subject)
    address["Location"] += place
    return address
