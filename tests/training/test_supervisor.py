"""A worker and its job: what stands in rows, ledger and files when it goes well, and when it does not."""

import errno
import json
import os
import signal
import threading
from dataclasses import replace

import pytest
from django.db import connection

from governance.ledger import triggers
from governance.ledger.canonical import canonical, sha256_hex
from governance.registry import actions as registry
from governance.registry import blobs, lookup
from governance.registry.models import Activity, Production, Usage, Version
from tests.builders import ADA, MARA
from tests.training.faking import FAKE, activity_of, fresh, is_at_step, job_pid, ops, queued, until
from training import actions, folder, leases, stages, states, supervisor
from training.launchers import gpus

pytestmark = pytest.mark.usefixtures("committed_db")


def test_a_run_from_queue_to_sealed_version(tmp_path):
    run = queued(tmp_path)
    assert supervisor.execute(run.id, "worker")
    run = fresh(run)
    assert (run.state, run.reason, run.failure_class) == (states.SUCCEEDED, "", "")
    assert ops(run) == ["queued", "claimed", "starting", "launched", "succeeded"]
    made = lookup.find("model:tuned")
    assert (made.state, made.created_by, made.content["licence"], made.content["origin"]) == (
        "sealed",
        "ada",
        "Apache-2.0",
        "post-trained",
    )
    for entry in made.content["files"]:
        with blobs.opened(entry["sha256"]) as file:
            assert sha256_hex(file.read()) == entry["sha256"]


def test_the_activity_says_what_was_used_made_and_recorded(tmp_path):
    run = queued(tmp_path, steps=4)
    supervisor.execute(run.id, "worker")
    activity = activity_of(run)
    assert activity.state == Activity.ENDED
    assert activity.started_at <= activity.ended_at
    assert set(Usage.objects.filter(activity=activity).values_list("role", "version__artifact__slug")) == {
        ("init_from", "base"),
        ("trained_on", "chats"),
    }
    assert [one.version.subject for one in Production.objects.filter(activity=activity)] == ["model:tuned@1"]
    summary = activity.summary
    assert summary["params"] == {"steps": 4, "pause": "0.02", "mode": "good"}
    assert (summary["run"], summary["seed"], summary["spec_digest"], summary["stage"]) == (
        str(run.id),
        7,
        run.spec_digest,
        "fake",
    )
    assert summary["job"] == {"steps": 4, "first": 1}
    manifest = json.loads(blobs.read(summary["outputs"]["manifest_sha256"]))
    assert canonical(manifest) == blobs.read(summary["outputs"]["manifest_sha256"])
    assert manifest == lookup.find("model:tuned").content["files"]
    assert blobs.read(summary["metrics_sha256"]) == (folder.of(run) / "metrics.jsonl").read_bytes()
    assert json.loads(blobs.read(summary["config_sha256"])) == {"steps": 4}
    assert {"events_sha256"} <= summary.keys()


def test_a_stage_that_needs_no_device_runs_while_all_are_taken(tmp_path, monkeypatch, settings):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    needs: list[list[str]] = []
    kind = replace(FAKE, needs_device=lambda inputs: needs.append(sorted(inputs)) is not None)
    run = queued(tmp_path)
    monkeypatch.setitem(stages._stages, "fake", kind)
    taken = gpus.allot(settings.CHARTER_HOME / "gpu")
    assert taken
    with taken[1]:
        assert supervisor.execute(run.id, "worker")
    assert fresh(run).state == states.SUCCEEDED
    assert needs == [["init_from", "trained_on"]]


def test_what_the_job_tells_becomes_rows(tmp_path):
    run = queued(tmp_path, steps=5)
    supervisor.execute(run.id, "worker")
    assert [(row.step, row.values["loss"][:4]) for row in run.metrics.all()][:2] == [(1, "0.5"), (2, "0.33")]
    assert run.metrics.count() == 5
    names = list(run.events.values_list("name", flat=True))
    assert names[0] == "started"
    assert names[-1] == "finished"
    assert run.progress == {"done": 5, "total": 5, "unit": "step"}


def test_the_same_run_twice_makes_one_version(tmp_path):
    first = queued(tmp_path)
    second = queued(tmp_path)
    assert first.spec_digest == second.spec_digest
    supervisor.execute(first.id, "worker")
    supervisor.execute(second.id, "worker")
    assert Version.objects.filter(artifact__slug="tuned").count() == 1
    assert Production.objects.filter(version__artifact__slug="tuned").count() == 2


def test_two_workers_cannot_both_win(tmp_path):
    run = queued(tmp_path)
    won: list[bool] = []
    start = threading.Barrier(4)

    def work(name: str) -> None:
        start.wait()
        won.append(supervisor.execute(run.id, name))
        connection.close()

    workers = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert sorted(won) == [False, False, False, True]
    assert ops(run) == ["queued", "claimed", "starting", "launched", "succeeded"]


def test_a_run_that_has_ended_is_not_taken_again(tmp_path):
    run = queued(tmp_path)
    assert supervisor.execute(run.id, "worker")
    assert not supervisor.execute(run.id, "worker")


def test_a_killed_job_fails_its_run_with_the_reason(tmp_path):
    run = queued(tmp_path, mode="die")
    supervisor.execute(run.id, "worker")
    run = fresh(run)
    assert (run.state, run.failure_class) == (states.FAILED, "process_died")
    assert run.reason.startswith(
        "The job process ended with signal 9 (killed, or out of memory) and left no result."
    )
    activity = activity_of(run)
    assert (activity.state, activity.produced) == (Activity.FAILED, [])
    assert blobs.read(activity.summary["metrics_sha256"]).count(b"\n") == 2
    assert not Version.objects.filter(artifact__slug="tuned").exists()


