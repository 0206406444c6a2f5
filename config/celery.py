"""Celery: a folder as broker by default, any other by its URL. Workers run jobs in threads and reap beside them.

Threads, because a supervisor only waits for its job process, reads files and writes rows: one process of 135 MB
then serves every slot of the host. A job is a process of its own, so nothing heavy ever runs in here.

The reaper is a timer of each worker rather than a task: with one slot, a task would queue behind a job of ten hours. It
only sends messages, so any number of workers may reap.
"""

import logging
import os
from typing import Any

from celery import Celery, bootsteps, signals
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
logger = logging.getLogger("charter.training")

REAP_SECONDS = 10
CANARY_SECONDS = 60


def configuration() -> dict[str, Any]:
    """Read when Celery first needs it: by then Django's settings are there."""
    embedded = settings.CELERY_BROKER_URL.startswith("filesystem:")
    return {
        # Without a host name kombu warns at each connection.
        "broker_url": "filesystem://localhost//" if embedded else settings.CELERY_BROKER_URL,
        # A request that finds the broker away must not wait for it: the reaper sends the message again.
        "broker_transport_options": _folders() if embedded else {"max_retries": 1, "interval_start": 0},
        "broker_connection_retry_on_startup": True,
        "task_acks_late": True,
        "task_ignore_result": True,
        "task_default_queue": "charter",
        "worker_pool": "threads",
        "worker_concurrency": settings.CHARTER_SLOTS,
        "worker_prefetch_multiplier": 1,
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


def _folders() -> dict[str, Any]:
    broker = settings.CHARTER_HOME / "broker"
    for name in ("messages", "processed", "control"):
        (broker / name).mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(broker / "messages"),
        "data_folder_out": str(broker / "messages"),
        "processed_folder": str(broker / "processed"),
        "control_folder": str(broker / "control"),
        "polling_interval": 0.5,
    }


class Reaper(bootsteps.StartStopStep):  # type: ignore[misc]
    """Reaps every REAP_SECONDS as long as the worker lives."""

    requires = {"celery.worker.components:Timer"}

    def start(self, worker: Any) -> None:
        self.timer = worker.timer.call_repeatedly(REAP_SECONDS, reap)

    def stop(self, worker: Any) -> None:
        self.timer.cancel()


def reap() -> None:
    """One round of the reaper. An error is logged, and the next round tries again."""
    from django.db import close_old_connections

    from training.reaper import reap as round_of_reaping

    close_old_connections()
    try:
        round_of_reaping()
    except Exception:
        logger.exception("the reaper failed; it tries again in %s s", REAP_SECONDS)
    finally:
        close_old_connections()


class Canaries(bootsteps.StartStopStep):  # type: ignore[misc]
    """Asks canaries that are due every CANARY_SECONDS as long as the worker lives. Any number of workers may."""

    requires = {"celery.worker.components:Timer"}

    def start(self, worker: Any) -> None:
        self.timer = worker.timer.call_repeatedly(CANARY_SECONDS, ask_canaries)

    def stop(self, worker: Any) -> None:
        self.timer.cancel()


def ask_canaries() -> None:
    """One round of canaries. An error is logged, and the next round tries again."""
    from django.db import close_old_connections

    from evals.canaries_turn import beat

    close_old_connections()
    try:
        beat()
    except Exception:
        logger.exception("no canary was asked; it is tried again in %s s", CANARY_SECONDS)
    finally:
        close_old_connections()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def leave_jobs(**_: Any) -> None:
    """The worker was asked to stop: jobs go on without it, and the next worker finds them."""
    from training.supervisor import detaching

    detaching.set()


app = Celery("charter")
app.add_defaults(configuration)
app.steps["worker"].add(Reaper)
app.steps["worker"].add(Canaries)
app.autodiscover_tasks()
