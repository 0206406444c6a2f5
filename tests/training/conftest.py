"""Short waits, no switch left over from another test, and the base model that real trainings begin from."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.faking import FAST_RUNNER
from training import supervisor
from training.launchers import local


@pytest.fixture(autouse=True)
def _quick(monkeypatch, settings) -> None:
    monkeypatch.setattr(supervisor, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(local, "RUNNER", FAST_RUNNER)
    settings.RUN_LEASE_SECONDS = 2
    supervisor.detaching.clear()


@pytest.fixture(scope="session")
def tiny_base() -> Path:
    """The small base model, built once into the shared cache by the same command that the demo uses."""
    cache = Path(os.environ.get("CHARTER_CACHE", Path(__file__).resolve().parents[2] / "var" / "cache"))
    command = [sys.executable, "-m", "training.runner.base", str(cache)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).resolve().parents[2]
    )
    return Path(json.loads(done.stdout.splitlines()[-1])["path"])


@pytest.fixture
def keep_signals() -> Iterator[None]:
    """Put pytest's own signal handlers back after a job ran in this process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
