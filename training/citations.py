"""Training rows that name principles: their numbers out of a dataset's scan, for governance's index of citations."""

from collections.abc import Iterator

from governance.ledger.actors import Actor
from governance.registry import citations
from governance.registry.citations import Found
from governance.registry.citations.own import area_of_rows
from governance.registry.kinds import dataset
from governance.registry.models import Activity, Version
from training import scans
from training.methods.scan import SCANNED

PLACE = "rows that name it"


def of_rows(version: Version) -> Iterator[Found]:
    """What rows of a dataset name, as its newest scan counted it; what is declared for all rows is not counted twice."""
    if version.kind != "dataset" or (newest := scans.newest(version)) is None:
        return
    content = dataset.Content.model_validate(version.content)
    counted = newest[1].principles
    for cite, rows in (counted.cited if counted else {}).items():
        if cite not in content.cites:
            yield Found(area_of_rows(content), cite, PLACE, rows)


def after_activity(activity: Activity, _: Actor) -> None:
    """Index what was scanned anew, once a scan has ended."""
    if activity.kind == scans.STAGE.activity_kind and activity.state == Activity.ENDED:
        for usage in activity.usages.filter(role=SCANNED).select_related("version__artifact"):
            citations.index(usage.version)
