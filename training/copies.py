"""Where the runs that used a version hold it a second time: in their folders, until these are swept."""

from governance.registry.actions import Refused
from governance.registry.erasure import Copies
from governance.registry.models import Version
from training import folder
from training.models import Run


def of_version(version: Version) -> Copies:
    """The folders of all runs that used `version`: `job.json` holds its content, `inputs/` its files.

    Raises Refused while such a run has not ended.
    """
    runs = [run for run in Run.objects.iterator() if _uses(run, version)]
    of_recipe = Run.objects.filter(recipe=version)
    if busy := next((run for run in (*runs, *of_recipe) if not run.has_ended), None):
        raise Refused(
            f"The run {str(busy.pk)[:8]} uses {version.subject} and has not ended; cancel it first."
        )
    return Copies(paths=tuple(folder.of(run) for run in runs))


def _uses(run: Run, version: Version) -> bool:
    return any(pin["digest"] == version.digest for pins in run.spec["inputs"].values() for pin in pins)
