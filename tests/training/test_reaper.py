"""Workers that die: whatever line they die at, the next one finds the run and ends it once."""

import os
import signal
from datetime import timedelta

import pytest
from django.utils import timezone

from governance.registry.models import Activity, Production, Version
from tests.builders import ADA
from tests.training.faking import activity_of, fresh, is_at_step, job_pid, ops, queued, until, worker
from training import actions, dispatch, folder, leases, reaper, recipes, states, store, supervisor
from training.launchers import local
from training.models import Lease, MetricRow

pytestmark = pytest.mark.usefixtures("committed_db")


class Killed(BaseException):
    """Stands for the end of the worker: nothing of ours catches it."""


@pytest.fixture
def sent(monkeypatch) -> list[str]:
    """Ids of the runs that a message was sent for."""
    messages: list[str] = []
    monkeypatch.setattr(dispatch.current_app, "send_task", lambda name, args, **_: messages.append(args[0]))
    return messages


def stop_beating(run) -> None:
    Lease.objects.filter(run=run).update(heartbeat_at=timezone.now() - timedelta(minutes=5))


def test_a_job_outlives_its_worker_and_the_next_one_adopts_it(tmp_path, sent):
    run = queued(tmp_path, steps=60, pause="0.1")
    doomed = worker(run, RUN_LEASE_SECONDS="2")
    until(is_at_step(run, 3))
    pid = job_pid(run)
    doomed.kill()
    doomed.wait()
    assert not supervisor.execute(run.id, "too early")
    until(lambda: leases.is_stale(Lease.objects.get(run=run)))
    Lease.objects.filter(run=run).update(sent_at=run.created_at - timedelta(seconds=9))
    assert local.is_alive(Lease.objects.get(run=run).handle)
    sent.clear()
    assert reaper.reap() == 1
    assert sent == [str(run.id)]
    assert reaper.reap() == 0
    assert supervisor.execute(run.id, "second")
    assert job_pid(run) == pid
    assert fresh(run).state == states.SUCCEEDED
    assert ops(run) == ["queued", "claimed", "starting", "launched", "taken-over", "succeeded"]
    assert activity_of(run).state == Activity.ENDED
    assert list(run.metrics.values_list("step", flat=True)) == list(range(1, 61))


def test_worker_and_job_killed_together_start_once_more(tmp_path):
    run = queued(tmp_path, steps=12, pause="0.1")
    doomed = worker(run)
    until(is_at_step(run, 3))
    doomed.kill()
    os.killpg(job_pid(run), signal.SIGKILL)
    doomed.wait()
    stop_beating(run)
    assert supervisor.execute(run.id, "second")
    run = fresh(run)
    assert run.state == states.SUCCEEDED
    assert ops(run) == [
        "queued",
        "claimed",
        "starting",
        "launched",
        "taken-over",
        "starting",
        "launched",
        "succeeded",
    ]
    assert activity_of(run).summary["job"]["first"] > 1
    assert run.lease.attempts == 2
    assert set(run.metrics.values_list("step", flat=True)) == set(range(1, 13))


@pytest.mark.slow
def test_a_job_lost_with_its_worker_twice_fails(tmp_path):
    run = queued(tmp_path, steps=300, pause="0.1")
    for _ in range(2):
        seen = MetricRow.objects.filter(run=run).count()
        doomed = worker(run)
        until(lambda seen=seen: MetricRow.objects.filter(run=run).count() > seen + 1)
        doomed.kill()
        os.killpg(job_pid(run), signal.SIGKILL)
        doomed.wait()
        stop_beating(run)
    assert supervisor.execute(run.id, "third")
    run = fresh(run)
    assert (run.state, run.failure_class) == (states.FAILED, "worker_lost")
    assert run.reason.startswith("Worker lost")
    assert activity_of(run).state == Activity.FAILED


@pytest.mark.slow
def test_a_job_that_finished_alone_is_sealed_by_the_next_worker(tmp_path):
    run = queued(tmp_path, steps=10, pause="0.1")
    doomed = worker(run)
    until(is_at_step(run, 2))
    doomed.kill()
    doomed.wait()
    until((folder.of(run) / "result.json").exists)
    stop_beating(run)
    assert supervisor.execute(run.id, "second")
    assert fresh(run).state == states.SUCCEEDED
    assert run.metrics.count() == 10
    assert Version.objects.filter(artifact__slug="tuned").count() == 1


@pytest.mark.slow
def test_a_worker_asked_to_stop_leaves_its_job_to_the_next_one_at_once(tmp_path, monkeypatch):
    run = queued(tmp_path, steps=40, pause="0.1")
    record = store.Recorder.record

    def record_then_stop(recorder):
        record(recorder)
        if is_at_step(run, 2)():
            supervisor.detaching.set()

    with monkeypatch.context() as stopping:
        stopping.setattr(store.Recorder, "record", record_then_stop)
        assert supervisor.execute(run.id, "first")
    assert fresh(run).state == states.RUNNING
    supervisor.detaching.clear()
    assert supervisor.execute(run.id, "second")
    assert fresh(run).state == states.SUCCEEDED
    assert fresh(run).lease.attempts == 1


