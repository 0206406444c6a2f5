from governance.ledger.events import EventKind


class RegistryEvent(EventKind):
    ARTIFACT_CREATED = "registry:artifact:created"
    DRAFT_CREATED = "registry:version:drafted"
    DRAFT_EDITED = "registry:version:edited"
    REGISTERED = "registry:version:registered"
    SEALED = "registry:version:sealed"
    SUPERSEDED = "registry:version:superseded"
    REVOKED = "registry:version:revoked"
    ACTIVITY_STARTED = "registry:activity:started"
    ACTIVITY_ENDED = "registry:activity:ended"
