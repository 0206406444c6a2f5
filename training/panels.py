"""What training shows on governance's pages."""

from django.db.models import Case, When
from django.http import HttpRequest

from governance.registry.models import Version
from governance.views.panels import Panel
from training import scans, states, waiting
from training.models import Run
from training.views import shown

LIVE = 8
SHOWN = 12


def live_runs(_: HttpRequest) -> Panel | None:
    """Runs that are not finished, those that wait after those that a worker has."""
    waits = Case(When(state=states.QUEUED, then=1), default=0)
    unfinished = Run.objects.exclude(state__in=states.ENDED).select_related("activity")
    found = unfinished.order_by(waits, "-created_at")[:LIVE]
    return Panel("training/panel_live_runs.html", {"runs": shown(list(found))})


def runs_of(_: HttpRequest, version: Version) -> Panel | None:
    """Runs that made a version or used it."""
    made = {run.pk: "made this" for run in Run.objects.filter(activity__productions__version=version)}
    used = Run.objects.filter(activity__usages__version=version).values_list(
        "pk", "activity__usages__role", "activity__usages__version"
    )
    roles = {pk: role.replace("_", " ") for pk, role, target in used if target == version.pk} | made
    found = Run.objects.filter(pk__in=roles).select_related("activity").order_by("-created_at")[:SHOWN]
    if not found:
        return None
    rows = [{**row, "role": roles[row["id"]]} for row in shown(list(found))]
    return Panel("training/panel_version_runs.html", {"runs": rows})


def scan_of(_: HttpRequest, version: Version) -> Panel | None:
    """A dataset's newest scan; without one, how to get it."""
    if version.kind != "dataset" or not version.is_sealed or not (version.content or {}).get("files"):
        return None
    found = scans.newest(version)
    run = waiting.unfinished(scans.STAGE.name, version)
    context = {"version": version, "waiting": run and run.pk, "scan": found and scans.shown(*found)}
    return Panel("training/panel_version_scan.html", context)
