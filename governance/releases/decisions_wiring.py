"""Which entries about releases are decisions; made known to the register of decisions."""

from governance.releases.events import ReleaseEvent
from governance.releases.models import Emergency, ServingPeriod, Waiver
from governance.releases.serving_events import ServingEvent
from governance.reviews import decisions
from governance.reviews.decisions import HIGH, Decides


def connect() -> None:
    """Called in AppConfig.ready()."""
    grant, review = "releases:waiver:grant", "releases:emergency:review"
    found = {
        ReleaseEvent.WAIVER_GRANTED: Decides("waiver granted", Waiver, grant, HIGH, "grant_reason"),
        ReleaseEvent.WAIVER_DECLINED: Decides("waiver declined", Waiver, grant, HIGH, "end_reason"),
        ServingEvent.STARTED: Decides("serving started", ServingPeriod, "releases:serving:start", HIGH),
        ServingEvent.ENDED: Decides(
            "serving ended", ServingPeriod, "releases:serving:end", HIGH, "end_reason"
        ),
        ServingEvent.EMERGENCY_ACTED: Decides("emergency", Emergency, "releases:emergency:act", HIGH),
        ServingEvent.EMERGENCY_REVIEWED: Decides("emergency reviewed", Emergency, review, HIGH, "note"),
    }
    for op, decides in found.items():
        decisions.register(op, decides)
