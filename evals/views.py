"""Evaluations as pages: one with its items, and two of them compared."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from evals import countersigning, pictures, records, uses
from evals.compare import NotLikeForLike
from evals.comparison import compare_evaluations
from evals.items import ASKABLE, items_of
from evals.records import KIND, Item
from evals.sampled_items import Shortened
from evals.stage import EVALUATED_ON
from governance.evidence.records import Inconsistent
from governance.people.permissions import may
from governance.registry.access import require_read
from governance.registry.actions import Refused
from governance.registry.blobs import MissingBlob
from governance.registry.models import Activity, Version
from governance.registry.recording import API, IMPORT, RECORDED_BY
from governance.views import entries
from governance.views.once import new_key
from training.models import Run

PAGE = 50
COMPARABLE = 50
SHOWN_DISCORDANT = 100
ONLY = tuple(zip(ASKABLE, ("Wrong", "Refused", "Changed from…"), strict=True))
SCALES = tuple(Decimal(text) for text in ("0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"))
SETTINGS = {
    "recorded_by": "Recorded", "format": "Format", "files": "Files",
    "source": "Source", "note": "Note",
    "harness": "Harness", "endpoint": "Endpoint", "seed": "Seed", "limit": "Limit on items", "params": "Parameters", "job": "Job",
    "chat_template_sha256": "Chat template (SHA-256)", "items_sha256": "Items (SHA-256)", "results_sha256": "Results (SHA-256)",
    "environment_sha256": "Environment (SHA-256)", "spec_digest": "Digest of the specification",
}  # fmt: skip
"""Field of an evaluation's summary → its label."""
ORIGINS = {
    API: "over the API from what was published, not measured here",
    IMPORT: "from the files of another harness, not measured here",
}
"""What `recorded_by` says → in words."""

Summary = Mapping[str, Any]


def activity_or_404(request: HttpRequest, key: UUID, kind: str, *, called: str = "") -> Activity:
    """The activity of that kind with that id, or that a run with that id carried out. Raises Http404, and PermissionDenied
    where what it used is restricted: its files quote that."""
    activity = Activity.objects.filter(Q(pk=key) | Q(runs__pk=key), kind=kind).first()
    if activity is None:
        raise Http404(f"There is no {called or kind} {key}.")
    for version in Version.objects.filter(usages__activity=activity).select_related("artifact"):
        require_read(request.user, version)
    return activity


def evaluation_or_404(request: HttpRequest, key: object) -> Activity:
    """The evaluation with that id, or of the run with that id. Raises Http404, PermissionDenied."""
    try:
        wanted = UUID(str(key))
    except ValueError as error:
        raise Http404("An evaluation is named by its id; a comparison by two of them, a and b.") from error
    return activity_or_404(request, wanted, KIND)


@login_required
@require_safe
def evaluation_detail(request: HttpRequest, evaluation_id: UUID) -> HttpResponse:
    activity = evaluation_or_404(request, evaluation_id)
    summary, run = activity.summary, Run.objects.filter(activity=activity).first()
    task, only = (request.GET.get(name, "").replace("\0", "")[:80] for name in ("task", "only"))
    items, problem = _items(request, activity, task, only)
    return render(
        request,
        "evals/evaluation_detail.html",
        {
            "evaluation": {
                "id": activity.pk,
                "state": activity.state,
                "at": activity.ended_at or activity.started_at,
                "run_id": run.pk if run else None,
                "n": summary.get("items_rows"),
                "settings_rows": settings_rows(summary),
            },
            "model": records.model_of(activity),
            "suite": records.suite_of(activity),
            "suite_status": uses.status_behind(activity),
            "results": summary.get("results", []),
            "comparable": comparable(activity),
            "may_countersign": may(request.user, countersigning.ACTION) and activity.state == Activity.ENDED,
            "once": new_key(),
            "countersigned": [countersigning.told(one) for one in countersigning.of(activity)[:PAGE]],
            "items": items,
            "items_problem": problem,
            "task": task,
            "only": only,
            "only_choices": ONLY,
            "against": request.GET.get("against", ""),
            "entries": entries.of_objects(Activity.ledger_type, [activity.pk]),
        },
    )


