"""Import an evaluation in the browser: the files, the model, and the suite that was asked."""

import tempfile
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from evals.importing.actions import MODEL, SUITE, Brought, import_evaluation, require_new_suite
from evals.importing.formats import FORMATS
from evals.importing.suites import NewSuite, margin_of
from evals.records import named
from governance.ledger.canonical import CanonicalError
from governance.people.actions import actor_for
from governance.people.permissions import require
from governance.registry.actions import Refused
from governance.registry.blobs import MissingBlob
from governance.registry.importers import BadFile
from governance.registry.kinds import UnknownKind
from governance.registry.kinds.base import ContentError
from governance.registry.lookup import Ambiguous, NotFound
from governance.registry.models import Version
from governance.registry.uploads import stored
from governance.views import suggestions
from governance.views.inputs import CHOICE, VERSION, Form, Group, Input
from governance.views.once import FIELD, NoKey, Repeated, again, new_key, once
from governance.views.uploading import takes_files

RECORD = "registry:activity:record"
BY_NAME = "by the files' names and fields"
REFUSALS = (Refused, BadFile, ContentError, CanonicalError, MissingBlob, NoKey)
FILES = {
    "files": "Files",
    "accept": ".json,.jsonl,.eval,.csv",
    "many": True,
    "files_needed": True,
    "document": "",
}


@takes_files
@require_http_methods(["GET", "HEAD", "POST"])
def import_evaluation_page(request: HttpRequest) -> HttpResponse:
    require(request.user, RECORD)
    form = form_for(request)
    if request.method != "POST":
        form["model"].value = request.GET.get("model", "").replace("\0", "")[:200]
        return _page(request, form)
    form.fill(request.POST)
    model, suite = _model(request, form), _suite(request, form)
    if model is None or suite is None or not form.is_good:
        return _page(request, form, status=422)
    account = request.user.account  # type: ignore[union-attr]
    try:
        with once(account, request.POST.get(FIELD, "")) as sent:
            found = _brought(request, form, model, suite)
            sent.led_to = reverse("evaluation", args=[found.activity.pk])
    except Repeated as repeated:
        return again(request, repeated, reverse("run-list"))
    except REFUSALS as error:
        form.errors.append(str(error))
        return _page(request, form, status=422)
    except OperationalError:
        form.errors.append("The database is busy. Nothing was recorded; send the form again in a moment.")
        return _page(request, form, status=503)
    if found.again:
        messages.info(request, "These files were imported before; nothing was changed.")
    else:
        messages.success(request, "The evaluation is imported.")
    return redirect("evaluation", found.activity.pk)


def _brought(request: HttpRequest, form: Form, model: Version, suite: Version | NewSuite) -> Brought:
    with tempfile.TemporaryDirectory(prefix="charter-upload-") as folder:
        given = [file for file in request.FILES.getlist("file") if file.name]
        if len({file.name for file in given}) < len(given):
            raise BadFile("Two of the files have the same name.")
        return import_evaluation(
            [stored(file, Path(folder)) for file in given],
            model,
            suite,
            format=form["format"].value or None,
            filter=form["filter"].value or None,
            actor=actor_for(request.user),
        )


def form_for(request: HttpRequest) -> Form:
    model = Input("model", "Model", VERSION, "What was measured.", required=True)
    suite = Input("suite", "Suite", VERSION, "What it was measured with.")
    model.choices = suggestions.versions([MODEL], request.user)
    suite.choices = suggestions.versions([SUITE], request.user)
    formats = Input("format", "Format", CHOICE, "Which program wrote the files.")
    formats.choices = [("", BY_NAME), *((name, name) for name in FORMATS)]
    filter = Input("filter", "Filter", help="Which filter or scorer counts, where a task has several.")
    new = [
        Input("new_suite", "Name", help="Instead of a suite that there is."),
        Input(
            "margin", "Margin", help="Of every task, fixed before anything is compared: a share such as 0.02."
        ),
        Input("metric", "Metric", help="Where the files have several."),
    ]
    return Form(
        Group("", [model, suite, formats, filter]),
        Group("A new suite from the files", new, required=False, folded=True),
    )


def _model(request: HttpRequest, form: Form) -> Version | None:
    """The model; None once the complaint stands at its field."""
    return _named(request, form["model"], MODEL) if form["model"].value else None


def _suite(request: HttpRequest, form: Form) -> Version | NewSuite | None:
    """The suite, or what makes a new one; None once the complaint stands at its field."""
    slug = form["new_suite"].value
    if bool(form["suite"].value) == bool(slug):
        form["suite"].errors.append("Name a suite, or a new one below, and not both.")
        return None
    if not slug:
        return _named(request, form["suite"], SUITE)
    require_new_suite(request.user)
    try:
        return NewSuite(slug, margin_of(form["margin"].value), form["metric"].value or None)
    except Refused as error:
        form["margin"].errors.append(str(error))
        return None


def _named(request: HttpRequest, input: Input, kind: str) -> Version | None:
    try:
        return named(request.user, kind, input.value)
    except (NotFound, Ambiguous, UnknownKind, Refused) as error:
        input.errors.append(str(error))
        return None


def _page(request: HttpRequest, form: Form, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "way": FILES, "status": status, "once": new_key()}
    if status != 200:
        context["once"] = request.POST.get(FIELD, "") or new_key()
    return render(request, "evals/import_evaluation.html", context, status=status)
