"""A contamination search as a page, and what the pages of datasets and suites show of searches."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from evals import contamination
from evals.contamination import CALLED, KIND, Report
from evals.records import Item, StoredItems
from evals.views import activity_or_404
from governance.evidence.records import Inconsistent
from governance.people.permissions import may
from governance.registry import states
from governance.registry.blobs import MissingBlob
from governance.registry.models import Activity, Version
from governance.views import entries
from governance.views.panels import Panel
from training.models import Run
from training.waiting import unfinished

PAGE = 50
SHOWN = 12
LAUNCH = "training:run:launch"


@login_required
@require_safe
def search_detail(request: HttpRequest, search_id: UUID) -> HttpResponse:
    activity = activity_or_404(request, search_id, KIND, called=CALLED)
    run = Run.objects.filter(activity=activity).first()
    dataset, suite = (request.GET.get(name, "").replace("\0", "")[:200] for name in ("dataset", "suite"))
    report, hits, problem = None, None, ""
    try:
        if "report_sha256" in activity.summary:
            report = contamination.report_of(activity)
            hits = hits_of(activity, dataset, suite, request.GET.get("page"))
    except (MissingBlob, Inconsistent) as error:
        problem = str(error)
    return render(
        request,
        "evals/contamination.html",
        {
            "search": activity,
            "at": activity.ended_at or activity.started_at,
            "run_id": run.pk if run else None,
            "report": report,
            "made": [edge["subject"] for edge in activity.produced],
            "hits": hits,
            "problem": problem,
            "dataset": dataset,
            "suite": suite,
            "pairs": _choices(report),
            "entries": entries.of_objects(Activity.ledger_type, [activity.pk]),
        },
    )


def hits_of(activity: Activity, dataset: str, suite: str, number: str | None) -> Page[Item]:
    """A page of the listed hits; an empty dataset or suite means any. Raises MissingBlob, Inconsistent."""
    wanted = {name: value for name, value in (("dataset", dataset), ("suite", suite)) if value}
    keep = (lambda hit: all(hit[name] == value for name, value in wanted.items())) if wanted else None
    return Paginator(StoredItems(activity.summary["hits_sha256"], keep), PAGE).get_page(number)


def _choices(report: Report | None) -> dict[str, list[str]]:
    """Datasets and suites to filter by."""
    searches = report.searches if report else []
    return {
        "datasets": list(dict.fromkeys(one.dataset for one in searches)),
        "suites": list(dict.fromkeys(one.suite for one in searches)),
    }


def searches_of(request: HttpRequest, version: Version) -> Panel | None:
    """Of a dataset or a suite: the newest searches that it was in, and where to ask for one."""
    content = version.content or {}
    if not version.is_sealed or not content.get("files") or version.kind not in ("dataset", "eval-suite"):
        return None
    rows: list[dict[str, Any]] = [
        {"id": activity.pk, "at": activity.ended_at, "rule": activity.summary["rule"]["name"], **one}
        for activity in contamination.of_version(version)[:SHOWN]
        for one in contamination.pairs_with(activity, version)
    ]
    waiting = unfinished(KIND, version)
    role = contamination.SEARCHED if version.kind == "dataset" else contamination.EVALUATIONS
    begins = version.state in states.USABLE and may(request.user, LAUNCH)
    address = f"{reverse('run-new')}?{urlencode({'stage': KIND, role: version.subject})}"
    context = {
        "version": version,
        "searches": rows[:SHOWN],
        "waiting": waiting and waiting.pk,
        "address": address if begins else "",
    }
    return Panel("evals/panel_version_contamination.html", context)
