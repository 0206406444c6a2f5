"""One version: its content, lineage, reviews and entries, and the decisions over it."""

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from governance.ledger.append import Stale
from governance.ledger.models import Entry
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry import actions, kinds, lineage, states
from governance.registry.access import may_read, require_write, write_action
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.models import Reference, Version
from governance.reviews import actions as reviews
from governance.reviews import conditions
from governance.reviews.models import Review
from governance.views import diff, entries, panels
from governance.views.reading import version_or_404

WITH_CARD = {"model", "release", "dataset"}
MAX_EDGES = 300


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
            "content_templates": [f"governance/kinds/{kind.name}.html", "governance/kinds/default.html"],
            "content_json": json.dumps(content, indent=2, ensure_ascii=False),
            "files": content.get("files", []),
            "references": references(version),
            "ancestors": ancestors(version),
            "descendants": [
                {"subject": one.subject, "state": one.state, "role": None}
                for one in lineage.descendants(version)
            ],
            "reviews": timeline(version),
            "entries": entries.of_objects(Version.ledger_type, [version.pk]),
            "panels": panels.for_version(request, version),
            "card_subject": version.subject if version.kind in WITH_CARD and version.is_sealed else None,
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


def ancestors(version: Version) -> list[dict[str, Any]]:
    """Ancestors as nested nodes; one that was shown before is named again without its own ancestors."""
    above: dict[object, list[lineage.Edge]] = {}
    for edge in lineage.edges_above(version, limit=MAX_EDGES):
        above.setdefault(edge.version.pk, []).append(edge)
    return _nodes(version.pk, above, {version.pk})


def _nodes(key: object, above: dict[object, list[lineage.Edge]], seen: set[object]) -> list[dict[str, Any]]:
    nodes = []
    for edge in above.get(key, []):
        repeated = edge.parent.pk in seen
        seen.add(edge.parent.pk)
        nodes.append(
            {
                "subject": edge.parent.subject,
                "state": edge.parent.state,
                "role": edge.role.replace("_", " "),
                "ancestry": lineage.ANCESTRY.get(edge.role),
                "activity": edge.activity.label if edge.activity else None,
                "repeated": repeated and edge.parent.pk in above,
                "children": [] if repeated else _nodes(edge.parent.pk, above, seen),
            }
        )
    return nodes


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
    others = [
        one
        for one in version.artifact.versions.select_related("artifact").exclude(pk=version.pk)[:200]
        if may_read(request.user, one)
    ]
    if not others:
        raise Http404(
            f"{version.subject} is the only version of {version.artifact.name}; there is nothing to compare it with."
        )
    against = _chosen(request.GET.get("against", ""), others, version)
    rows = diff.rows(against.content, version.content)
    return render(
        request,
        "governance/version_diff.html",
        {
            "version": version,
            "kind": kinds.get(version.kind),
            "against": against,
            "others": others,
            "rows": rows,
            "counts": diff.counts(rows),
        },
    )


def _chosen(number: str, others: list[Version], version: Version) -> Version:
    named = [one for one in others if str(one.number) == number]
    older = [one for one in others if one.number < version.number]
    return (named or older or others)[0]


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
