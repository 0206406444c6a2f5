"""The vocabulary of the ledger: each room registers its event kinds, and unknown ones are refused."""

import re
from enum import StrEnum

_FORM = re.compile(r"[a-z][a-z0-9-]*(:[a-z][a-z0-9-]*){2}")
_rooms: dict[str, type["EventKind"]] = {}


class EventKind(StrEnum):
    """Base of each room's enumeration; every value reads `scope:subject:action`."""


class UnknownEvent(ValueError):
    """An event kind that no room has registered."""


def register(kinds: type[EventKind]) -> None:
    """Make the members of `kinds` known. Called by the room's AppConfig.ready().

    Raises ValueError for a value that is not `scope:subject:action` or that another room has taken.
    """
    for kind in kinds:
        if not _FORM.fullmatch(kind):
            raise ValueError(f"event kind {kind.value!r} must read scope:subject:action")
        if _rooms.get(kind, kinds) is not kinds:
            raise ValueError(f"event kind {kind.value!r} is already registered by {_rooms[kind].__module__}")
    _rooms.update({kind.value: kinds for kind in kinds})


def check(kind: EventKind) -> None:
    """Raise UnknownEvent unless `kind` is a registered member."""
    if _rooms.get(kind) is not type(kind):
        raise UnknownEvent(
            f"event kind {str(kind)!r} is not registered; add it to its room's events.py and register that enum"
        )


def known() -> list[EventKind]:
    """Every registered event kind, sorted by value."""
    return [_rooms[value](value) for value in sorted(_rooms)]


class LedgerEvent(EventKind):
    """What happens to the ledger itself."""

    KEY_ADDED = "ledger:key:added"
    KEY_RETIRED = "ledger:key:retired"
    KEY_COMPROMISED = "ledger:key:compromised"
    MONITOR_ENDED = "ledger:monitor:ended"
