"""Canaries on pages: those of a runtime, those that need somebody, and the form that closes an alarm."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from evals import canaries, canaries_told
from governance.ledger.append import Stale
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.lookup import NotFound
from governance.releases.models import Runtime
from governance.views.panels import Panel

PAGE = 10


def of_runtime(request: HttpRequest, runtime: Runtime) -> Panel:
    """Which suites are asked here again and again, and what came of it."""
    rows = canaries_told.listed(runtime=runtime)
    page = Paginator(rows, PAGE).get_page(request.GET.get("canaries"))
    shown = [
        {
            "canary": one,
            "how": canaries_told.word(one, one.open_alarms),  # type: ignore[attr-defined]
            "sentence": canaries_told.sentence(one, one.open_alarms),  # type: ignore[attr-defined]
            "e": canaries_told.e_value(one),
            "due_at": one.due_at if canaries_told.is_asked(one) else None,
            "alarms": one.open_alarms,  # type: ignore[attr-defined]
        }
        for one in page
    ]
    context = {
        "runtime": runtime,
        "rows": shown,
        "page": page,
        "can_close": may(request.user, canaries.CLOSE),
    }
    return Panel("evals/panel_runtime_canaries.html", context)


def trouble(_: HttpRequest) -> Panel | None:
    """On the first page, for everybody: canaries with an open alarm, and those that do not answer."""
    found = canaries_told.needing()
    return Panel("evals/panel_home_canaries.html", {"found": found}) if found else None


@login_required
@require_POST
def close(request: HttpRequest, alarm_id: UUID) -> HttpResponse:
    require(request.user, canaries.CLOSE)
    try:
        alarm = canaries.find_alarm(alarm_id)
    except NotFound as error:
        raise Http404(str(error)) from error
    reason = request.POST.get("reason", "").replace("\0", "").replace("\r\n", "\n")
    try:
        canaries.close(alarm, reason=reason, actor=actor_for(request.user))
    except (Refused, ContentError, Stale) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The alarm is closed; the next evaluation is the new reference.")
    return redirect("runtime", alarm.canary.runtime.slug)
