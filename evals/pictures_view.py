"""The evaluations of a model artifact over its versions, as a page."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from evals import pictures_audit, pictures_curve, pictures_history
from evals.curves import curves
from evals.pictures_records import history_of
from governance.registry import kinds, lookup
from governance.registry.models import Artifact


def model_or_404(name: str) -> Artifact:
    try:
        artifact = lookup.find_artifact(name)
    except (lookup.NotFound, lookup.Ambiguous, kinds.UnknownKind) as error:
        raise Http404(str(error)) from error
    if artifact.kind != "model":
        raise Http404(f"{artifact.name} is no model: only models are evaluated.")
    return artifact


@login_required
@require_safe
def history(request: HttpRequest, name: str) -> HttpResponse:
    artifact = model_or_404(name)
    found = history_of(artifact, request.user)
    choices = pictures_history.choices(found.evaluations)
    asked = request.GET.get("task", "")
    choice = asked if asked in choices else next(iter(choices), "")
    scores = pictures_history.scores(found.evaluations, choice)
    audits = pictures_audit.audits(found.evaluations)
    drawn = curves(found.evaluations, choice) if choice else []
    wanted = request.GET.get("curve", "")
    curve = next((one for one in drawn if one.name == wanted), drawn[0] if drawn else None)
    slopes, problem = curve.told() if curve else ((), "")
    return render(
        request,
        "evals/history.html",
        {
            "artifact": artifact,
            "withheld": found.withheld,
            "more": found.more,
            "choices": choices,
            "choice": choice,
            "scores": scores,
            "score_picture": pictures_history.picture(scores) if scores else None,
            "curves": drawn,
            "curve": curve,
            "slopes": slopes,
            "curve_problem": problem,
            "budget_picture": pictures_curve.over_budget(curve) if curve else None,
            "k_picture": pictures_curve.over_k(curve) if curve else None,
            "audits": audits,
            "audit_picture": pictures_audit.picture(audits) if audits else None,
        },
    )
