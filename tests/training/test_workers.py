"""Real worker processes on a real broker: one is killed in the middle, the next one finishes, and nothing is doubled."""

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from governance.ledger import audit, keys
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.registry.models import Activity, Production, Version
from tests import builders
from tests.training.faking import REPO, activity_of, fresh, is_at_step, job_pid, ops, until
from training import states
from training.launchers import local
from training.models import Lease, MetricRow, Run, RunEvent

STEPS = 60
# In a process of its own: this one's Celery keeps the broker of whichever test used it first.
QUEUE = """
import sys, django; django.setup()
from tests.training import faking; faking.install()
from tests.builders import ADA
from training import actions, dispatch
run = actions.queue(faking.spec(steps=int(sys.argv[1]), pause="0.1"), actor=ADA)
dispatch.send(run.pk)
print(run.pk)
"""


@pytest.fixture(autouse=True)
def _environment(profile, monkeypatch):
    monkeypatch.setenv("RUN_LEASE_SECONDS", "2")
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "config.settings")
    keys.generate()


@pytest.fixture
def start(home):
    """Starts a worker as `make serve` does; all of them end with the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(working(home / "worker.log"))


@contextmanager
def working(log: Path):
    command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--loglevel", "INFO"]
    with log.open("ab") as file:
        process = subprocess.Popen(
            [*command, "--include", "tests.training.worker_setup"], cwd=REPO, stdout=file, stderr=file
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def queued_with_two_messages(folder: Path) -> Run:
    builders.model(folder)
    builders.dataset(folder)
    told = subprocess.check_output([sys.executable, "-c", QUEUE, str(STEPS)], cwd=REPO, text=True)
    return Run.objects.get(pk=UUID(told.split()[-1]))


def nothing_is_doubled(run: Run) -> None:
    assert ops(run).count("succeeded") == ops(run).count("queued") == 1
    assert Version.objects.filter(artifact__slug="tuned").count() == 1
    assert Production.objects.filter(activity=run.activity).count() == 1
    assert activity_of(run).state == Activity.ENDED
    assert Lease.objects.count() == Run.objects.count() == 1
    assert RunEvent.objects.filter(run=run, name="finished").count() == 1
    settle()
    assert audit.run().problems == []


def test_a_worker_killed_in_the_middle_of_a_run(start, tmp_path):
    run = queued_with_two_messages(tmp_path)
    first = start()
    until(is_at_step(run, 3), 60)
    pid = job_pid(run)
    first.kill()
    start()
    until(lambda: fresh(run).has_ended, 60)
    run = fresh(run)
    assert (run.state, run.reason) == (states.SUCCEEDED, "")
    assert ops(run) == ["queued", "claimed", "starting", "launched", "taken-over", "succeeded"]
    assert job_pid(run) == pid
    assert list(run.metrics.values_list("step", flat=True)) == list(range(1, STEPS + 1))
    nothing_is_doubled(run)


@pytest.mark.slow
def test_a_worker_killed_together_with_its_job(start, tmp_path):
    run = queued_with_two_messages(tmp_path)
    first = start()
    until(is_at_step(run, 3), 60)
    first.kill()
    local.LocalLauncher().cancel(Lease.objects.get(run=run).handle, force=True)
    start()
    until(lambda: fresh(run).has_ended, 60)
    run = fresh(run)
    assert (run.state, run.reason, run.lease.attempts) == (states.SUCCEEDED, "", 2)
    assert run.activity.summary["job"]["first"] > 1
    assert set(MetricRow.objects.values_list("step", flat=True)) == set(range(1, STEPS + 1))
    assert Entry.objects.filter(op="registry:activity:started", object_id=str(run.activity_id)).count() == 1
    nothing_is_doubled(run)
