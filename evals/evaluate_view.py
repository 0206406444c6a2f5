"""Evaluate a model in the browser: the model, a suite, and at most a few settings."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from evals.stage import EVALUATED, EVALUATED_ON, STAGE
from governance.people.actions import actor_for
from governance.people.permissions import require
from governance.registry import states
from governance.registry.access import may_read
from governance.registry.actions import Refused
from governance.registry.models import Version
from governance.views import suggestions
from governance.views.inputs import Form
from governance.views.once import FIELD, NoKey, Repeated, again, new_key, once
from training import actions, launching
from training.resolve import SpecRefused

LAUNCH = "training:run:launch"
MODEL, SUITE = f"inputs.{EVALUATED}.0", f"inputs.{EVALUATED_ON}.0"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def evaluate(request: HttpRequest) -> HttpResponse:
    require(request.user, LAUNCH)
    form = form_for(request)
    if request.method != "POST":
        form[MODEL].value = request.GET.get("model", "").replace("\0", "")[:200]
        return _page(request, form)
    form.fill(request.POST)
    draft = launching.draft_of(STAGE, form)
    if draft is None or launching.frozen(form, draft, request.user) is None:
        return _page(request, form, status=422)
    account = request.user.account  # type: ignore[union-attr]
    try:
        with once(account, request.POST.get(FIELD, "")) as sent:
            run = actions.queue(draft, actor=actor_for(request.user))
            sent.led_to = reverse("run", args=[run.pk])
    except Repeated as repeated:
        return again(request, repeated, reverse("run-list"))
    except (SpecRefused, Refused, NoKey) as error:
        form.errors.append(str(error))
        return _page(request, form, status=422)
    messages.success(request, "The evaluation is queued. Its results are linked here once it has ended.")
    return redirect("run", run.pk)


def form_for(request: HttpRequest) -> Form:
    """The stage's form in the words of somebody who evaluates."""
    form = launching.form_for(STAGE, request.user)
    form[MODEL].label, form[SUITE].label = "Model", "Suite"
    form[MODEL].help, form[SUITE].help = "What is asked.", "What it is asked, and how answers are scored."
    return form


def suites(user: object) -> list[dict[str, Any]]:
    """The newest usable suites with their tasks."""
    found = Version.objects.filter(artifact__kind="eval-suite", state__in=states.USABLE).select_related(
        "artifact"
    )
    return [
        {
            "subject": one.subject,
            "state": one.state,
            "title": one.artifact.title,
            "tasks": [task["name"] for task in (one.content or {}).get("tasks", [])],
        }
        for one in found.order_by("-created_at")[: suggestions.MOST]
        if may_read(user, one)
    ]


def _page(request: HttpRequest, form: Form, status: int = 200) -> HttpResponse:
    context = {"form": form, "suites": suites(request.user), "once": new_key()}
    if status != 200:
        context["once"] = request.POST.get(FIELD, "") or new_key()
    return render(request, "evals/evaluate.html", context, status=status)
