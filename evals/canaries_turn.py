"""The turns of canaries: whoever is due is asked, one run at a time. Workers look every minute (config/celery.py).

The row is the truth and moves by compare-and-swap, so any number of workers may look at once. Turns that were missed while
nobody looked are made up for by one.
"""

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone

from evals import canaries
from evals.canaries_events import CanaryEvent
from evals.models import Canary
from governance.ledger.actors import Actor
from governance.ledger.append import Stale, append
from governance.people.models import User
from governance.people.permissions import may
from governance.registry.actions import Refused
from governance.releases.models import Runtime
from training import actions
from training.models import Run
from training.resolve import SpecRefused

logger = logging.getLogger("charter.evals")

MOST_AT_ONCE = 100
"""Canaries that one round takes; the next round takes the rest."""


def beat() -> list[Run]:
    """Queue a run for each canary that is due. Returns the runs; one canary's error keeps no other from its turn."""
    due = Canary.objects.filter(
        state=Canary.ACTIVE, runtime__state=Runtime.ACTIVE, due_at__lte=timezone.now()
    )
    queued = []
    for canary in due.order_by("due_at", "id")[:MOST_AT_ONCE]:
        try:
            run = turn(canary)
        except Stale:
            continue
        except DatabaseError:
            raise
        except Exception:
            logger.exception("canary %s had no turn", canary.pk)
            continue
        if run is not None:
            queued.append(run)
    return queued


@transaction.atomic
def turn(canary: Canary, *, early: bool = False) -> Run | None:
    """Queue one run for a canary that is due, or for any active one if `early`, on behalf of whoever set it.

    None when it has no turn: ended, not due, or its last run goes on. Where the run is refused, so says the canary, and None
    is returned too. Raises Stale when another round was faster.
    """
    canary = canaries.alone(canary)
    moment = timezone.now()
    if canary.state != Canary.ACTIVE or canary.runtime.state != Runtime.ACTIVE or canary.is_running:
        return None
    if canary.due_at > moment and not early:
        return None
    canary.failures = canary.failed_in_a_row
    canary.due_at = _next(canary, moment)
    canary.run, canary.refused = _queued(canary)
    append(canary, op=CanaryEvent.TURNED, actor=actor_of(canary), fields=Canary.TURN)
    return canary.run


def actor_of(canary: Canary) -> Actor:
    """Charter, acting for whoever set the canary."""
    return Actor(f"system:canary for person:{canary.by}", canary.by)


def _queued(canary: Canary) -> tuple[Run | None, str]:
    """The run, or why there is none."""
    person = User.objects.filter(account__handle=canary.by).select_related("account").first()
    if not may(person, canaries.MANAGE):
        return (
            None,
            f"{canary.by}, who set it, may set canaries no more; end it, and have somebody set another.",
        )
    try:
        with transaction.atomic():
            return actions.queue(canaries.draft(canary.model, canary.suite), actor=actor_of(canary)), ""
    except (SpecRefused, Refused) as error:
        return None, str(error)


def _next(canary: Canary, moment: datetime) -> datetime:
    """The first time after `moment` in the canary's own rhythm."""
    if canary.due_at > moment:
        return canary.due_at
    every = timedelta(hours=canary.every_hours)
    return canary.due_at + every * ((moment - canary.due_at) // every + 1)
