"""One version: its content, lineage, reviews and entries, and the decisions over it."""

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from governance.ledger.append import Stale
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry import actions, erasure, kinds, neighbourhood, states
from governance.registry.access import require_write, write_action
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.models import Reference, Version
from governance.reviews import actions as reviews
from governance.views import diff_page, entries, panels, review_parts
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
            "reviews": review_parts.timeline(version),
            **review_parts.discussion(request, version),
            **review_parts.impact_form(request, version),
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
    return {
        "can_erase": version.is_sealed and version.content is not None and may(user, erasure.ACTION),
        "can_submit": _may_submit(user, version),
        "can_revoke": states.may_move(version.state, states.REVOKED) and may(user, "registry:version:revoke"),
        **review_parts.deciding(request, version),
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
