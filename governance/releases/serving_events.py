from governance.ledger.events import EventKind


class ServingEvent(EventKind):
    RUNTIME_CREATED = "releases:runtime:created"
    RUNTIME_RETIRED = "releases:runtime:retired"
    STARTED = "releases:serving:started"
    ENDED = "releases:serving:ended"
    DRIFT_RAISED = "releases:drift:raised"
    DRIFT_CLOSED = "releases:drift:closed"
    EMERGENCY_ACTED = "releases:emergency:acted"
    EMERGENCY_REVIEWED = "releases:emergency:reviewed"
