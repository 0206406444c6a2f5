"""Runtimes as pages: where releases answer, what answers and answered there, and the forms that begin and end it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.ledger.append import Stale
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry import lookup, states
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.models import Version
from governance.releases import emergency, serving, serving_found, serving_rules
from governance.releases.models import Runtime
from governance.views import entries, panels
from governance.views.panels import Panel
from governance.views.reading import version_or_404

PAGE = 30
CHOICES = 100
"""Approved releases that the form offers, the newest first."""
REFUSALS = (Refused, ContentError, Stale, lookup.NotFound)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def runtime_list(request: HttpRequest) -> HttpResponse:
    """All runtimes, and the form that makes one."""
    if request.method == "POST":
        return _create(request)
    page = Paginator(Runtime.objects.all(), PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "governance/runtime_list.html",
        {
            "page": page,
            "watched": serving_found.watched(list(page.object_list)),
            "can_create": may(request.user, "releases:runtime:create"),
            "kinds": Runtime.KINDS,
        },
    )


@login_required
@require_safe
def runtime_detail(request: HttpRequest, slug: str) -> HttpResponse:
    runtime = runtime_or_404(slug)
    watched = serving_found.watched([runtime])[0]
    rows = runtime.periods.select_related("version__artifact", "ledger_head")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    acts = may(request.user, "releases:emergency:act") and runtime.state == Runtime.ACTIVE
    starts = may(request.user, "releases:serving:start") and runtime.state == Runtime.ACTIVE
    return render(
        request,
        "governance/runtime_detail.html",
        {
            "runtime": runtime,
            "watched": watched,
            "page": page,
            "emergencies": runtime.emergencies.select_related("to__artifact", "runtime")[:PAGE],
            "can_start": starts,
            "can_end": may(request.user, "releases:serving:end") and bool(watched.periods),
            "can_retire": may(request.user, "releases:runtime:retire") and runtime.state == Runtime.ACTIVE,
            "can_close": may(request.user, "releases:drift:close"),
            "can_act": acts,
            "releases": _approved() if starts else [],
            "candidates": emergency.candidates(runtime) if acts else [],
            "panels": panels.for_runtime(request, runtime),
            "entries": entries.of_objects(Runtime.ledger_type, [runtime.pk]),
        },
    )


@login_required
@require_POST
def runtime_start(request: HttpRequest, slug: str) -> HttpResponse:
    require(request.user, "releases:serving:start")
    runtime = runtime_or_404(slug)
    version = version_or_404(request, text_of(request, "release"))
    audience, reason, actor = (
        text_of(request, "audience"),
        text_of(request, "reason"),
        actor_for(request.user),
    )
    try:
        share = serving_rules.share_of(text_of(request, "share"))
        if request.POST.get("replace"):
            require(request.user, "releases:serving:end")
            serving.replace(runtime, version, share=share, audience=audience, reason=reason, actor=actor)
        else:
            serving.start(runtime, version, share=share, audience=audience, reason=reason, actor=actor)
    except REFUSALS as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{version.subject} answers at {runtime.slug} from now on.")
    return redirect("runtime", runtime.slug)


@login_required
@require_POST
def runtime_end(request: HttpRequest, slug: str) -> HttpResponse:
    require(request.user, "releases:serving:end")
    runtime = runtime_or_404(slug)
    of = text_of(request, "release")
    version = version_or_404(request, of) if of else None
    try:
        ended = serving.end(
            runtime, of=version, reason=text_of(request, "reason"), actor=actor_for(request.user)
        )
    except REFUSALS as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{', '.join(one.version.subject for one in ended)}: ended.")
    return redirect("runtime", runtime.slug)


@login_required
@require_POST
def runtime_retire(request: HttpRequest, slug: str) -> HttpResponse:
    require(request.user, "releases:runtime:retire")
    runtime = runtime_or_404(slug)
    try:
        serving.retire_runtime(runtime, reason=text_of(request, "reason"), actor=actor_for(request.user))
    except REFUSALS as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{runtime.slug} is retired.")
    return redirect("runtime", runtime.slug)


def trouble(_: HttpRequest) -> Panel | None:
    """On the first page, for everybody: where something answers that should not, drifts, keeps silent or waits for a review."""
    found = serving_found.everywhere()
    return Panel("governance/panel_serving.html", {"watched": found}) if found else None


def runtime_or_404(slug: str) -> Runtime:
    """Raises Http404 with the nearest names."""
    try:
        return serving_found.runtime(slug)
    except lookup.NotFound as error:
        raise Http404(str(error)) from error


def text_of(request: HttpRequest, name: str) -> str:
    """A field of the posted form, as it may be stored."""
    return request.POST.get(name, "").replace("\0", "").replace("\r\n", "\n").strip()


def _create(request: HttpRequest) -> HttpResponse:
    require(request.user, "releases:runtime:create")
    given: dict[str, Any] = {name: text_of(request, name) for name in ("slug", "title", "kind", "audience")}
    every = text_of(request, "report_every")
    try:
        if every and not (every.isascii() and every.isdigit() and len(every) < 10):
            raise ContentError("runtime", [("report_every", "write a whole number of seconds")])
        made = serving.create_runtime(
            given.pop("slug"),
            **given,
            report_every=int(every) if every else None,
            actor=actor_for(request.user),
        )
    except REFUSALS as error:
        messages.error(request, str(error))
        return redirect("runtime-list")
    return redirect("runtime", made.slug)


def _approved() -> list[Version]:
    rows = Version.objects.filter(artifact__kind="release", state=states.APPROVED).select_related("artifact")
    return list(rows.order_by("-sealed_at", "-id")[:CHOICES])
