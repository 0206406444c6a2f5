"""The job's contract: its files, its exit codes, and a result whatever happens."""

import hashlib
import json
import time
from pathlib import Path

import pytest

from governance.ledger.canonical import canonical, loads
from tests.training.jobs import events, lines, result, run_here, used, write_job
from training.runner import job as job_module

pytestmark = pytest.mark.usefixtures("keep_signals")


def act(folder: Path, name: str, **inputs: list) -> int:
    return run_here(write_job(folder, "tests.training.scripted", params={"act": name}, inputs=inputs))


def test_a_good_job_leaves_all_its_files(tmp_path):
    assert act(tmp_path, "succeed") == 0
    told = result(tmp_path)
    assert (told["status"], told["reason"], told["failure_class"]) == ("succeeded", None, None)
    assert [row["path"] for row in told["outputs"]] == ["a.txt", "deep/b.txt"]
    assert told["outputs"][0]["sha256"] == hashlib.sha256(b"a").hexdigest()
    assert told["summary"] == {"score": "0.30000000000000004", "nothing": None}
    assert lines(tmp_path / "metrics.jsonl")[0]["values"] == {"loss": "0.0000001", "count": "3"}
    assert events(tmp_path, "not_finite")[0]["values"] == {"odd": "nan", "big": "inf"}
    assert [event["event"] for event in lines(tmp_path / "events.jsonl")][::2] == [
        "started",
        "not_finite",
        "progress",
    ]
    assert (tmp_path / "heartbeat").exists()


def test_what_is_written_has_a_canonical_form(tmp_path):
    act(tmp_path, "succeed")
    for text in [
        (tmp_path / "result.json").read_text(),
        *(tmp_path / "events.jsonl").read_text().splitlines(),
    ]:
        assert canonical(loads(text))


def test_progress_is_told_sparingly_but_the_last_step_always(tmp_path):
    act(tmp_path, "succeed")
    told = [event["done"] for event in events(tmp_path, "progress")]
    assert told[-1] == 100
    assert len(told) <= 3


def test_the_environment_is_written_and_holds_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARTER_SECRET_TOKEN", "hunter2")
    act(tmp_path, "succeed")
    text = (tmp_path / "environment.json").read_text()
    told = json.loads(text)
    assert "hunter2" not in text
    assert told["packages"]["torch"].startswith("2.")
    assert len(told["code"]["digest"]) == 64
    assert told["processor"]["capability"]
    assert told["variables"]["HF_HUB_OFFLINE"] == "1"


@pytest.mark.parametrize(
    ("name", "failure_class", "words"),
    [
        ("refuse", "bad_input", "needs exactly one input as init_from; the run names 0"),
        ("chained", "bad_input", "model:a@1 cannot be loaded."),
        ("fill_disk", "disk_full", "The disk is full"),
        ("fill_memory", "out_of_memory", "Lower per_device_batch_size"),
        ("break_down", "bug", "KeyError: 'absent'"),
        ("no_such_act", "bug", "KeyError: 'no_such_act'"),
    ],
)
def test_a_failure_is_classed_and_explained(tmp_path, name, failure_class, words):
    assert act(tmp_path, name) == 1
    told = result(tmp_path)
    assert (told["status"], told["failure_class"]) == ("failed", failure_class)
    assert words in told["reason"]
    assert events(tmp_path, "failed")[0]["reason"] == told["reason"]


def test_a_module_that_does_not_exist_is_a_failed_run_not_a_lost_one(tmp_path):
    assert run_here(write_job(tmp_path, "training.runner.nonesuch", params={})) == 1
    assert "nonesuch" in result(tmp_path)["reason"]


def test_sigterm_before_anything_was_saved_cancels(tmp_path):
    assert act(tmp_path, "stop") == 0
    assert result(tmp_path)["status"] == "cancelled"
    assert not [event for event in events(tmp_path, "phase") if event["name"] == "never"]


def test_a_second_start_forgets_the_old_result_and_outputs(tmp_path):
    act(tmp_path, "succeed")
    assert act(tmp_path, "refuse") == 1
    assert result(tmp_path)["outputs"] == []
    assert len(events(tmp_path, "started")) == 2


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"run": "a"}', "\xff"])
def test_a_folder_that_is_no_job_is_refused_untouched(tmp_path, capsys, text):
    folder = tmp_path / "job"
    folder.mkdir()
    if text is not None:
        (folder / "job.json").write_text(text, encoding="latin-1")
    assert run_here(folder) == 2
    assert "job.json" in capsys.readouterr().err
    assert {path.name for path in folder.iterdir()} <= {"job.json"}


@pytest.mark.parametrize("name", ["result.json.part", "events.jsonl"])
def test_a_disk_too_full_for_the_result_is_said_on_standard_error(tmp_path, capsys, name):
    (tmp_path / name).symlink_to("/dev/full")
    assert act(tmp_path, "succeed") == 3
    assert "No space left on device" in capsys.readouterr().err
    assert not (tmp_path / "result.json").exists()


def test_an_input_whose_files_are_gone_is_named(tmp_path):
    gone = job_module.JobInput(**used("dataset:rows@1", tmp_path / "gone.jsonl"))
    with pytest.raises(job_module.BadInput, match="dataset:rows@1"):
        gone.files_at()


def test_the_heart_beats_while_the_job_works(tmp_path, monkeypatch):
    monkeypatch.setattr(job_module, "HEARTBEAT_SECONDS", 0.01)
    job = job_module.Job(write_job(tmp_path, "unused", params={}))
    job.start()
    before = (tmp_path / "heartbeat").stat().st_mtime_ns
    time.sleep(0.1)
    assert (tmp_path / "heartbeat").stat().st_mtime_ns > before
    job.finish("succeeded")


def test_only_rank_zero_writes(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    job = job_module.Job(write_job(tmp_path / "job", "unused", params={}))
    job.start()
    job.event("log", message="from rank 1")
    job.finish("succeeded")
    assert {path.name for path in job.folder.iterdir()} == {"job.json"}