def test_a_job_killed_from_outside_in_the_middle(tmp_path):
    run = queued(tmp_path, steps=200, pause="0.1")
    worker = threading.Thread(target=_work, args=(run,))
    worker.start()
    until(is_at_step(run, 2))
    os.killpg(job_pid(run), signal.SIGKILL)
    worker.join()
    run = fresh(run)
    assert (run.state, run.failure_class) == (states.FAILED, "process_died")


def test_a_job_stopped_from_outside_goes_on_where_it_was(tmp_path):
    run = queued(tmp_path, steps=12, pause="0.1")
    worker = threading.Thread(target=_work, args=(run,))
    worker.start()
    until(is_at_step(run, 3))
    os.killpg(job_pid(run), signal.SIGTERM)
    worker.join()
    run = fresh(run)
    assert run.state == states.SUCCEEDED
    assert ops(run) == ["queued", "claimed", "starting", "launched", "starting", "launched", "succeeded"]
    assert activity_of(run).summary["job"]["first"] > 3
    assert sorted(set(run.metrics.values_list("step", flat=True))) == list(range(1, 13))


def test_a_job_that_fails_says_why(tmp_path):
    run = queued(tmp_path, mode="fail")
    supervisor.execute(run.id, "worker")
    run = fresh(run)
    assert (run.state, run.failure_class) == (states.FAILED, "bug")
    assert "the loss is no number" in run.reason


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("lie", "The output config.json has changed since the job hashed it"),
        ("extra", "did not list its output late.txt"),
    ],
)
def test_outputs_that_are_not_what_the_result_says_are_not_sealed(tmp_path, mode, said):
    run = queued(tmp_path, mode=mode)
    supervisor.execute(run.id, "worker")
    run = fresh(run)
    assert (run.state, run.failure_class) == (states.FAILED, "bad_result")
    assert said in run.reason
    assert activity_of(run).state == Activity.FAILED
    assert not Version.objects.filter(artifact__slug="tuned").exists()


def test_a_full_disk_fails_the_run_and_a_retry_succeeds(tmp_path, monkeypatch):
    run = queued(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(blobs, "put", _disk_full)
        supervisor.execute(run.id, "worker")
    run = fresh(run)
    assert (run.state, run.failure_class) == (states.FAILED, "disk_full")
    assert "Free some space and retry the run" in run.reason
    again = actions.retry(run, actor=ADA)
    supervisor.execute(again.id, "worker")
    assert fresh(again).state == states.SUCCEEDED
    assert fresh(again).retry_of == run


def test_a_full_disk_while_the_inputs_are_laid_out(tmp_path, monkeypatch):
    run = queued(tmp_path)
    monkeypatch.setattr(blobs, "lay_out", _disk_full)
    supervisor.execute(run.id, "worker")
    assert fresh(run).failure_class == "disk_full"
    assert activity_of(run).state == Activity.FAILED


def test_an_input_revoked_while_the_run_waited(tmp_path):
    run = queued(tmp_path)
    registry.revoke(lookup.find("dataset:chats"), reason="no licence", actor=MARA)
    supervisor.execute(run.id, "worker")
    run = fresh(run)
    assert (run.state, run.failure_class) == (states.FAILED, "bad_input")
    assert "dataset:chats@1 was revoked" in run.reason
    assert run.activity is None


def test_a_stage_that_this_worker_does_not_know(tmp_path, monkeypatch):
    run = queued(tmp_path)
    monkeypatch.delitem(stages._stages, "fake")
    supervisor.execute(run.id, "worker")
    run = fresh(run)
    assert (run.state, run.failure_class) == (states.FAILED, "bad_input")
    assert "There is no stage 'fake'" in run.reason


def test_an_input_whose_blob_was_altered(tmp_path):
    run = queued(tmp_path)
    entry = lookup.find("dataset:chats").content["files"][0]
    path = blobs.store().path(blobs.place(entry["sha256"]))
    os.chmod(path, 0o644)
    with open(path, "ab") as file:
        file.write(b"\n{}")
    supervisor.execute(run.id, "worker")
    run = fresh(run)
    assert (run.state, run.failure_class) == (states.FAILED, "bad_input")
    assert "no longer has the digest" in run.reason


def test_a_worker_that_lost_its_lease_touches_nothing(tmp_path):
    run = queued(tmp_path, steps=200, pause="0.1")
    worker = threading.Thread(target=_work, args=(run,))
    worker.start()
    until(is_at_step(run, 2))
    leases.Lease.objects.filter(run=run).update(worker="somebody else")
    worker.join()
    assert fresh(run).state == states.RUNNING
    assert os.path.exists(f"/proc/{job_pid(run)}")
    os.killpg(job_pid(run), signal.SIGKILL)


def test_the_ledger_and_the_triggers_accept_all_of_it(tmp_path):
    for mode in ("good", "fail"):
        supervisor.execute(queued(tmp_path, mode=mode).id, "worker")
    assert triggers.missing(connection) == []
    assert all(not run.ledger_faults() for run in leases.Run.objects.all())


def _work(run):
    supervisor.execute(run.id, "worker")
    connection.close()


def _disk_full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")
