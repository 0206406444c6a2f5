"""Which items of an evaluation a reader asks for: of one task, the wrong ones, the refused ones, those that changed."""

from evals.item_index import IndexedItems, Wanted
from evals.records import suite_of
from governance.registry.actions import Refused
from governance.registry.models import Activity

ASKABLE = ("wrong", "refused", "changed")
BEST = {"higher": "1", "lower": "0"}
"""Direction of a metric → the score of an item that went as wanted."""


def items_of(
    activity: Activity, task: str = "", only: str = "", against: Activity | None = None
) -> IndexedItems | None:
    """The items that are asked for, by `only` one of ASKABLE or all of them; None of an evaluation that kept none.

    Raises Refused where what changed is asked for without `against`, or that one kept no items or has another suite.
    """
    sha256 = activity.summary.get("items_sha256")
    if not sha256:
        return None
    best = {result["task"]: BEST[result["direction"]] for result in activity.summary.get("results", [])}
    return IndexedItems(
        str(sha256),
        Wanted(
            task=task,
            best=best if only == "wrong" else None,
            refused=only == "refused",
            changed_from=_items_before(activity, against) if only == "changed" else None,
        ),
    )


def _items_before(activity: Activity, against: Activity | None) -> str:
    if against is None:
        raise Refused("Choose the evaluation that the items should have changed from.")
    if suite_of(against) != suite_of(activity):
        raise Refused(f"{against.label} measured {suite_of(against)}, not {suite_of(activity)}.")
    if not (sha256 := against.summary.get("items_sha256")):
        raise Refused(f"{against.label} kept no items; evaluate again, then look at what changed.")
    return str(sha256)
