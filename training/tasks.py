"""Celery's door to the supervisor."""

import os
import socket
from uuid import UUID

from celery import shared_task

from training import dispatch, supervisor


@shared_task(name=dispatch.EXECUTE, acks_late=True, ignore_result=True)  # type: ignore[untyped-decorator]
def execute_run(run_id: str) -> None:
    """Take the run and see it through. A message that comes late, or twice, finds nothing to do."""
    supervisor.execute(UUID(run_id), f"{socket.gethostname()}:{os.getpid()}")
