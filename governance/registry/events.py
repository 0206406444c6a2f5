from governance.ledger.events import EventKind


class RegistryEvent(EventKind):
    ARTIFACT_CREATED = "registry:artifact:created"
    DRAFT_CREATED = "registry:version:drafted"
    DRAFT_EDITED = "registry:version:edited"
    REGISTERED = "registry:version:registered"
    SEALED = "registry:version:sealed"
    SUPERSEDED = "registry:version:superseded"
    REVOKED = "registry:version:revoked"
    ERASED = "registry:version:erased"
    ERASURE_ASKED = "registry:erasure:asked"
    ERASURE_DONE = "registry:erasure:done"
    OBJECT_ERASED = "registry:object:erased"
    ACTIVITY_STARTED = "registry:activity:started"
    ACTIVITY_ENDED = "registry:activity:ended"
