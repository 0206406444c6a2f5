from governance.ledger.events import EventKind


class PeopleEvent(EventKind):
    ACCOUNT_CREATED = "people:account:created"
    GROUPS_CHANGED = "people:account:groups-changed"
    DEACTIVATED = "people:account:deactivated"
    LINKED = "people:account:linked"
    TOKEN_CREATED = "people:token:created"  # noqa: S105
    TOKEN_REVOKED = "people:token:revoked"  # noqa: S105
    TOKEN_REFUSED = "people:token:refused"  # noqa: S105
    FACTOR_ENROLLED = "people:second-factor:enrolled"
    FACTOR_OFF = "people:second-factor:off"
    FACTOR_RESET = "people:second-factor:reset"
