"""Watching a run at a terminal, and working it off in this process where the installation has no service to rely on."""

import logging
import os
import socket
import sys
import threading
import time
from types import TracebackType
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from governance.ledger.actors import Actor
from governance.registry.actions import Refused
from training import actions, states, supervisor
from training.models import Run

logger = logging.getLogger("charter.training")

GLANCE_SECONDS = 0.5


def is_embedded() -> bool:
    """Whether the broker is a folder, so that there may be no worker at all."""
    return bool(settings.CELERY_BROKER_URL.startswith("filesystem:"))


def follow(run: Run, *, actor: Actor) -> Run:
    """Show `run` on standard error until it ends; returns its last state.

    With the embedded broker this process works the run off itself, unless a worker was faster: claiming is a
    compare-and-swap, so both may try. Ctrl-C then cancels the run, and a second one leaves it to the next worker. With
    a broker service this only watches, and Ctrl-C only stops watching.
    """
    if not is_embedded():
        return _watch_while_wanted(run)
    with _Helper(run) as helper:
        try:
            return _watch(run)
        except KeyboardInterrupt:
            helper.cancel(actor)
        run = _watch_while_wanted(run)
        if not run.has_ended:
            supervisor.detaching.set()
        return run


class _Helper(threading.Thread):
    """Works the run off, and keeps trying while another worker has it: that one may die."""

    def __init__(self, run: Run) -> None:
        super().__init__(name=f"run {run.pk}", daemon=True)
        self.run_id = run.pk
        self._left = threading.Event()

    def run(self) -> None:
        worker = f"{socket.gethostname()}:{os.getpid()}:follow"
        try:
            while not self._left.is_set() and not Run.objects.get(pk=self.run_id).has_ended:
                if not _execute(self.run_id, worker):
                    self._left.wait(GLANCE_SECONDS)
        finally:
            connection.close()

    def cancel(self, actor: Actor) -> None:
        try:
            actions.cancel(Run.objects.get(pk=self.run_id), actor=actor)
        except Refused as why:
            sys.stderr.write(f"{why}\n")

    def __enter__(self) -> "_Helper":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self.join()


def _execute(run_id: UUID, worker: str) -> bool:
    try:
        return supervisor.execute(run_id, worker)
    except DatabaseError as error:
        # The run keeps its state, and its lease runs out: the next try goes on from there.
        logger.warning("run %s could not be recorded, trying again: %s", run_id, error)
        return False


def _watch_while_wanted(run: Run) -> Run:
    """As `_watch`, but Ctrl-C only stops watching."""
    try:
        return _watch(run)
    except KeyboardInterrupt:
        return Run.objects.select_related("activity", "recipe").get(pk=run.pk)


def _watch(run: Run) -> Run:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}"),
        console=Console(stderr=True),
        transient=not sys.stderr.isatty(),
    ) as bars:
        bar = bars.add_task(run.label, total=None, said=run.state)
        while True:
            run = Run.objects.select_related("activity", "recipe").get(pk=run.pk)
            done = run.progress or {}
            bars.update(bar, completed=done.get("done", 0), total=done.get("total"), said=_said(run))
            if run.has_ended:
                return run
            time.sleep(GLANCE_SECONDS)


def _said(run: Run) -> str:
    """The state, or the newest measurement of a running job."""
    row = run.metrics.order_by("-seq").first() if run.state == states.RUNNING else None
    if row is None:
        return run.state
    name = "loss" if "loss" in row.values else min(row.values)
    return f"{name} {row.values[name][:6]}"


def outcome_of(run: Run) -> dict[str, Any]:
    """The run for scripts: identity, state and what it made."""
    return {
        "run": str(run.pk),
        "label": run.label,
        "stage": run.stage,
        "stage_name": run.stage_name or None,
        "state": run.state,
        "reason": run.reason or None,
        "failure_class": run.failure_class or None,
        "spec_digest": run.spec_digest,
        "activity": str(run.activity_id) if run.activity_id else None,
        "produced": run.activity.produced if run.activity else [],
    }


def sentence(run: Run) -> str:
    """The run for people, in one line."""
    made = ", ".join(str(edge["subject"]) for edge in (run.activity.produced if run.activity else []))
    if run.state == states.SUCCEEDED:
        return f"{run.label}: succeeded{f', made {made}' if made else ''} (run {run.pk}).{f' {run.reason}' if run.reason else ''}"
    if run.has_ended:
        return f"{run.label}: {run.state} (run {run.pk}). {run.reason}"
    if run.state != states.QUEUED:
        return f"{run.label}: {run.state} (run {run.pk}). It goes on in the hands of a worker."
    hint = " It begins as soon as a worker is free; `make serve` starts one." if is_embedded() else ""
    return f"{run.label}: queued (run {run.pk}).{hint}"
