"""The launcher of local processes: the gate, identities, groups, environment and GPU locks."""

import os
import subprocess
import sys
import time

import pytest

from tests.training.faking import REPO, until
from training.launchers import gpus, local
from training.launchers.base import Ended, NoFreeDevice
from training.launchers.environment import job_environment
from training.launchers.local import LocalLauncher, is_alive, started


@pytest.fixture
def launcher(monkeypatch) -> LocalLauncher:
    """Launches a module that only sleeps."""
    monkeypatch.setattr(local, "RUNNER", "tests.training.sleeper")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return LocalLauncher()


def environment(tmp_path):
    return job_environment(REPO, tmp_path)


def ended(launcher, handle) -> Ended:
    until(lambda: launcher.poll(handle, 0) is not None or not is_alive(handle))
    return launcher.poll(handle, 0)


def test_a_job_waits_at_the_gate_until_it_is_released(tmp_path, launcher):
    handle = launcher.start(tmp_path, environment(tmp_path), device=True)
    assert launcher.poll(handle, 0.3) is None
    assert not (tmp_path / "begun").exists()
    launcher.release(handle)
    until((tmp_path / "begun").exists)
    launcher.cancel(handle, force=True)
    assert launcher.poll(handle, 5) == Ended(-9)


def test_a_job_whose_worker_dies_before_the_gate_opens_never_begins(tmp_path):
    code = (
        "import os, sys, pathlib, django; django.setup()\n"
        "from training.launchers import local; from training.launchers.environment import job_environment\n"
        "folder = pathlib.Path(sys.argv[1]); local.RUNNER = 'tests.training.sleeper'\n"
        "handle = local.LocalLauncher().start(folder, job_environment(pathlib.Path.cwd(), folder), device=True)\n"
        "print(handle['pid'], flush=True); os.kill(os.getpid(), 9)\n"
    )
    found = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    dead = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=REPO, env=found, capture_output=True, text=True
    )
    pid = int(dead.stdout)
    until(lambda: started(pid) is None)
    time.sleep(0.1)
    assert not (tmp_path / "begun").exists()


def test_another_launcher_finds_the_job_by_its_handle(tmp_path, launcher):
    handle = launcher.start(tmp_path, environment(tmp_path), device=True)
    launcher.release(handle)
    until((tmp_path / "begun").exists)
    other = LocalLauncher()
    assert other.poll(handle, 0) is None
    other.cancel(handle, force=False)
    until(lambda: not is_alive(handle))
    assert other.poll(handle, 0) == Ended(None)


def test_a_recycled_number_is_not_our_job(tmp_path):
    mine = {"host": local.socket.gethostname(), "pid": os.getpid(), "started": "1"}
    assert LocalLauncher().poll(mine, 0) == Ended(None)
    LocalLauncher().cancel(mine, force=True)
    assert is_alive({**mine, "started": started(os.getpid())})
    assert not is_alive({**mine, "started": started(os.getpid()), "host": "elsewhere"})


def test_children_of_a_dead_job_are_ended_too(tmp_path, launcher):
    handle = launcher.start(tmp_path, environment(tmp_path), device=True)
    launcher.release(handle)
    until((tmp_path / "begun").exists)
    child = int((tmp_path / "child").read_text())
    os.kill(handle["pid"], 9)
    assert launcher.poll(handle, 5) == Ended(-9)
    until(lambda: started(child) is None)


def test_a_job_sees_no_secret(tmp_path):
    outside = {
        "PATH": "/bin",
        "SECRET_KEY": "s",
        "DATABASE_URL": "postgres://u:p@h/d",
        "AWS_SECRET_ACCESS_KEY": "k",
        "HF_TOKEN": "t",
    }
    inside = job_environment(REPO, tmp_path, outside)
    assert inside["PATH"] == "/bin"
    assert not {"SECRET_KEY", "DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN"} & inside.keys()
    assert (inside["HF_HUB_OFFLINE"], inside["OMP_WAIT_POLICY"], inside["OMP_NUM_THREADS"]) == (
        "1",
        "PASSIVE",
        "2",
    )


def test_each_job_gets_a_gpu_of_its_own_for_as_long_as_it_lives(tmp_path, launcher, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    handles = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        handles.append(launcher.start(folder, environment(tmp_path), device=True))
        launcher.release(handles[-1])
        until((folder / "begun").exists)
    assert [(tmp_path / name / "begun").read_text() for name in ("a", "b")] == ["3", "5"]
    with pytest.raises(NoFreeDevice, match="All 2 GPUs"):
        launcher.start(tmp_path, environment(tmp_path), device=True)
    launcher.cancel(handles[0], force=True)
    assert launcher.poll(handles[0], 5)
    name, lock = gpus.allot(local.settings.CHARTER_HOME / "gpu")
    assert name == "3"
    lock.close()
    launcher.cancel(handles[1], force=True)
    assert launcher.poll(handles[1], 5)


def test_no_gpu_no_lock(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpus.allot(tmp_path) is None


def test_a_job_that_needs_no_device_takes_none_and_waits_for_none(tmp_path, launcher, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    name, lock = gpus.allot(local.settings.CHARTER_HOME / "gpu")
    with pytest.raises(NoFreeDevice, match="All 1 GPUs"):
        launcher.start(tmp_path, environment(tmp_path), device=True)
    handle = launcher.start(tmp_path, environment(tmp_path), device=False)
    lock.close()
    launcher.release(handle)
    until((tmp_path / "begun").exists)
    again, lock = gpus.allot(local.settings.CHARTER_HOME / "gpu")
    assert (name, again, (tmp_path / "begun").read_text()) == ("3", "3", "")
    lock.close()
    launcher.cancel(handle, force=True)
    assert launcher.poll(handle, 5)
