"""Messages to workers. A message is only a hint that there is something to do; the database row is the truth."""

import logging
from uuid import UUID

from celery import current_app
from django.utils import timezone
from kombu.exceptions import OperationalError

from training.models import Lease

logger = logging.getLogger("charter.training")

EXECUTE = "training.execute_run"


def send(run_id: UUID) -> None:
    """Tell the workers about a run. A broker that cannot be reached is no error here: the reaper sends again."""
    Lease.objects.filter(run_id=run_id).update(sent_at=timezone.now())
    try:
        current_app.send_task(EXECUTE, [str(run_id)], ignore_result=True, retry=False)
    except (OSError, OperationalError) as error:
        logger.warning(
            "no message about run %s could be sent (%s); the reaper will send it again", run_id, error
        )
