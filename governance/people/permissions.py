"""Which group may do what. Rooms add their actions when they load; nothing is allowed that no line here allows."""

from typing import Protocol

from django.conf import settings
from django.core.exceptions import PermissionDenied

ENGINEER = "engineer"
POLICY_EDITOR = "policy-editor"
REVIEWER = "reviewer"
RELEASE_MANAGER = "release-manager"
AUDITOR = "auditor"
ADMINISTRATOR = "administrator"
MONITOR = "monitor"
RATER = "rater"
RED_TEAMER = "red-teamer"

GROUPS: dict[str, str] = {
    ENGINEER: "registers data and models, launches runs and evaluations",
    POLICY_EDITOR: "writes constitutions, guidelines and policies",
    REVIEWER: "approves or refuses what others wrote",
    RELEASE_MANAGER: "composes releases, runs gates, publishes cards",
    AUDITOR: "reads everything, changes nothing",
    ADMINISTRATOR: "manages accounts; approves nothing by that alone",
    MONITOR: "reports what it finds while it follows the log from outside",
    RATER: "compares answers of models, without knowing whose they are",
    RED_TEAMER: "attacks models and systems, records findings, sits in reviews of high impact",
}

_allowed: dict[str, frozenset[str]] = {}
_decisions: set[str] = set()


class Person(Protocol):
    """What a permission check needs to know of whoever asks."""

    @property
    def is_authenticated(self) -> bool: ...


class SecondFactorNeeded(PermissionDenied):
    """A decision that waits for the person's second factor; the message says where to show it."""


def allow(action: str, *groups: str, decides: bool = False) -> None:
    """Allow `groups` to do `action`; `decides` marks approvals and grants, which may need a second factor.

    Raises ValueError for an unknown group or an action registered twice.
    """
    if unknown := set(groups) - set(GROUPS):
        raise ValueError(f"unknown groups for {action}: {', '.join(sorted(unknown))}")
    if action in _allowed and _allowed[action] != frozenset(groups):
        raise ValueError(f"{action} is registered twice with different groups")
    _allowed[action] = frozenset(groups)
    if decides:
        _decisions.add(action)


def decisions() -> frozenset[str]:
    """The actions for which a second factor may be asked."""
    return frozenset(_decisions)


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


def require_group(user: object, action: str) -> None:
    """Raise PermissionDenied with a sentence that says which group may, unless `user` may do `action`. Enough to read."""
    if not may(user, action):
        needed = " or ".join(sorted(_allowed[action])) or "nobody"
        raise PermissionDenied(f"This needs the group {needed} (action {action}).")


def require(user: object, action: str) -> None:
    """As `require_group`; of a decision SecondFactorNeeded too, where the person must show one and has not."""
    require_group(user, action)
    if action in _decisions and awaits_factor(user):
        raise SecondFactorNeeded(
            f"This decision (action {action}) needs your second factor in this session. Show it at /account/second-factor/;"
            " a token or a command cannot."
        )


def awaits_factor(user: object) -> bool:
    """Whether this person must show a second factor before a decision, and has not done so in this session.

    It is asked of whoever enrolled one, and of the groups in CHARTER_TOTP_REQUIRED_FOR.
    """
    account = getattr(user, "account", None)
    asked = getattr(account, "second_factor", False) or (
        groups_of(user) & frozenset(settings.CHARTER_TOTP_REQUIRED_FOR)
    )
    return bool(asked) and not getattr(user, "showed_factor", False)
