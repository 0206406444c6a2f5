"""Studies as pages: the list, the start form, one study, and the page on which raters compare."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evals.human import actions, forms, rating, told
from evals.human.actions import MANAGE
from evals.human.plan import groups_of, plan_of
from evals.human.rating import RATE
from evals.models import Study
from evals.models.judgements import CHOICES, REASONS
from governance.evidence.records import Inconsistent
from governance.people.actions import actor_for
from governance.people.models import User
from governance.people.permissions import may, require
from governance.registry.actions import Refused
from governance.registry.blobs import MissingBlob
from governance.registry.kinds.base import ContentError
from governance.registry.models import Version
from governance.views import entries
from governance.views.inputs import Form
from governance.views.once import FIELD, NoKey, Repeated, again, new_key, once
from governance.views.panels import Panel

PAGE = 50
SHOWN = 12
FAILURES = (Refused, MissingBlob, Inconsistent)


@login_required
@require_safe
def study_list(request: HttpRequest) -> HttpResponse:
    page: Page[Study] = Paginator(told.studies(), PAGE).get_page(request.GET.get("page"))
    return render(request, "evals/human_list.html", {"page": page})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def study_new(request: HttpRequest) -> HttpResponse:
    require(request.user, MANAGE)
    form = forms.form_for(request.user)
    if request.method != "POST":
        forms.prefilled(form, request.GET.dict())
        return _form(request, form)
    form.fill(request.POST)
    given = forms.typed(form)
    if not form.is_good:
        return _form(request, form, status=422)
    try:
        with once(_user(request).account, request.POST.get(FIELD, "")) as sent:
            plan = plan_of(request.user, **given)
            study = actions.open_study(plan, actor=actor_for(_user(request)))
            sent.led_to = reverse("human-study", args=[study.pk])
    except Repeated as repeated:
        return again(request, repeated, reverse("human-studies"))
    except ContentError as error:
        form.blame(error.faults)
        return _form(request, form, status=422)
    except (*FAILURES, NoKey) as error:
        form.errors.append(str(error))
        return _form(request, form, status=422)
    except OperationalError:
        form.errors.append("The database is busy. Nothing was recorded; send the form again in a moment.")
        return _form(request, form, status=503)
    messages.success(
        request, "The study is open. Raters find it in this list; its results show once it is closed."
    )
    return redirect("human-study", study.pk)


@login_required
@require_safe
def study_detail(request: HttpRequest, study_id: UUID) -> HttpResponse:
    study, user = _study(study_id), _user(request)
    may_rate = may(user, RATE)
    why_not = rating.obstacle(study, user) if may_rate and study.state == Study.OPEN else None
    context: dict[str, Any] = {
        "study": study,
        "models": told.models(study) if told.knows_the_models(study, user) else None,
        "results": told.results(study, user),
        "may_rate": may_rate and study.state == Study.OPEN and why_not is None,
        "takes_part": study.raters.filter(account=user.account).exists(),
        "why_not": why_not,
        "groups": groups_of(study.pool, study.dimension),
        "reasons": REASONS,
        "entries": entries.of_objects(Study.ledger_type, [study.pk]),
    }
    return render(request, "evals/human_study.html", context)


@login_required
@require_POST
def study_close(request: HttpRequest, study_id: UUID) -> HttpResponse:
    return _ended(request, study_id, actions.close, "The study is closed; here are its results.")


@login_required
@require_POST
def study_cancel(request: HttpRequest, study_id: UUID) -> HttpResponse:
    return _ended(request, study_id, actions.cancel, "The study is cancelled.")


def _ended(request: HttpRequest, study_id: UUID, act: Any, said: str) -> HttpResponse:
    require(request.user, MANAGE)
    study = _study(study_id)
    try:
        act(study, reason=_clean(request.POST.get("reason", "")), actor=actor_for(_user(request)))
        messages.success(request, said)
    except FAILURES as error:
        messages.error(request, str(error))
    return redirect("human-study", study.pk)


@login_required
@require_POST
def study_join(request: HttpRequest, study_id: UUID) -> HttpResponse:
    require(request.user, RATE)
    study, user = _study(study_id), _user(request)
    try:
        rating.join(study, user, _clean(request.POST.get("group", "")))
        rating.take(study, user)
    except FAILURES as error:
        messages.error(request, str(error))
        return redirect("human-study", study.pk)
    return redirect("human-rate", study.pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def rate(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """The pair before the rater. A judgement brings the next one; reading the page again changes nothing."""
    require(request.user, RATE)
    study, user = _study(study_id), _user(request)
    try:
        if request.method == "POST":
            return _judged(request, study, user)
        pair, (done, left) = rating.current(study, user), rating.progress(study, user)
    except FAILURES as error:
        messages.error(request, str(error))
        return redirect("human-study", study.pk)
    choices = [(number, name, label) for number, (name, label) in enumerate(CHOICES.items(), 1)]
    context = {
        "study": study, "pair": pair, "done": done, "left": left, "all": done + left, "choices": choices, "reasons": REASONS,
    }  # fmt: skip
    return render(request, "evals/human_rate.html", context)


def _judged(request: HttpRequest, study: Study, user: User) -> HttpResponse:
    given = {name: _clean(request.POST.get(name, "")) for name in ("token", "choice", "reason")}
    if given["choice"]:
        try:
            rating.judge(study, user, **given)
        except Refused as error:
            messages.warning(request, str(error))
    elif given["token"]:
        messages.warning(request, "Choose one of the five answers.")
    rating.take(study, user)
    return redirect("human-rate", study.pk)


def studies_of(request: HttpRequest, version: Version) -> Panel | None:
    """A model's closed studies with its share of wins; open ones would tell raters what is compared."""
    if version.kind != "model":
        return None
    found, rows = told.closed_with(version.pk)[:SHOWN], []
    for study in (one for one in found if told.may_see_results(one, _user(request))):
        side = "a" if study.model_a_id == version.pk else "b"
        other = study.model_b if side == "a" else study.model_a
        summary = study.activity.summary if study.activity else {}
        rows.append(
            {
                "study": study,
                "other": other.subject,
                "wins": summary["wins"][side],
                "raters": summary["raters"],
            }
        )
    return Panel("evals/panel_version_human.html", {"studies": rows}) if rows else None


def _study(study_id: UUID) -> Study:
    study = told.studies().filter(pk=study_id).first()
    if study is None:
        raise Http404(f"There is no study {study_id}.")
    return study


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 -- for the type checker: doors let nobody in without signing in
    return request.user


def _clean(text: str) -> str:
    return text.replace("\0", "").replace("\r\n", "\n").strip()


def _form(request: HttpRequest, form: Form, status: int = 200) -> HttpResponse:
    key = request.POST.get(FIELD, "") if status != 200 else ""
    return render(request, "evals/human_new.html", {"form": form, "once": key or new_key()}, status=status)
