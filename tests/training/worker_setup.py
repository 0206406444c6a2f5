"""What a test's worker process loads first (`celery worker --include`): the fake stage, and shorter waits."""

import django

from config import celery
from tests.training import faking
from training import supervisor
from training.launchers import local

django.setup()
faking.install()
celery.REAP_SECONDS = 1
supervisor.TICK_SECONDS = 0.05
local.RUNNER = faking.FAST_RUNNER
