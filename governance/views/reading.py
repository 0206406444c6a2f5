"""What a signed-in person may read, and how names in addresses become versions."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from governance.people.permissions import ADMINISTRATOR, AUDITOR, REVIEWER, groups_of
from governance.registry import lookup
from governance.registry.kinds import UnknownKind
from governance.registry.models import Version

READ_RESTRICTED = {REVIEWER, AUDITOR, ADMINISTRATOR}


def may_read(user: object, version: Version) -> bool:
    """Everybody who is signed in, except that restricted versions are for their authors, reviewers and auditors."""
    if not version.restricted:
        return True
    account = getattr(user, "account", None)
    return bool(groups_of(user) & READ_RESTRICTED) or (account is not None and account.handle in version.authors)


def version_or_404(request: HttpRequest, subject: str) -> Version:
    try:
        version = lookup.find(subject, drafts=True)
    except (lookup.NotFound, lookup.Ambiguous, UnknownKind) as error:
        raise Http404(str(error)) from error
    if not may_read(request.user, version):
        raise PermissionDenied(f"{version.subject} is restricted to its authors, reviewers and auditors.")
    return version
