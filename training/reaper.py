"""The reaper: sends again what a dead worker or broker lost. The rows decide who may take a run, so sending is harmless."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from training import dispatch, states
from training.models import Run

logger = logging.getLogger("charter.training")

RESEND_SECONDS = 60
LONGEST_PAUSE_SECONDS = 3600
MOST_AT_ONCE = 1000


def reap() -> int:
    """Send a message for every run that nobody works on. Returns how many.

    These are runs whose worker has been silent for longer than its lease, and queued runs whose message may be lost. A
    run that merely waits for a free slot is sent again after pauses that double, up to an hour, so that messages do
    not pile up.
    """
    now = timezone.now()
    orphans = list(_orphans(now))
    queued = (
        Run.objects.filter(state=states.QUEUED).select_related("lease").order_by("created_at")[:MOST_AT_ONCE]
    )
    lost = [run for run in queued if _is_due(run, now)]
    for run in [*orphans, *lost]:
        logger.info("run %s (%s) has no worker; sending it again", run.pk, run.state)
        dispatch.send(run.pk)
    return len(orphans) + len(lost)


def _orphans(now: datetime) -> list[Run]:
    stale = now - timedelta(seconds=settings.RUN_LEASE_SECONDS)
    silent = Q(lease__heartbeat_at=None) | Q(lease__heartbeat_at__lt=stale)
    # One message a lease: the workers may be busy with other runs.
    return list(Run.objects.filter(silent, state__in=states.ACTIVE, lease__sent_at__lt=stale))


def _is_due(run: Run, now: datetime) -> bool:
    waited = (run.lease.sent_at - run.created_at).total_seconds()
    pause = min(max(waited, RESEND_SECONDS), LONGEST_PAUSE_SECONDS)
    return (now - run.lease.sent_at).total_seconds() >= pause
