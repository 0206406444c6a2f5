"""One version: its content, lineage, reviews and entries, and the decisions over it."""

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from governance.ledger.append import Stale
from governance.ledger.models import Entry
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry import actions, erasure, kinds, neighbourhood, states
from governance.registry.access import require_write, write_action
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.models import Reference, Version
from governance.reviews import actions as reviews
from governance.reviews import conditions
from governance.reviews.models import Review
from governance.views import diff_page, entries, panels
from governance.views.lineage_scene import scene
from governance.views.lineage_tree import tree
from governance.views.reading import version_or_404

WITH_CARD = {"model", "release", "dataset"}
NEAR, MOST_NEAR = 3, 60
"""Links each way, and versions, that the page of a version shows of its lineage."""


@login_required
@require_safe
def version_detail(request: HttpRequest, subject: str) -> HttpResponse:
    version = version_or_404(request, subject)
    kind = kinds.get(version.kind)
    content = version.content or {}
    return render(
        request,
        "governance/version_detail.html",
        {
            "version": version,
            "kind": kind,
            "title": content.get("title") or version.artifact.title,
            "content_rows": summary(version),
            "content_templates": content_templates(version),
            "content_json": json.dumps(content, indent=2, ensure_ascii=False),
            "files": files if isinstance(files := content.get("files"), list) else [],
            "references": references(version),
            **lineage_near(request.user, version),
            "reviews": timeline(version),
            "entries": entries.of_objects(Version.ledger_type, [version.pk]),
            "panels": panels.for_version(request, version),
            "card_subject": version.subject if version.kind in WITH_CARD and version.is_sealed else None,
            "erased": erasure.told(version) if version.is_sealed and version.content is None else None,
            "erasure": version.erasures.first(),
            **rights(request, version),
        },
    )


def summary(version: Version) -> list[tuple[str, str]]:
    """Key figures; of an unfinished draft, what keeps it from being sealed."""
    if version.content is None:
        return []
    try:
        return kinds.get(version.kind).summary(version.parsed())
    except ContentError as error:
        return [(field, rule) for field, rule in error.faults]


def content_templates(version: Version) -> list[str]:
    """The kind's own page; the plain one for a draft that is no content of its kind yet and may hold anything."""
    try:
        if not version.is_sealed:
            version.parsed()
    except ContentError:
        return ["governance/kinds/default.html"]
    return [f"governance/kinds/{version.kind}.html", "governance/kinds/default.html"]


def rights(request: HttpRequest, version: Version) -> dict[str, Any]:
    user = request.user
    reviewer = may(user, "reviews:version:review")
    why = None
    if version.state == states.IN_REVIEW and reviewer:
        why = reviews.obstacle(version, digest=version.digest, reason="-", actor=actor_for(user))
    elif version.state == states.IN_REVIEW:
        why = "It waits for a member of the group reviewer who did not write it."
    obstacles = conditions.obstacles(version) if version.state == states.IN_REVIEW else []
    return {
        "can_erase": version.is_sealed and version.content is not None and may(user, erasure.ACTION),
        "can_submit": _may_submit(user, version),
        "can_decide": version.state == states.IN_REVIEW and reviewer and why is None,
        "can_revoke": states.may_move(version.state, states.REVOKED) and may(user, "registry:version:revoke"),
        "why_not": why or " ".join(obstacles) or None,
    }


def _may_submit(user: object, version: Version) -> bool:
    """Submitting a draft seals it, so that needs the right to write its kind too."""
    if version.state == states.DRAFT and not may(user, write_action(version.kind)):
        return False
    return version.state in {states.DRAFT, states.SEALED} and may(user, "reviews:version:submit")


def references(version: Version) -> list[dict[str, Any]]:
    found = Reference.objects.filter(version=version).select_related("target__artifact").order_by("role")
    return [
        {
            "role": row.role.replace("_", " "),
            "subject": row.target.subject,
            "digest": row.target.digest,
            "state": row.target.state,
        }
        for row in found
    ]


def lineage_near(user: object, version: Version) -> dict[str, Any]:
    """The nearest ancestors and descendants as nested nodes, and whether there are more than are shown."""
    found = neighbourhood.around(version.pk, direction="both", ancestry=None, depth=NEAR)
    near = found.nearest(MOST_NEAR)
    seen = scene(user, near)
    return {
        "ancestors": tree(seen, upwards=True),
        "descendants": tree(seen, upwards=False),
        "lineage_goes_on": bool(near.beyond) or found.cut,
    }


def timeline(version: Version) -> list[dict[str, Any]]:
    """Submission, reviews and revocation of a version, oldest first, each with its entry."""
    by_review = {str(review.pk): review for review in Review.objects.filter(version=version)}
    wanted = Entry.objects.filter(object_id__in=[*by_review, str(version.pk)]).order_by("id")
    return [row for entry in wanted if (row := _step(entry, by_review))]


def _step(entry: Entry, by_review: dict[str, Review]) -> dict[str, Any] | None:
    if review := by_review.get(entry.object_id):
        verdict = "approved" if review.verdict == Review.APPROVE else "refused"
        return {
            "verdict": verdict,
            "by": review.reviewer,
            "at": review.at,
            "reason": review.reason,
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


@login_required
@require_safe
def version_diff(request: HttpRequest, subject: str) -> HttpResponse:
    version = version_or_404(request, subject)
    others = diff_page.others(request, version)
    if address := diff_page.elsewhere(request, version, others):
        return redirect(address)
    against = diff_page.chosen(request.GET.get("against", ""), others, version)
    return render(
        request,
        "governance/version_diff.html",
        {
            "version": version,
            "kind": kinds.get(version.kind),
            "against": against,
            "choices": sorted([version, *others], key=lambda one: -one.number),
            "erased": [
                erasure.told(one) for one in (against, version) if one.is_sealed and one.content is None
            ],
            **diff_page.compared(request, against.content, version.content),
        },
    )


@login_required
@require_POST
def version_submit(request: HttpRequest, subject: str) -> HttpResponse:
    require(request.user, "reviews:version:submit")
    version = version_or_404(request, subject)
    if version.state == states.DRAFT:
        require_write(request.user, version.kind)
    return _done(
        request, version, "is in review now", lambda: reviews.submit(version, actor=actor_for(request.user))
    )


@login_required
@require_POST
def version_decide(request: HttpRequest, subject: str) -> HttpResponse:
    require(request.user, "reviews:version:review")
    version = version_or_404(request, subject)
    deciders = {"approve": reviews.approve, "refuse": reviews.refuse}
    verdict = request.POST.get("verdict", "")
    if verdict not in deciders:
        raise PermissionDenied("Choose approve or refuse.")
    return _done(
        request,
        version,
        "is approved" if verdict == "approve" else "is refused",
        lambda: deciders[verdict](
            version,
            digest=request.POST.get("digest", ""),
            reason=request.POST.get("reason", "").replace("\0", ""),
            actor=actor_for(request.user),
        ),
    )


@login_required
@require_POST
def version_revoke(request: HttpRequest, subject: str) -> HttpResponse:
    require(request.user, "registry:version:revoke")
    version = version_or_404(request, subject)
    reason = request.POST.get("reason", "").replace("\0", "")
    return _done(
        request,
        version,
        "is revoked",
        lambda: actions.revoke(version, reason=reason, actor=actor_for(request.user)),
    )


def _done(request: HttpRequest, version: Version, what: str, act: Any) -> HttpResponseRedirect:
    try:
        act()
    except (Refused, Stale, ContentError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{version.subject} {what}.")
    return redirect("version", version.subject)