def test_a_run_cancelled_while_nobody_worked_on_it(tmp_path):
    run = queued(tmp_path, steps=300, pause="0.1")
    doomed = worker(run)
    until(is_at_step(run, 2))
    doomed.kill()
    doomed.wait()
    actions.cancel(run, actor=ADA)
    stop_beating(run)
    assert supervisor.execute(run.id, "second")
    assert fresh(run).state == states.CANCELLED
    assert activity_of(run).state == Activity.CANCELLED
    assert not local.is_alive(Lease.objects.get(run=run).handle)


def _die(*_, **__):
    raise Killed


def _before(module, name):
    return lambda patch: patch.setattr(module, name, _die)


def _after(module, name):
    def arrange(patch):
        real = getattr(module, name)

        def then_die(*args, **kwargs):
            real(*args, **kwargs)
            raise Killed

        patch.setattr(module, name, then_die)

    return arrange


def _at_the_gate(patch):
    """The worker's end closes its side of the pipe, and with it the gate."""

    def close_then_die(launcher, handle):
        launcher._children[handle["pid"]].stdin.close()
        launcher._children[handle["pid"]].wait()
        raise Killed

    patch.setattr(local.LocalLauncher, "release", close_then_die)


DEATHS = {
    "before the activity starts": _before(supervisor.registry, "start_activity"),
    "inside the transaction that starts it": _after(supervisor.registry, "start_activity"),
    "before the inputs are laid out": _before(folder, "prepare"),
    "after they are": _after(folder, "prepare"),
    "before the process exists": _before(local.LocalLauncher, "start"),
    "before the launch is recorded": _before(supervisor.Supervision, "_note_launch"),
    "after it is, at the gate": _at_the_gate,
    "while the job is watched": _before(supervisor.Supervision, "_watch"),
    "before the outputs are checked": _before(supervisor.outcome, "check_outputs"),
    "before the outputs are stored": _before(store, "keep_outputs"),
    "after they are stored": _after(store, "keep_outputs"),
    "before the versions are sealed": _before(supervisor, "_sealed"),
    "after, inside the transaction": _after(supervisor, "_sealed"),
    "at the end of the transaction": _after(recipes, "go_on"),
    "after the commit": _before(folder, "sweep"),
}


@pytest.mark.parametrize("arrange", DEATHS.values(), ids=DEATHS)
def test_a_worker_may_die_at_any_line(tmp_path, monkeypatch, arrange):
    run = queued(tmp_path)
    with monkeypatch.context() as patch:
        arrange(patch)
        with pytest.raises(Killed):
            supervisor.execute(run.id, "first")
    stop_beating(run)
    supervisor.execute(run.id, "second")
    run = fresh(run)
    assert (run.state, run.reason) == (states.SUCCEEDED, "")
    assert activity_of(run).state == Activity.ENDED
    assert ops(run).count("succeeded") == 1
    assert Version.objects.filter(artifact__slug="tuned").count() == 1
    assert Production.objects.filter(activity=run.activity).count() == 1
    assert sorted(run.metrics.values_list("step", flat=True)) == [1, 2, 3]


def test_a_lost_message_is_sent_again_after_pauses_that_double(tmp_path, sent):
    run = queued(tmp_path)
    sent.clear()
    assert reaper.reap() == 0
    now, pauses = timezone.now(), []
    age = 0.0
    for _ in range(5):
        pause = next(
            seconds for seconds in range(10, 4000, 10) if reaper._is_due(_aged(run, now, age, seconds), now)
        )
        pauses.append(pause)
        age += pause
    assert pauses == [60, 60, 120, 240, 480]
    Lease.objects.filter(run=run).update(sent_at=now - timedelta(seconds=61))
    assert reaper.reap() == 1
    assert sent == [str(run.id)]


def _aged(run, now, sent_after, since):
    run.created_at = now - timedelta(seconds=sent_after + since)
    run.lease.sent_at = now - timedelta(seconds=since)
    return run


def test_a_broker_that_is_away_costs_only_time(tmp_path, monkeypatch):
    def away(*_, **__):
        raise OSError("no broker")

    monkeypatch.setattr(dispatch.current_app, "send_task", away)
    run = queued(tmp_path)
    assert fresh(run).state == states.QUEUED


@pytest.mark.slow
def test_a_job_on_another_host_is_left_alone_while_its_heart_beats(tmp_path):
    run = queued(tmp_path, steps=300, pause="0.1")
    doomed = worker(run)
    until(is_at_step(run, 1))
    doomed.kill()
    doomed.wait()
    pid = job_pid(run)
    lease = Lease.objects.get(run=run)
    lease.handle["host"] = "elsewhere"
    lease.save()
    stop_beating(run)
    assert not supervisor.execute(run.id, "second")
    os.killpg(pid, signal.SIGKILL)
    beat = folder.of(run) / "heartbeat"
    os.utime(beat, (0, 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervisor.Supervision, "_launch", _die)
        with pytest.raises(Killed):
            supervisor.execute(run.id, "third")
