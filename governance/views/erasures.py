"""Erasures as pages: asking for one of a version, what it would take away, and confirming what somebody else asked for."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.ledger.append import Stale
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry import erasure, scrub
from governance.registry.actions import Refused
from governance.registry.models import Erasure
from governance.views import entries
from governance.views.panels import Panel
from governance.views.reading import version_or_404

PAGE = 30


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def version_erase(request: HttpRequest, subject: str) -> HttpResponse:
    """Ask for the erasure of a version as a whole."""
    require(request.user, erasure.ACTION)
    version = version_or_404(request, subject)
    given = {
        name: request.POST.get(name, "").replace("\0", "").replace("\r\n", "\n")
        for name in ("authority", "reason")
    }
    try:
        plan = erasure.preview(version, erasure.PERSONAL, whole=True)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("version", version.subject)
    if request.method == "POST":
        try:
            asked = erasure.ask(version, whole=True, **given, actor=actor_for(request.user))
        except Refused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "The erasure is asked for. Another administrator must confirm it.")
            return redirect("erasure", asked.pk)
    return render(request, "governance/erase.html", {"version": version, "plan": plan, "given": given})


@login_required
@require_safe
def erasure_list(request: HttpRequest) -> HttpResponse:
    page = Paginator(Erasure.objects.all(), PAGE).get_page(request.GET.get("page"))
    return render(request, "governance/erasure_list.html", {"page": page})


@login_required
@require_safe
def erasure_detail(request: HttpRequest, erasure_id: UUID) -> HttpResponse:
    one = _found(erasure_id)
    manages = may(request.user, erasure.ACTION)
    context: dict[str, Any] = {
        "erasure": one,
        "entries": entries.of_objects(Erasure.ledger_type, [one.pk]),
        "why_not": erasure.obstacle(one, actor_for(request.user)) if manages else None,
        "manages": manages,
    }
    if manages and one.state == Erasure.ASKED:
        context |= _planned(one)
    return render(request, "governance/erasure_detail.html", context)


@login_required
@require_POST
def erasure_confirm(request: HttpRequest, erasure_id: UUID) -> HttpResponse:
    require(request.user, erasure.ACTION)
    one = _found(erasure_id)
    try:
        outcome = erasure.confirm(one, actor=actor_for(request.user))
    except (Refused, Stale) as error:
        messages.error(request, str(error))
        return redirect("erasure", one.pk)
    messages.success(request, f"{one.subject}: the erasure is done.")
    for sentence in outcome.left:
        messages.error(request, f"{sentence} Run manage.py erase --finish.")
    for sentence in scrub.remains():
        messages.warning(request, sentence)
    return redirect("erasure", one.pk)


def waiting(request: HttpRequest) -> Panel | None:
    """On the first page, for administrators: erasures that somebody must confirm."""
    if not may(request.user, erasure.ACTION):
        return None
    open_ones = Erasure.objects.filter(state=Erasure.ASKED)[:PAGE]
    return Panel("governance/panel_erasures.html", {"erasures": open_ones}) if open_ones else None


def _found(erasure_id: UUID) -> Erasure:
    one = Erasure.objects.select_related("version__artifact").filter(pk=erasure_id).first()
    if one is None:
        raise Http404(f"There is no erasure {erasure_id}.")
    return one


def _planned(one: Erasure) -> dict[str, Any]:
    """What confirming would do, or why it cannot be done now."""
    target = erasure.target_of(one.object_type, one.object_id)
    try:
        return {"plan": erasure.preview(target, one.classes, whole=one.version_id is not None)}
    except Refused as error:
        return {"why_not": str(error)}
