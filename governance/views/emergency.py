"""Break glass as pages: acting at a runtime, the list, and a second person's review."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.releases import emergency as actions
from governance.releases.models import Emergency
from governance.views import entries
from governance.views.reading import version_or_404
from governance.views.serving import PAGE, REFUSALS, runtime_or_404, text_of

ROWS = Emergency.objects.select_related("runtime", "to__artifact")


@login_required
@require_safe
def emergency_list(request: HttpRequest) -> HttpResponse:
    page = Paginator(ROWS.all(), PAGE).get_page(request.GET.get("page"))
    return render(request, "governance/emergency_list.html", {"page": page})


@login_required
@require_safe
def emergency_detail(request: HttpRequest, emergency_id: UUID) -> HttpResponse:
    one = _found(emergency_id)
    reviews = may(request.user, "releases:emergency:review") and one.state == Emergency.OPEN
    return render(
        request,
        "governance/emergency_detail.html",
        {
            "emergency": one,
            "reviews": reviews,
            "why_not": actions.why_no_review(one, actor_for(request.user)) if reviews else None,
            "entries": entries.of_objects(Emergency.ledger_type, [one.pk]),
        },
    )


@login_required
@require_POST
def emergency_act(request: HttpRequest, slug: str) -> HttpResponse:
    require(request.user, "releases:emergency:act")
    runtime, reason = runtime_or_404(slug), text_of(request, "reason")
    try:
        if request.POST.get("kind") == Emergency.ROLLBACK:
            to = version_or_404(request, text_of(request, "to"))
            made = actions.rollback(runtime, to, reason=reason, actor=actor_for(request.user))
        else:
            made = actions.withdraw(runtime, reason=reason, actor=actor_for(request.user))
    except REFUSALS as error:
        messages.error(request, str(error))
        return redirect("runtime", runtime.slug)
    messages.success(request, "It is done. A second person must review it.")
    return redirect("emergency", made.pk)


@login_required
@require_POST
def emergency_review(request: HttpRequest, emergency_id: UUID) -> HttpResponse:
    require(request.user, "releases:emergency:review")
    one = _found(emergency_id)
    given = {name: text_of(request, name) for name in ("outcome", "note")}
    try:
        actions.review(one, **given, actor=actor_for(request.user))
    except REFUSALS as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Your review is recorded.")
    return redirect("emergency", one.pk)


def _found(emergency_id: UUID) -> Emergency:
    one = ROWS.filter(pk=emergency_id).first()
    if one is None:
        raise Http404(f"There is no emergency {emergency_id}.")
    return one
