from governance.ledger.events import EventKind


class TrainingEvent(EventKind):
    QUEUED = "training:run:queued"
    CLAIMED = "training:run:claimed"
    TAKEN_OVER = "training:run:taken-over"
    STARTING = "training:run:starting"
    LAUNCHED = "training:run:launched"
    CANCEL_ASKED = "training:run:cancel-asked"
    CANCELLED = "training:run:cancelled"
    FAILED = "training:run:failed"
    SUCCEEDED = "training:run:succeeded"
    RECIPE_STOPPED = "training:recipe:stopped"
