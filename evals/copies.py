"""What evaluations, searches and studies keep that quotes a version: items as they were asked, the job's configuration, hits."""

from evals.models import Study
from governance.registry.erasure import Copies
from governance.registry.models import Activity, Version

QUOTING = {
    "eval-suite": ("items_sha256", "config_sha256", "hits_sha256", "removed_sha256"),
    "dataset": ("hits_sha256", "removed_sha256"),
}
"""Kind of a version → fields of the summaries of activities that used it which name files that quote it."""


def of_version(version: Version) -> Copies:
    """The blobs in which evaluations on a suite, studies of them, and searches for it in datasets, quote what it says."""
    names = QUOTING.get(version.kind, ())
    used = Activity.objects.filter(usages__version=version).distinct() if names else Activity.objects.none()
    files = {str(activity.summary[name]) for activity in used for name in names if activity.summary.get(name)}
    shown = Study.objects.filter(suite=version).values_list("pairs_sha256", flat=True)
    return Copies(blobs=frozenset({*files, *shown}))
