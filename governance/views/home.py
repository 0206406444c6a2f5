"""The first page: what waits, what is new, what runs."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from governance.ledger.models import Checkpoint, Entry, Head
from governance.people.permissions import may
from governance.registry import states
from governance.registry.models import Artifact, Version
from governance.releases.models import GateReport
from governance.reviews import queues
from governance.views import entries, panels

LISTED = 12
"""Versions that wait for this person and are named; the list of artifacts has them all."""
LATE_SECONDS = 60
"""After which an entry should long be signed: sequencer and signer take a second."""


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    queue = list(queues.waiting(request.user)[:LISTED])
    waiting = queues.waiting(request.user).count()
    return render(
        request,
        "governance/home.html",
        {
            "figures": figures(waiting),
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
            "health": health(),
        },
    )


def figures(waiting: int) -> list[dict[str, object]]:
    artifacts = reverse("artifact-list")
    composed = Version.objects.filter(artifact__kind="release")
    newest = Checkpoint.objects.order_by("-size").first()
    return [
        {
            "label": "Waiting for you",
            "value": waiting,
            "note": "versions in review",
            "url": f"{artifacts}?waiting=1",
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


def health() -> dict[str, Any]:
    """How far sequencer and signer are behind: entries without a place, entries without a signature, and since when."""
    newest = Checkpoint.objects.order_by("-size").first()
    placed = Head.objects.values_list("size", flat=True).first() or 0
    pending = Entry.objects.filter(leaf_index__isnull=True)
    waiting = pending.count()
    signed = newest.size if newest else 0
    oldest = (pending if waiting else Entry.objects.filter(leaf_index__gte=signed)).order_by("id").first()
    late = oldest is not None and (timezone.now() - oldest.at).total_seconds() > LATE_SECONDS
    return {
        "state": "alert" if late else "pending" if oldest else "ok",
        "label": "Behind" if late else "Signing" if oldest else "All signed",
        "checkpoint": newest,
        "pending": waiting,
        "unsigned": max(0, placed - signed),
        "oldest": oldest.at if oldest else None,
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
