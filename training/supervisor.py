"""One worker and one run: claim, prepare, launch, watch, conclude.

The worker may die at any line. What is true then: the run's state, its lease (who, where the job is, how often it was
launched) and the job's folder are enough for the next worker, which takes the lease over once it is stale and goes on:
with a job that still lives (jobs outlive their workers), with the result that it left meanwhile, or with a new launch.
The activity that the first worker started is the one that the last worker ends.
"""

import logging
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.models import Entry
from governance.registry import actions as registry
from governance.registry.blobs import MissingBlob
from governance.registry.kinds.base import ContentError
from governance.registry.models import Activity, Version, stamp
from governance.registry.weights import BadModel
from training import (
    endpoints,
    folder,
    inheriting,
    launchers,
    leases,
    outcome,
    recipes,
    resolve,
    stages,
    states,
    store,
)
from training.actions import move
from training.events import TrainingEvent
from training.launchers.base import Ended, NoFreeDevice
from training.launchers.environment import job_environment
from training.models import Lease, Run
from training.outcome import BadResult, Failure, Result

logger = logging.getLogger("charter.training")

TICK_SECONDS = 0.5
CANCEL_GRACE_SECONDS = 120
MAX_LAUNCHES = 2

detaching = threading.Event()
"""Set when this process is asked to stop: supervisors leave their jobs running, for the next worker to find."""


class Detached(Exception):
    """This worker stops; the job goes on."""


class CancelAsked(Exception):
    """Somebody asked for the end of the run before its job was launched."""


class WorkerLost(Exception):
    """The job died together with its worker as often as it may."""


def execute(run_id: UUID, worker: str) -> bool:
    """Take the run and see it through to its end. False when it is not to be had: ended, or in other hands."""
    name = f"{worker}/{uuid4().hex[:8]}"
    run = leases.claim(run_id, name, actor=Actor.system("worker"))
    if run is None:
        return False
    try:
        with leases.Heart(run, name) as heart:
            Supervision(run, name, heart).carry_out()
    except leases.Superseded as stop:
        logger.warning("%s", stop)
    except Detached:
        leases.release(run, name)
    return True


