"""How names in addresses become versions that the signed-in person may read."""

from django.http import Http404, HttpRequest

from governance.registry import lookup
from governance.registry.access import require_read
from governance.registry.kinds import UnknownKind
from governance.registry.models import Version


def version_or_404(request: HttpRequest, subject: str) -> Version:
    """The version called `subject`, drafts included. Raises Http404 (with the nearest names) and PermissionDenied."""
    try:
        version = lookup.find(subject, drafts=True)
    except (lookup.NotFound, lookup.Ambiguous, UnknownKind) as error:
        raise Http404(str(error)) from error
    require_read(request.user, version)
    return version
