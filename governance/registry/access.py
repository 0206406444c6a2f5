"""Who may read a version that is marked restricted. Everybody who is signed in reads all the others."""

from django.core.exceptions import PermissionDenied

from governance.people.permissions import AUDITOR, ENGINEER, RELEASE_MANAGER, REVIEWER, groups_of
from governance.registry.models import Version

READERS = frozenset({ENGINEER, REVIEWER, RELEASE_MANAGER, AUDITOR})


def may_read(user: object, version: Version) -> bool:
    """Whether this signed-in user may read the content and the files of `version`."""
    if not version.restricted:
        return True
    groups = groups_of(user)
    account = getattr(user, "account", None)
    return bool(groups & READERS) or (account is not None and account.active and account.handle in version.authors)


def require_read(user: object, version: Version) -> None:
    """Raise PermissionDenied with a sentence unless this user may read `version`."""
    if not may_read(user, version):
        raise PermissionDenied(
            f"{version.subject} is restricted to its authors and the groups {', '.join(sorted(READERS))}."
        )
