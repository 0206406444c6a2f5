"""Short waits, and no switch left over from another test."""

import signal
from collections.abc import Iterator

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


@pytest.fixture
def keep_signals() -> Iterator[None]:
    """Put pytest's own signal handlers back after a job ran in this process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
