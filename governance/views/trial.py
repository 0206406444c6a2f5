"""A release policy tried on the releases in force: what it would stop, before anybody adopts it."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.people.permissions import may, require
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.models import Version
from governance.releases import trial
from governance.releases.trial import TRY
from governance.views.panels import Panel
from governance.views.reading import version_or_404

PAGE = 5
"""Releases a page: the evidence of each is collected and judged while somebody waits."""


@login_required
@require_safe
def try_policy(request: HttpRequest, subject: str) -> HttpResponse:
    require(request.user, TRY)
    version = version_or_404(request, subject)
    page = Paginator(trial.in_force(request.user), PAGE).get_page(request.GET.get("page"))
    context = {"version": version, "page": page, "found": [], "fault": ""}
    try:
        policy = trial.content_of(version)
    except (Refused, ContentError) as error:
        return render(request, "governance/policy_try.html", {**context, "fault": str(error)}, status=422)
    found = [trial.judge(release, policy) for release in page.object_list]
    return render(request, "governance/policy_try.html", {**context, "found": found})


def link_of(request: HttpRequest, version: Version) -> Panel | None:
    """On the page of a release policy: where to try it."""
    if version.kind != "release-policy" or version.content is None or not may(request.user, TRY):
        return None
    return Panel("governance/panel_try.html", {"version": version})