def _items(request: HttpRequest, activity: Activity, task: str, only: str) -> tuple[Page[Item] | None, str]:
    """The page of items that were asked for, or why there is none. Raises Http404, PermissionDenied."""
    named = request.GET.get("against") if only == "changed" else None
    against = evaluation_or_404(request, named) if named else None
    try:
        known = {result["task"] for result in activity.summary.get("results", [])}
        found = items_of(activity, task if task in known else "", only, against)
        if found is None:
            return None, ""
        return Paginator(Shortened(found), PAGE).get_page(request.GET.get("page")), ""
    except (MissingBlob, Inconsistent, Refused) as error:
        return None, str(error)


def settings_rows(summary: Summary) -> list[tuple[str, str]]:
    """How it was measured, as (label, text); of what was not recorded only what imported files might have told."""
    told = {**summary, RECORDED_BY: ORIGINS.get(str(summary.get(RECORDED_BY)))}
    known = [(label, _plain(told[name])) for name, label in SETTINGS.items() if told.get(name) is not None]
    gaps = summary.get("not_recorded", [])
    return known + [
        (SETTINGS.get(name, name.replace("_", " ").capitalize()), "not recorded") for name in gaps
    ]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(
            f"{name} {_plain(inner)}" for name, inner in sorted(value.items()) if inner is not None
        )
    if isinstance(value, list):
        return "; ".join(map(_plain, value))
    return str(value)


def comparable(activity: Activity) -> list[dict[str, Any]]:
    """Other ended evaluations with the same suite, newest first."""
    suite = Version.objects.filter(usages__activity=activity, usages__role=EVALUATED_ON).first()
    if suite is None or activity.state != Activity.ENDED:
        return []
    found = records.on_suite(suite).filter(state=Activity.ENDED).exclude(pk=activity.pk)
    return [
        {"id": other.pk, "model": records.model_of(other), "at": other.ended_at}
        for other in found[:COMPARABLE]
    ]


@login_required
@require_safe
def comparison(request: HttpRequest) -> HttpResponse:
    a, b = (evaluation_or_404(request, request.GET.get(name, "")) for name in "ab")
    context: dict[str, Any] = {
        "a": _side(a),
        "b": _side(b),
        "suite": records.suite_of(a),
        "suite_status": uses.status_behind(a),
        "comparison": None,
        "error": "",
    }
    try:
        tasks, record = [], compare_evaluations(a, b).record()
    except (NotLikeForLike, Refused, MissingBlob, Inconsistent) as error:
        return render(request, "evals/comparison.html", {**context, "error": str(error)}, status=409)
    for task in record["tasks"]:
        discordant = task["discordant"]
        tasks.append(
            {**task, "discordant_count": len(discordant), "discordant": discordant[:SHOWN_DISCORDANT]}
        )
    end = scale(tasks)
    context |= {
        "comparison": {**record, "tasks": tasks},
        "scale": end,
        "forest": pictures.forest(tasks, end, (context["a"]["model"], context["b"]["model"])),
    }
    return render(request, "evals/comparison.html", context)


def _side(activity: Activity) -> dict[str, Any]:
    return {"model": records.model_of(activity), "evaluation_id": activity.pk, "at": activity.ended_at}


def scale(tasks: Sequence[Mapping[str, Any]]) -> Decimal:
    """Where the difference axis ends: the largest bound of any interval, rounded up to a round number."""
    largest = max(
        (abs(Decimal(task[name])) for task in tasks for name in ("ci_low", "ci_high")), default=SCALES[0]
    )
    return next((step for step in SCALES if step >= largest), SCALES[-1])
