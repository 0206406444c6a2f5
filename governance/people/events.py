from governance.ledger.events import EventKind


class PeopleEvent(EventKind):
    ACCOUNT_CREATED = "people:account:created"
    GROUPS_CHANGED = "people:account:groups-changed"
    DEACTIVATED = "people:account:deactivated"
    TOKEN_CREATED = "people:token:created"  # noqa: S105
    TOKEN_REVOKED = "people:token:revoked"  # noqa: S105
