"""Start a run in the browser: choose a stage, fill its form or bring a spec file, review the frozen spec, queue it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from governance.ledger.canonical import CanonicalError
from governance.people.actions import actor_for
from governance.people.permissions import require
from governance.registry.actions import Refused
from governance.views.inputs import LONG, Form, Group, Input
from governance.views.once import FIELD, NoKey, Repeated, again, new_key, once
from governance.views.uploading import takes_files
from training import actions, launching, stages
from training.methods import BadParams
from training.models import Run
from training.resolve import SpecRefused
from training.spec import MAX_SPEC_CHARACTERS, RunSpec, SpecDraft, SpecError, load_spec
from training.stages import StageKind

LAUNCH = "training:run:launch"
SPEC, FILE = "spec_text", "spec_file"


@takes_files
@require_http_methods(["GET", "HEAD", "POST"])
def run_new(request: HttpRequest) -> HttpResponse:
    require(request.user, LAUNCH)
    if request.method != "POST":
        return _like(request) if "like" in request.GET else _opened(request)
    action = request.POST.get("action", "")
    if action in ("queue", "change"):
        return _decided(request, change=action == "change")
    if action == "spec":
        return _from_file(request)
    stage = stage_or_404(request.POST.get("stage", ""))
    form = launching.form_for(
        stage, request.user, places=launching.places_in(request.POST) + (action == "more")
    )
    form.fill(request.POST)
    if action == "more":
        for one in form.inputs:
            one.errors.clear()
        return _form(request, stage, form)
    draft = launching.draft_of(stage, form)
    return _reviewed(request, stage, form, draft) if draft else _form(request, stage, form, status=422)


def stage_or_404(name: str) -> StageKind:
    try:
        return stages.get(name)
    except stages.UnknownStage as error:
        raise Http404(str(error)) from error


def _opened(request: HttpRequest, form: Form | None = None, status: int = 200) -> HttpResponse:
    """The stages to choose from, or the form of the one that the address names, with its roles filled from the address."""
    if name := request.GET.get("stage", ""):
        stage = stage_or_404(name)
        filled = launching.form_for(stage, request.user)
        launching.show(
            filled,
            {"inputs": {role: request.GET.getlist(role)[:1] for role in stage.roles if role in request.GET}},
        )
        return _form(request, stage, filled)
    kinds = [
        {
            "address": _address(stage, request),
            "title": stage.title,
            "purpose": launching.purpose(stage),
            "takes": [
                (role.replace("_", " "), " or ".join(spec.kinds))
                for role, spec in stage.roles.items()
                if spec.required
            ],
        }
        for stage in stages.known()
    ]
    return render(
        request, "training/launch.html", {"stages": kinds, "form": form or spec_form()}, status=status
    )


def _address(stage: StageKind, request: HttpRequest) -> str:
    """Where the stage's form is, with what the address of this page names in one of its roles."""
    named = {role: request.GET[role] for role in stage.roles if role in request.GET}
    return f"{reverse('run-new')}?{urlencode({'stage': stage.name, **named})}"


def spec_form(text: str = "") -> Form:
    help = "YAML or JSON with stage, inputs, params, seed, output: what manage.py launch reads."
    return Form(Group("", [Input(SPEC, "Spec", LONG, help, value=text)]))


def _like(request: HttpRequest) -> HttpResponse:
    """The form, filled with what an earlier run was asked for."""
    try:
        run = Run.objects.filter(pk=UUID(request.GET["like"])).first()
    except ValueError:
        run = None
    if run is None:
        raise Http404("There is no such run to start another one like.")
    stage = stage_or_404(run.stage)
    form = launching.form_for(stage, request.user, places=launching.places_of(run.spec))
    launching.show(form, run.spec)
    return _form(request, stage, form)


