"""What evals shows on governance's pages."""

from django.http import HttpRequest

from evals import records
from governance.registry.models import Version
from governance.registry.recording import was_imported
from governance.views.panels import Panel

SHOWN = 12


def evaluations_of(_: HttpRequest, version: Version) -> Panel | None:
    """A model's newest evaluations with their scores."""
    if version.kind != "model":
        return None
    rows = [
        {
            "id": activity.pk,
            "suite": records.suite_of(activity),
            "state": activity.state,
            "at": activity.ended_at or activity.started_at,
            "results": activity.summary.get("results", []),
            "imported": was_imported(activity.summary),
        }
        for activity in records.of_model(version)[:SHOWN]
    ]
    return Panel(
        "evals/panel_version_evaluations.html",
        {"evaluations": rows, "model": version.subject, "artifact": version.artifact.name},
    )
