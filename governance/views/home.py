"""The first page: what waits, what is new, what runs."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from governance.ledger import watch
from governance.ledger.models import Checkpoint, Entry
from governance.people.permissions import may
from governance.registry import states
from governance.registry.models import Artifact, Version
from governance.releases.models import GateReport
from governance.reviews import queues
from governance.views import entries, panels

LISTED = 12
"""Versions that wait for this person and are named; the list of artifacts has them all."""
WARNED = 5
"""Troubles of the ledger that are told here; its own page has them all."""


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    queue = list(queues.waiting(request.user)[:LISTED])
    waiting = queues.waiting(request.user).count()
    watching = watch.glance()
    troubles = watching.troubles()
    return render(
        request,
        "governance/home.html",
        {
            "figures": figures(waiting, watching.backlog.newest),
            "more_waiting": max(0, waiting - len(queue)),
            "waiting": [
                {
                    "subject": version.subject,
                    "title": (version.content or {}).get("title") or version.artifact.title,
                    "kind": version.kind,
                    "submitted_by": ", ".join(version.authors) or version.created_by,
                    "submitted_at": version.sealed_at,
                }
                for version in queue
            ],
            "can_review": may(request.user, "reviews:version:review"),
            "releases": releases(),
            "entries": entries.shown(Entry.objects.order_by("-id")[:10]),
            "panels": panels.for_home(request),
            "health": health(watching.backlog),
            "watch": watching,
            "troubles": troubles[:WARNED],
            "more_troubles": max(0, len(troubles) - WARNED),
        },
    )


def figures(waiting: int, newest: Checkpoint | None) -> list[dict[str, object]]:
    artifacts = reverse("artifact-list")
    composed = Version.objects.filter(artifact__kind="release")
    return [
        {
            "label": "Waiting for you",
            "value": waiting,
            "note": "versions in review",
            "url": reverse("reviews"),
        },
        {
            "label": "Artifacts",
            "value": Artifact.objects.count(),
            "note": "named things with versions",
            "url": artifacts,
        },
        {
            "label": "Releases approved",
            "value": composed.filter(state=states.APPROVED).count(),
            "note": f"of {composed.count()} composed",
            "url": f"{artifacts}?kind=release",
        },
        {
            "label": "Ledger",
            "value": newest.size if newest else 0,
            "note": "entries under a signed checkpoint" if newest else "nothing signed yet",
            "url": reverse("ledger"),
        },
    ]


def health(behind: watch.Backlog) -> dict[str, Any]:
    """How far sequencer and signer are behind, for the panel."""
    return {
        "state": "alert" if behind.late else "pending" if behind.oldest else "ok",
        "label": "Behind" if behind.late else "Signing" if behind.oldest else "All signed",
        "checkpoint": behind.newest,
        "pending": behind.pending,
        "unsigned": behind.unsigned,
        "oldest": behind.oldest,
    }


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
