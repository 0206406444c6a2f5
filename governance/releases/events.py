from governance.ledger.events import EventKind


class ReleaseEvent(EventKind):
    GATE_RUN = "releases:gate:run"
