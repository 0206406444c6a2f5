"""From a recorded evaluation to what can be compared: its items and its results, read back from the store by digest."""

from evals.compare import Measured
from governance.ledger.canonical import loads
from governance.registry import blobs
from governance.registry.actions import Refused
from governance.registry.models import Activity

KIND = "evaluation"


def measured(activity: Activity) -> Measured:
    """The items and results of an evaluation that has ended. Raises Refused for another activity, MissingBlob."""
    if activity.kind != KIND or activity.state != Activity.ENDED:
        raise Refused(
            f"{activity.label} is an activity of kind {activity.kind} that has {activity.state}; only ended evaluations are compared."
        )
    try:
        items, results = (blobs.read(activity.summary[name]) for name in ("items_sha256", "results_sha256"))
    except KeyError as error:
        raise Refused(f"{activity.label} recorded no {error}; evaluate again, then compare.") from error
    return Measured([loads(line) for line in items.splitlines()], loads(results))
