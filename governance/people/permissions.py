"""Which group may do what. Rooms add their actions when they load; nothing is allowed that no line here allows."""

from typing import Protocol

from django.core.exceptions import PermissionDenied

ENGINEER = "engineer"
POLICY_EDITOR = "policy-editor"
REVIEWER = "reviewer"
RELEASE_MANAGER = "release-manager"
AUDITOR = "auditor"
ADMINISTRATOR = "administrator"
MONITOR = "monitor"
RATER = "rater"

GROUPS: dict[str, str] = {
    ENGINEER: "registers data and models, launches runs and evaluations",
    POLICY_EDITOR: "writes constitutions, guidelines and policies",
    REVIEWER: "approves or refuses what others wrote",
    RELEASE_MANAGER: "composes releases, runs gates, publishes cards",
    AUDITOR: "reads everything, changes nothing",
    ADMINISTRATOR: "manages accounts; approves nothing by that alone",
    MONITOR: "reports what it finds while it follows the log from outside",
    RATER: "compares answers of models, without knowing whose they are",
}

_allowed: dict[str, frozenset[str]] = {}


class Person(Protocol):
    """What a permission check needs to know of whoever asks."""

    @property
    def is_authenticated(self) -> bool: ...


def allow(action: str, *groups: str) -> None:
    """Allow `groups` to do `action`. Raises ValueError for an unknown group or an action registered twice."""
    if unknown := set(groups) - set(GROUPS):
        raise ValueError(f"unknown groups for {action}: {', '.join(sorted(unknown))}")
    if action in _allowed and _allowed[action] != frozenset(groups):
        raise ValueError(f"{action} is registered twice with different groups")
    _allowed[action] = frozenset(groups)


def table() -> dict[str, frozenset[str]]:
    """Action → groups that may do it, in alphabetical order of actions."""
    return dict(sorted(_allowed.items()))


def groups_of(user: object) -> frozenset[str]:
    account = getattr(user, "account", None) if getattr(user, "is_authenticated", False) else None
    if account is None or not account.active or not getattr(user, "is_active", False):
        return frozenset()
    return frozenset(account.groups)


def may(user: object, action: str) -> bool:
    """Whether this signed-in user may do `action`. Raises KeyError for an action that no room registered."""
    return bool(_allowed[action] & groups_of(user))


def require(user: object, action: str) -> None:
    """Raise PermissionDenied with a sentence that says which group may, unless `user` may do `action`."""
    if not may(user, action):
        needed = " or ".join(sorted(_allowed[action])) or "nobody"
        raise PermissionDenied(f"This needs the group {needed} (action {action}).")