class Supervision:
    """`run` in the hands of `worker`, which holds its lease."""

    def __init__(self, run: Run, worker: str, heart: leases.Heart) -> None:
        self.run, self.worker, self.heart = run, worker, heart
        self.spec = run.parsed
        self.launcher = launchers.get(self.spec.launcher)
        self.folder = folder.of(run)
        self.recorder = store.Recorder(run, self.folder)
        self.actor = actor_of(run)
        self.asked_at: float | None = None

    def carry_out(self) -> None:
        """From wherever the run stands to its end. Raises Superseded, Detached, and DatabaseError when nothing can be
        recorded (the lease then runs out, and the next worker tries again)."""
        try:
            self._conclude(self._attend())
        except (leases.Superseded, Detached, DatabaseError):
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, the run must end with its reason
            self._stop_job()
            self._fail(failure_of(error))

    def _attend(self) -> Ended:
        """Find the job or launch it, and wait for its end."""
        handle = self._lease().handle
        if handle and self.launcher.poll(handle, 0) is None:
            ended = self._watch()
        elif (self.folder / "result.json").exists() or self.run.state == states.CANCELLING:
            ended = Ended(None)
        else:
            ended = self._run_job()
        while self._was_interrupted():
            ended = self._run_job()
        return ended

    def _was_interrupted(self) -> bool:
        """Whether the job stopped itself although nobody here asked, as when its host shuts down: it may go on."""
        result = outcome.read(self.folder)
        return (
            result is not None
            and result.status == "cancelled"
            and self._state() != states.CANCELLING
            and not self._is_out_of_time()
            and self._lease().attempts < MAX_LAUNCHES
        )

    def _run_job(self) -> Ended:
        try:
            self._launch()
        except CancelAsked:
            return Ended(None)
        return self._watch()

    def _launch(self) -> None:
        self._look_up()
        if self._lease().attempts >= MAX_LAUNCHES:
            raise WorkerLost
        inputs = resolve.inputs_of(self.spec)
        self._begin(inputs)
        folder.prepare(self.run, inputs)
        device = stages.get(self.run.stage).needs_device(inputs)
        handle = self._placed(endpoints.variables(inputs), device=device)
        try:
            self._note_launch(handle)
        except BaseException:
            self.launcher.cancel(handle, force=True)
            raise
        # Dying before this line closes the gate: the process ends by itself, and no job runs that no row knows of.
        self.launcher.release(handle)

    @transaction.atomic
    def _begin(self, inputs: Mapping[str, list[Version]]) -> None:
        """Log the start before there can be any result. A later launch goes on with the same activity."""
        self._hold()
        if self.run.state == states.CANCELLING:
            raise CancelAsked
        if self.run.activity is None:
            used = [(role, version) for role, versions in inputs.items() for version in versions]
            self.run.activity = registry.start_activity(
                stages.get(self.run.stage).activity_kind,
                self.run.label,
                used,
                summary=self._opening(),
                actor=self.actor,
            )
            self.run.started_at = timezone.now()
        if self.run.state != states.STARTING:
            self._move(states.STARTING, TrainingEvent.STARTING, fields=["activity", "started_at"])

    def _opening(self) -> dict[str, Any]:
        return {
            "run": str(self.run.id),
            "stage": self.run.stage,
            "spec_digest": self.run.spec_digest,
            "seed": self.spec.seed,
            "params": self.run.spec["params"],
            "recipe": self.run.recipe.subject if self.run.recipe else None,
        }

    def _placed(self, secrets: Mapping[str, str], *, device: bool) -> dict[str, Any]:
        """The handle of a job process at its gate; one that needs a device waits while every device is taken."""
        environment = {**job_environment(settings.BASE_DIR, settings.CHARTER_CACHE), **secrets}
        while True:
            try:
                return self.launcher.start(self.folder, environment, device=device)
            except NoFreeDevice:
                self._look_up()
                if self._state() == states.CANCELLING:
                    raise CancelAsked from None
                time.sleep(TICK_SECONDS)

    @transaction.atomic
    def _note_launch(self, handle: dict[str, Any]) -> None:
        self._hold()
        if self.run.state == states.CANCELLING:
            raise CancelAsked
        lease = self._lease()
        lease.attempts += 1
        lease.handle = {**handle, "at": stamp(timezone.now())}
        lease.save(update_fields=["attempts", "handle"])
        summary = {"I": {"attempt": lease.attempts, "worker": self.worker}}
        self._move(states.RUNNING, TrainingEvent.LAUNCHED, summary=summary)

    def _watch(self) -> Ended:
        handle = self._lease().handle
        while True:
            self._look_up()
            ended = self.launcher.poll(handle, TICK_SECONDS)
            self.recorder.record()
            if ended:
                return ended
            self._press(handle)

    def _look_up(self) -> None:
        if self.heart.lost:
            raise leases.Superseded(f"run {self.run.pk} was taken over from {self.worker}")
        if detaching.is_set():
            raise Detached

    def _press(self, handle: dict[str, Any]) -> None:
        """Ask a job to stop that was cancelled or is out of time; end it when it does not within the grace."""
        if self.asked_at is None:
            if self._state() == states.CANCELLING or self._is_out_of_time():
                self.asked_at = time.monotonic()
                self.launcher.cancel(handle, force=False)
        elif time.monotonic() - self.asked_at > CANCEL_GRACE_SECONDS:
            self.launcher.cancel(handle, force=True)

    def _is_out_of_time(self) -> bool:
        handle, limit = self._lease().handle, self.spec.limits.wall_seconds
        return bool(limit and handle and timezone.now() - _moment(handle["at"]) > timedelta(seconds=limit))

    def _conclude(self, ended: Ended) -> None:
        self.recorder.record()
        result = outcome.read(self.folder)
        if result and result.status == "succeeded":
            self._seal(result)
        elif result and result.status == "failed":
            self._fail(
                Failure(result.failure_class or "bug", result.reason or "The job failed and did not say why.")
            )
        else:
            self._stopped(ended, result)

    def _stopped(self, ended: Ended, result: Result | None) -> None:
        """The job is over without a product: because we asked, or not."""
        if self._state() == states.CANCELLING:
            said = result.reason if result else None
            self._end(states.CANCELLED, TrainingEvent.CANCELLED, Failure("", said or "Stopped on request."))
        elif self._is_out_of_time():
            limit = self.spec.limits.wall_seconds
            self._fail(
                Failure(
                    "time_limit",
                    f"The run took longer than its limit of {limit} s. Raise the limit, or lower the steps.",
                )
            )
        elif result:
            self._fail(
                Failure(
                    "stopped", "Something outside Charter asked the job to stop (SIGTERM). Retry the run."
                )
            )
        else:
            self._fail(outcome.died(ended.code, self.folder))

    def _seal(self, result: Result) -> None:
        """Check and store what the job made, then record all of it in one transaction."""
        outputs = self.folder / "outputs"
        outcome.check_outputs(result, outputs)
        finished = stages.get(self.run.stage).finish(self.run, result, outputs)
        manifest = store.keep_outputs(result, outputs)
        summary = {
            "job": result.summary,
            "outputs": {"manifest_sha256": manifest},
            **store.keep_records(self.folder),
            **finished.summary,
        }
        with transaction.atomic():
            self._hold()
            produced = [
                (product.role, _sealed(product, self.run.activity, self.actor))
                for product in finished.products
            ]
            self._end_activity(Activity.ENDED, produced, summary)
            self.run.ended_at = timezone.now()
            self._move(states.SUCCEEDED, TrainingEvent.SUCCEEDED, fields=["ended_at"])
            recipes.go_on(self.run, actor=self.actor)
        folder.sweep(self.folder, outputs=True)

    def _fail(self, failure: Failure) -> None:
        self._end(states.FAILED, TrainingEvent.FAILED, failure)

    def _end(self, state: str, op: TrainingEvent, failure: Failure) -> None:
        """The end without a product: run and activity in one transaction, with the records that the job left."""
        summary = {"failure_class": failure.failure_class or None, **self._records_if_possible()}
        with transaction.atomic():
            self._hold()
            ended = Activity.CANCELLED if state == states.CANCELLED else Activity.FAILED
            self._end_activity(ended, [], summary)
            self.run.reason, self.run.failure_class = failure.reason, failure.failure_class
            self.run.ended_at = timezone.now()
            self._move(state, op, fields=["reason", "failure_class", "ended_at"])
        folder.sweep(self.folder, outputs=False)

    def _records_if_possible(self) -> dict[str, str]:
        try:
            return store.keep_records(self.folder)
        except OSError as error:
            logger.warning("the records of run %s could not be stored: %s", self.run.pk, error)
            return {}

    def _end_activity(
        self, state: str, produced: list[tuple[str, Version]], summary: Mapping[str, Any]
    ) -> None:
        if self.run.activity is not None:
            registry.end_activity(
                self.run.activity, state=state, produced=produced, summary=summary, actor=self.actor
            )

    def _stop_job(self) -> None:
        handle = self._lease().handle
        if handle:
            self.launcher.cancel(handle, force=True)

    def _hold(self) -> None:
        self.run = leases.hold(self.run, self.worker)

    def _move(
        self,
        after: str,
        op: TrainingEvent,
        *,
        fields: list[str] | None = None,
        summary: Mapping[str, Any] | None = None,
    ) -> None:
        move(self.run, after, op=op, actor=self.actor, fields=fields or [], summary=summary)

    def _lease(self) -> Lease:
        return Lease.objects.get(run=self.run)

    def _state(self) -> str:
        return Run.objects.values_list("state", flat=True).get(pk=self.run.pk)


