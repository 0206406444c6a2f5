"""Cancelling: before, while and after a job runs, by those who may."""

import threading

import pytest
from django.core.management import call_command
from django.db import connection

from governance.registry.actions import Refused
from governance.registry.models import Activity, Version
from tests.builders import ADA, MARA
from tests.cast import gather
from tests.training.faking import activity_of, fake, fresh, is_at_step, ops, queued, until
from training import actions, folder, states, supervisor

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def running(tmp_path):
    """Starts a run with the given parameters; returns it once it has made two steps."""
    threads = []

    def start(**params):
        run = queued(tmp_path, steps=300, pause="0.1", **params)
        threads.append(threading.Thread(target=_work, args=(run,)))
        threads[-1].start()
        until(is_at_step(run, 2))
        return run

    yield start
    for thread in threads:
        thread.join()


def _work(run):
    supervisor.execute(run.id, "worker")
    connection.close()


def test_a_queued_run_is_cancelled_at_once(tmp_path):
    run = actions.cancel(queued(tmp_path), actor=MARA)
    assert (run.state, run.reason) == (states.CANCELLED, "Cancelled before it began.")
    assert ops(run) == ["queued", "cancelled"]
    assert not supervisor.execute(run.id, "worker")
    assert not folder.of(run).exists()


def test_a_running_job_stops_between_two_steps(running):
    run = running()
    assert actions.cancel(run, actor=ADA).state == states.CANCELLING
    until(lambda: fresh(run).has_ended)
    run = fresh(run)
    assert run.state == states.CANCELLED
    assert ops(run) == ["queued", "claimed", "starting", "launched", "cancel-asked", "cancelled"]
    activity = activity_of(run)
    assert (activity.state, activity.produced) == (Activity.CANCELLED, [])
    assert "metrics_sha256" in activity.summary
    assert not Version.objects.filter(artifact__slug="tuned").exists()


def test_a_job_that_does_not_listen_is_ended(running, monkeypatch):
    monkeypatch.setattr(supervisor, "CANCEL_GRACE_SECONDS", 0.3)
    run = running(mode="stubborn")
    actions.cancel(run, actor=ADA)
    until(lambda: fresh(run).has_ended)
    assert (fresh(run).state, fresh(run).reason) == (states.CANCELLED, "Stopped on request.")


def test_cancelled_while_the_inputs_are_laid_out(tmp_path, monkeypatch):
    run = queued(tmp_path)
    prepare = folder.prepare

    def cancelled_meanwhile(*args):
        actions.cancel(run, actor=ADA)
        return prepare(*args)

    monkeypatch.setattr(folder, "prepare", cancelled_meanwhile)
    supervisor.execute(run.id, "worker")
    assert fresh(run).state == states.CANCELLED
    assert fresh(run).metrics.count() == 0


def test_a_run_over_its_time_limit_is_stopped_and_fails(tmp_path):
    draft = fake(tmp_path, steps=300, pause="0.1")
    draft = draft.model_copy(update={"limits": draft.limits.model_copy(update={"wall_seconds": 1})})
    run = actions.queue(draft, actor=ADA)
    supervisor.execute(run.id, "worker")
    run = fresh(run)
    assert (run.state, run.failure_class) == (states.FAILED, "time_limit")
    assert "limit of 1 s" in run.reason


def test_nothing_is_cancelled_twice_or_after_its_end(running, tmp_path):
    run = running(mode="stubborn")
    actions.cancel(run, actor=ADA)
    with pytest.raises(Refused, match="already being cancelled"):
        actions.cancel(run, actor=ADA)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervisor, "CANCEL_GRACE_SECONDS", 0)
        until(lambda: fresh(run).has_ended)
    with pytest.raises(Refused, match="has already been cancelled"):
        actions.cancel(run, actor=ADA)


def test_only_what_failed_or_was_cancelled_is_retried(tmp_path):
    run = queued(tmp_path)
    with pytest.raises(Refused, match="only a failed or cancelled run"):
        actions.retry(run, actor=ADA)
    again = actions.retry(actions.cancel(run, actor=ADA), actor=ADA)
    assert (again.state, again.retry_of, again.spec_digest) == (states.QUEUED, run, run.spec_digest)
    with pytest.raises(Refused, match=f"retried already: run {again.pk} is queued"):
        actions.retry(run, actor=ADA)
    actions.cancel(again, actor=ADA)
    assert actions.retry(run, actor=ADA).retry_of == run


def test_the_command(tmp_path, capsys):
    gather()
    run = queued(tmp_path)
    call_command("cancel", str(run.id)[:8], "--as", "mara")
    assert f"cancelled (run {run.id})" in capsys.readouterr().out
    assert fresh(run).state == states.CANCELLED


@pytest.mark.parametrize(
    ("person", "text", "said"),
    [
        ("ravi", "", "needs the group engineer or release-manager"),
        ("ada", "3f", "too short"),
        ("ada", "ffffffff", "There is no run"),
    ],
)
def test_the_command_refuses(tmp_path, capsys, person, text, said):
    gather()
    run = queued(tmp_path)
    with pytest.raises(SystemExit) as stop:
        call_command("cancel", text or str(run.id), "--as", person)
    assert stop.value.code == 1
    assert said in capsys.readouterr().err
    assert fresh(run).state == states.QUEUED
