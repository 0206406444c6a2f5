"""The first page: what waits, what is new, what runs."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from governance.ledger.models import Checkpoint, Entry
from governance.people.permissions import may
from governance.registry.models import Artifact, Version
from governance.releases.models import GateReport
from governance.views import entries, panels, queues


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    waiting = list(queues.waiting(request.user)[:20])
    return render(
        request,
        "governance/home.html",
        {
            "figures": figures(len(waiting)),
            "waiting": [
                {
                    "subject": version.subject,
                    "title": (version.content or {}).get("title") or version.artifact.title,
                    "kind": version.kind,
                    "submitted_by": ", ".join(version.authors) or version.created_by,
                    "submitted_at": version.sealed_at,
                }
                for version in waiting
            ],
            "can_review": may(request.user, "reviews:version:review"),
            "releases": releases(),
            "entries": entries.shown(Entry.objects.order_by("-id")[:10]),
            "panels": panels.for_home(request),
        },
    )


def figures(waiting: int) -> list[dict[str, object]]:
    newest = Checkpoint.objects.order_by("-size").first()
    artifacts = reverse("artifact-list")
    return [
        {"label": "Waiting for you", "value": waiting, "note": "versions in review", "url": ""},
        {
            "label": "Artifacts",
            "value": Artifact.objects.count(),
            "note": "named things with versions",
            "url": artifacts,
        },
        {
            "label": "Releases approved",
            "value": Version.objects.filter(artifact__kind="release", state="approved").count(),
            "note": f"of {Version.objects.filter(artifact__kind='release').count()} composed",
            "url": f"{artifacts}?kind=release",
        },
        {
            "label": "Ledger",
            "value": newest.size if newest else 0,
            "note": "entries under a signed checkpoint" if newest else "nothing signed yet",
            "url": reverse("ledger"),
        },
    ]


def releases() -> list[dict[str, object]]:
    found = list(
        Version.objects.filter(artifact__kind="release")
        .select_related("artifact")
        .order_by("-created_at")[:8]
    )
    verdicts = {
        report.version_id: report.verdict
        for report in GateReport.objects.filter(version__in=found).order_by("ledger_head__id")
    }
    return [
        {
            "subject": version.subject,
            "title": version.artifact.title,
            "state": version.state,
            "verdict": verdicts.get(version.pk),
            "at": version.created_at,
        }
        for version in found
    ]
