"""The page that says what answered where at a moment, its bundle, and the closing of alarms."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from governance.ledger.append import timestamp
from governance.ledger.keys import KeyUnavailable
from governance.ledger.models import Checkpoint
from governance.ledger.settle import NotSettled
from governance.people.actions import actor_for
from governance.people.permissions import require
from governance.registry import lookup
from governance.registry.kinds.base import ContentError
from governance.releases import drift, manifest, resolve, resolve_identity, resolve_proof, serving_found
from governance.releases.models import DriftAlarm, Runtime
from governance.views.serving import REFUSALS, text_of

MOST = 500
"""Runtimes that the form offers."""


@login_required
@require_safe
def identity(request: HttpRequest) -> HttpResponse:
    """What answered at a runtime at a moment; which release a hash is."""
    context: dict[str, Any] = {
        "runtimes": Runtime.objects.all()[:MOST],
        "chosen": request.GET.get("deployment", ""),
        "at": request.GET.get("at", ""),
        "hash": request.GET.get("hash", ""),
    }
    try:
        if context["chosen"]:
            context |= _answer(request, context["chosen"], context["at"])
        if context["hash"]:
            known = manifest.hash_from(context["hash"])
            context["match"] = resolve_identity.by_hash(known, request.user).record()
    except (ContentError, lookup.NotFound) as error:
        messages.error(request, str(error))
        return render(request, "governance/identity.html", context, status=400)
    return render(request, "governance/identity.html", context)


@login_required
@require_safe
def identity_bundle(request: HttpRequest) -> HttpResponse:
    """The same answer as a signed zip that anybody can check offline."""
    try:
        runtime, moment = _asked(request.GET.get("deployment", ""), request.GET.get("at", ""))
        data = resolve_proof.bundle(runtime, moment, resolve.served_at(runtime, moment, request.user))
    except (ContentError, lookup.NotFound, resolve_proof.NotSigned) as error:
        raise Http404(str(error)) from error
    except (KeyUnavailable, NotSettled) as error:
        return HttpResponse(f"{error}\n", status=503, content_type="text/plain; charset=utf-8")
    response = HttpResponse(data, content_type="application/zip")
    name = f"{runtime.slug}-{timestamp(moment).replace(':', '')}.zip"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


@login_required
@require_POST
def drift_close(request: HttpRequest, alarm_id: UUID) -> HttpResponse:
    require(request.user, "releases:drift:close")
    alarm = DriftAlarm.objects.select_related("runtime").filter(pk=alarm_id).first()
    if alarm is None:
        raise Http404(f"There is no alarm {alarm_id}.")
    try:
        drift.close(alarm, reason=text_of(request, "reason"), actor=actor_for(request.user))
    except REFUSALS as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The alarm is closed.")
    return redirect("runtime", alarm.runtime.slug)


def _asked(slug: str, at: str) -> tuple[Runtime, datetime]:
    return serving_found.runtime(slug), resolve.moment_of(at)


def _answer(request: HttpRequest, slug: str, at: str) -> dict[str, Any]:
    runtime, moment = _asked(slug, at)
    served = resolve.served_at(runtime, moment, request.user)
    newest = Checkpoint.objects.order_by("-size").first()
    return {
        "runtime": runtime,
        "moment": moment,
        "moment_text": timestamp(moment),
        "told": resolve.told(runtime, moment, served),
        "served": [{"one": one, **one.named(), "parts": _rows(one.parts)} for one in served],
        "checkpoint": newest,
    }


def _rows(parts: dict[str, Any] | None) -> list[tuple[str, str]]:
    return [
        (name.replace("_", " "), _text(value)) for name, value in (parts or {}).items() if name != "schema"
    ]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_text(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value).replace("_", " ")
