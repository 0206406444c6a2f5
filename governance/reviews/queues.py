"""What waits for whom."""

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from governance.people.permissions import groups_of, may
from governance.registry import states
from governance.registry.models import Version
from governance.reviews import seats

SUBMITTED = (states.IN_REVIEW, states.APPROVED, states.REFUSED)


def in_review() -> QuerySet[Version]:
    """What waits for anybody, the longest first. In review the newest entry of a version is its submission."""
    return (
        Version.objects.filter(state=states.IN_REVIEW)
        .select_related("artifact", "ledger_head")
        .order_by("ledger_head__id")
    )


def waiting(user: object) -> QuerySet[Version]:
    """Versions in review that `user` may decide over: a seat is for them, and they are no author."""
    if not may(user, seats.REVIEW):
        return Version.objects.none()
    handle = user.account.handle  # type: ignore[attr-defined]
    found = in_review().exclude(reviews__reviewer=handle)
    # Handles are slugs, so a quoted one cannot be part of another.
    found = found.exclude(authors__icontains=f'"{handle}"')
    groups = groups_of(user)
    if all(place & groups for place in seats.in_force().all_places()):
        return found
    standings = seats.standings(list(found))
    return found.filter(pk__in=[key for key, standing in standings.items() if standing.takes(groups)])


def submitted(user: object) -> QuerySet[Version]:
    """What `user` wrote or submitted, as far as it has gone to review, the newest first."""
    handle = user.account.handle  # type: ignore[attr-defined]
    mine = Version.objects.filter(authors__icontains=f'"{handle}"', state__in=SUBMITTED)
    return mine.select_related("artifact", "ledger_head").order_by("-ledger_head__id")


def stale() -> QuerySet[Version]:
    """What has waited for longer than CHARTER_REVIEW_STALE_DAYS, the longest first."""
    return in_review().filter(
        ledger_head__at__lt=timezone.now() - timedelta(days=settings.CHARTER_REVIEW_STALE_DAYS)
    )