def _from_file(request: HttpRequest) -> HttpResponse:
    """A spec that was pasted or uploaded: to its review, or to the form with what is wrong in it."""
    form = spec_form()
    form.fill(request.POST)
    if not form.is_good:
        return _opened(request, form, status=422)
    try:
        draft = load_spec(_text(request, form))
        stage = stages.get(draft.stage)
    except SpecError as error:
        form[SPEC].errors += error.complaints
    except stages.UnknownStage as error:
        form[SPEC].errors.append(f"stage: {error}")
    else:
        plain = draft.model_dump(mode="json")
        filled = launching.form_for(stage, request.user, places=launching.places_of(plain))
        launching.show(filled, plain)
        return _reviewed(request, stage, filled, draft)
    return _opened(request, form, status=422)


def _text(request: HttpRequest, form: Form) -> str:
    """The spec's text, pasted or from a file. Raises SpecError."""
    if form[SPEC].value:
        return form[SPEC].value
    file = request.FILES.get(FILE)
    if file is None:
        raise SpecError(["Paste a spec, or choose a file."])
    try:
        text = str(file.read(4 * MAX_SPEC_CHARACTERS).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise SpecError([f"{file.name} is not UTF-8 (byte {error.start})."]) from error
    form[SPEC].value = text.replace("\0", "")
    return text


def _form(request: HttpRequest, stage: StageKind, form: Form, status: int = 200) -> HttpResponse:
    context = {
        "stage": stage,
        "purpose": launching.purpose(stage),
        "form": form,
        "may_need_more": any(spec.many for spec in stage.roles.values()),
    }
    return render(request, "training/launch_form.html", context, status=status)


def _reviewed(request: HttpRequest, stage: StageKind, form: Form, draft: SpecDraft) -> HttpResponse:
    spec = launching.frozen(form, draft, request.user)
    if spec is None:
        return _form(request, stage, form, status=422)
    return _review(request, stage, draft, spec)


def _review(
    request: HttpRequest, stage: StageKind, draft: SpecDraft, spec: RunSpec, status: int = 200
) -> HttpResponse:
    context = {
        "stage": stage,
        "spec": spec,
        "inputs": [
            {"role": role.replace("_", " "), "subject": pin.subject, "digest": pin.digest}
            for role, pins in spec.inputs.items()
            for pin in pins
        ],
        "params": [(name, value, name in draft.params) for name, value in spec.params.items()],
        "carried": launching.carried(draft, spec),
        "once": new_key(),
    }
    return render(request, "training/launch_review.html", context, status=status)


def _decided(request: HttpRequest, *, change: bool) -> HttpResponse:
    """From the review: back to the form, or into the queue."""
    try:
        draft = launching.carried_back(request.POST.get("spec", ""))
        stage = stages.get(draft.stage)
    except (CanonicalError, BadParams, stages.UnknownStage) as error:
        messages.error(request, f"The spec did not come back as it was shown: {error}")
        return redirect("run-new")
    plain: Mapping[str, Any] = draft.model_dump(mode="json")
    form = launching.form_for(stage, request.user, places=launching.places_of(plain))
    launching.show(form, plain)
    return _form(request, stage, form) if change else _queued(request, stage, form, draft)


def _queued(request: HttpRequest, stage: StageKind, form: Form, draft: SpecDraft) -> HttpResponse:
    spec = launching.frozen(form, draft, request.user)
    if spec is None:
        return _form(request, stage, form, status=422)
    if spec.digest != request.POST.get("digest", ""):
        messages.warning(request, "The spec is not the one that was shown. This is what would run now.")
        return _review(request, stage, draft, spec, status=409)
    account = request.user.account  # type: ignore[union-attr]
    try:
        with once(account, request.POST.get(FIELD, "")) as sent:
            run = actions.queue(draft, actor=actor_for(request.user))
            sent.led_to = reverse("run", args=[run.pk])
    except Repeated as repeated:
        return again(request, repeated, reverse("run-list"))
    except (SpecRefused, Refused, NoKey) as error:
        form.errors.append(str(error))
        return _form(request, stage, form, status=422)
    messages.success(request, "The run is queued. This page follows it by itself.")
    return redirect("run", run.pk)
