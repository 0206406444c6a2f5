from governance.ledger.events import EventKind


class ReleaseEvent(EventKind):
    GATE_RUN = "releases:gate:run"
    WAIVER_PROPOSED = "releases:waiver:proposed"
    WAIVER_GRANTED = "releases:waiver:granted"
    WAIVER_DECLINED = "releases:waiver:declined"
    WAIVER_WITHDRAWN = "releases:waiver:withdrawn"