def actor_of(run: Run) -> Actor:
    """The worker, acting for whoever asked for the run: that person counts as the author of what it makes."""
    asked = Entry.objects.get(object_type=Run.ledger_type, object_id=str(run.pk), rev=1).actor
    if "person:" not in asked:
        return Actor.system("worker")
    actor = Actor(f"system:worker for person:{run.requested_by}", run.requested_by)
    return actor.demo() if asked.startswith("demo ") else actor


def failure_of(error: Exception) -> Failure:
    """The class and the sentence for an error of ours while the run was in our hands."""
    if isinstance(error, WorkerLost):
        return Failure(
            "worker_lost", f"Worker lost: the job died with its worker {MAX_LAUNCHES} times. Retry the run."
        )
    if outcome.disk_is_full(error):
        return Failure("disk_full", f"The disk is full: {error}. Free some space and retry the run.")
    if isinstance(error, resolve.SpecRefused | endpoints.NotAllowed | MissingBlob):
        return Failure("bad_input", str(error))
    if isinstance(error, BadResult | BadModel | ContentError):
        return Failure("bad_result", str(error))
    logger.error("a run failed by an error of Charter", exc_info=error)
    return Failure(
        "bug",
        f"{type(error).__name__}: {error}. This is an error of Charter; the worker's log holds the trace.",
    )


def _sealed(product: stages.Product, activity: Activity | None, actor: Actor) -> Version:
    return registry.register(
        product.kind,
        product.slug,
        product.content,
        title=product.title,
        restricted=inheriting.is_restricted(product, activity),
        actor=actor,
        imported=False,
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
