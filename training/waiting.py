"""Runs that have not ended: which of them a version is in."""

from governance.registry.models import Version
from training import states
from training.models import Run

MOST = 200


def unfinished(stage: str, version: Version) -> Run | None:
    """The newest run of `stage` that uses this version, in whichever role, and is queued or running."""
    runs = Run.objects.filter(stage=stage).exclude(state__in=states.ENDED).order_by("-created_at")
    return next((run for run in runs[:MOST] if _uses(run, version)), None)


def _uses(run: Run, version: Version) -> bool:
    """By name too: another artifact may hold the same, and has the same digest then."""
    wanted = {"subject": version.subject, "digest": version.digest}
    return any(wanted in pins for pins in run.spec["inputs"].values())
