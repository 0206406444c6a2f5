"""What waits for whom."""

from django.db.models import QuerySet

from governance.people.permissions import may
from governance.registry import states
from governance.registry.models import Version


def waiting(user: object) -> QuerySet[Version]:
    """Versions in review that `user` may decide over: a reviewer, and no author of them."""
    if not may(user, "reviews:version:review"):
        return Version.objects.none()
    handle = user.account.handle  # type: ignore[attr-defined]
    found = Version.objects.filter(state=states.IN_REVIEW).exclude(reviews__reviewer=handle)
    # Handles are slugs, so a quoted one cannot be part of another.
    return found.exclude(authors__icontains=f'"{handle}"').select_related("artifact").order_by("sealed_at")
