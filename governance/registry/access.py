"""Who may read a version that is marked restricted, and who may write which kind."""

from collections.abc import Iterable

from django.core.exceptions import PermissionDenied

from governance.people.permissions import AUDITOR, REVIEWER, groups_of, require
from governance.registry import kinds
from governance.registry.models import Version

READERS = frozenset({REVIEWER, AUDITOR})


def may_read(user: object, version: Version) -> bool:
    """Whether this signed-in user may read the content and the files of `version`."""
    if not version.restricted:
        return True
    groups = groups_of(user)
    account = getattr(user, "account", None)
    return bool(groups & READERS) or (
        account is not None and account.active and account.handle in version.authors
    )


def require_read(user: object, version: Version) -> None:
    """Raise PermissionDenied with a sentence unless this user may read `version`."""
    if not may_read(user, version):
        raise PermissionDenied(
            f"{version.subject} is restricted to its authors and the groups {', '.join(sorted(READERS))}."
        )


def check_kinds(patterns: Iterable[str]) -> None:
    """Raise UnknownKind for a pattern of a token (`kind:slug`, `kind:*`) whose kind there is not."""
    for pattern in patterns:
        if ":" in pattern:
            kinds.get(pattern.partition(":")[0])


def write_action(kind: str) -> str:
    """The action of writing versions of `kind`, as permissions name it. Raises UnknownKind."""
    return f"registry:{kinds.get(kind).name}:write"


def require_write(user: object, kind: str) -> None:
    """Raise PermissionDenied unless this user's groups write `kind`: policies are not the engineers' to write."""
    require(user, write_action(kind))
