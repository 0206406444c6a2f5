"""Countersignatures in the browser: the form on an evaluation's page, for administrators."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from evals import countersigning
from evals.countersigned import BadStatement
from evals.views import evaluation_or_404
from governance.people.actions import actor_for
from governance.people.permissions import require
from governance.registry.actions import Refused
from governance.views.once import FIELD, NoKey, Repeated, once


@login_required
@require_POST
def countersign(request: HttpRequest, evaluation_id: UUID) -> HttpResponseRedirect:
    require(request.user, countersigning.ACTION)
    evaluation = evaluation_or_404(request, evaluation_id)
    envelope, key = (request.POST.get(name, "").strip() for name in ("envelope", "key"))
    try:
        with once(request.user.account, request.POST.get(FIELD, "")):  # type: ignore[union-attr]
            countersigning.record(evaluation, envelope.encode(), key, actor=actor_for(request.user))
    except Repeated:
        messages.info(request, "This form was sent before; nothing was done twice.")
    except (Refused, BadStatement, NoKey) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The countersignature is verified and recorded.")
    return redirect("evaluation", evaluation.pk)
