"""Who may work on a run. Whoever holds the lease may; whoever lost it stops without touching anything."""

import logging
import threading
from datetime import timedelta
from types import TracebackType
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import append
from training import actions, folder, launchers, states
from training.events import TrainingEvent
from training.models import Lease, Run

logger = logging.getLogger("charter.training")

BEATS_PER_LEASE = 6


class Superseded(Exception):
    """Another worker has taken the run over."""


def is_stale(lease: Lease) -> bool:
    """Whether the holder has been silent for longer than a lease lasts."""
    lasts = timedelta(seconds=settings.RUN_LEASE_SECONDS)
    return lease.heartbeat_at is None or timezone.now() - lease.heartbeat_at > lasts


@transaction.atomic
def claim(run_id: UUID, worker: str, *, actor: Actor) -> Run | None:
    """Take a queued run, or one whose worker fell silent. None when there is nothing to take: the message was late."""
    run = Run.objects.select_for_update(of=("self",)).filter(pk=run_id).first()
    if run is None or run.has_ended:
        return None
    lease = Lease.objects.select_for_update().get(run=run)
    if run.state == states.QUEUED:
        actions.move(
            run, states.CLAIMED, op=TrainingEvent.CLAIMED, actor=actor, summary={"I": {"worker": worker}}
        )
    elif is_stale(lease) and _is_within_reach(run, lease):
        summary = {"I": {"worker": worker, "lost": lease.worker}}
        append(run, op=TrainingEvent.TAKEN_OVER, actor=actor, summary=summary)
    else:
        return None
    lease.worker, lease.heartbeat_at = worker, timezone.now()
    lease.save(update_fields=["worker", "heartbeat_at"])
    return run


def _is_within_reach(run: Run, lease: Lease) -> bool:
    """A job on another host cannot be looked at from here, but its heartbeat file tells while it lives."""
    if not lease.handle or launchers.get(run.spec["launcher"]).reaches(lease.handle):
        return True
    beat = folder.of(run) / "heartbeat"
    age = timezone.now().timestamp() - beat.stat().st_mtime if beat.exists() else None
    return age is None or age > settings.RUN_LEASE_SECONDS


def hold(run: Run, worker: str) -> Run:
    """The locked row of `run`, for a change by the lease's holder. Call inside a transaction. Raises Superseded."""
    row = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if not Lease.objects.select_for_update().filter(run=row, worker=worker).exists():
        raise Superseded(f"run {run.pk} was taken over from {worker}")
    return row


def release(run: Run, worker: str) -> None:
    """Give the lease up while the run goes on, so that the next worker need not wait until it runs out."""
    Lease.objects.filter(run=run, worker=worker).update(heartbeat_at=None, sent_at=run.created_at)


class Heart(threading.Thread):
    """Beats for the holder from a thread of its own, so that hashing a large file does not look like death."""

    def __init__(self, run: Run, worker: str) -> None:
        super().__init__(name=f"lease {run.pk}", daemon=True)
        self.run_id, self.worker = run.pk, worker
        self.lost = False
        self._stopped = threading.Event()

    def __enter__(self) -> "Heart":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self.join()

    def run(self) -> None:
        try:
            while not self.lost and not self._stopped.wait(settings.RUN_LEASE_SECONDS / BEATS_PER_LEASE):
                self._beat()
        finally:
            connection.close()

    def _beat(self) -> None:
        try:
            beaten = Lease.objects.filter(run_id=self.run_id, worker=self.worker).update(
                heartbeat_at=timezone.now()
            )
        except DatabaseError as error:
            # A busy database is no reason to stop: the lease outlasts several beats.
            logger.warning("a heartbeat of run %s was not written: %s", self.run_id, error)
        else:
            self.lost = not beaten
