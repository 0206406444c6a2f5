"""Jobs as processes of this host, each the leader of its own session, so that they outlive the worker."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings

from training.launchers import gpus
from training.launchers.base import Ended, Handle

# The shell reads one line from us before it becomes the job. If we die first it reads the end of the file and stops.
GATE = 'read -r go && exec "$@"'
GLANCE_SECONDS = 0.1
RUNNER = "training.runner"


class LocalLauncher:
    """A handle holds `host`, `pid` and `started`, the start time that tells a process from a later one with its number."""

    def __init__(self) -> None:
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, folder: Path, environment: dict[str, str], *, device: bool) -> Handle:
        gpu = gpus.allot(settings.CHARTER_HOME / "gpu") if device else None
        if gpu or not device:
            environment = {**environment, "CUDA_VISIBLE_DEVICES": gpu[0] if gpu else ""}
        with (folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603
                ["/bin/sh", "-c", GATE, "job", sys.executable, "-m", RUNNER, str(folder)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environment,
                start_new_session=True,
                pass_fds=[gpu[1].fileno()] if gpu else [],
            )
        if gpu:
            gpu[1].close()
        self._children[process.pid] = process
        return {"host": socket.gethostname(), "pid": process.pid, "started": started(process.pid)}

    def release(self, handle: Handle) -> None:
        stdin = self._children[handle["pid"]].stdin
        # A broken pipe means that the process is over already; poll tells.
        with contextlib.suppress(BrokenPipeError):
            if stdin:
                stdin.write(b"go\n")
                stdin.close()

    def poll(self, handle: Handle, wait: float) -> Ended | None:
        child = self._children.get(handle["pid"])
        if child is None or not self.reaches(handle):
            return _poll_stranger(handle, wait)
        try:
            code = child.wait(wait)
        except subprocess.TimeoutExpired:
            return None
        _signal_group(handle, signal.SIGKILL)
        del self._children[handle["pid"]]
        return Ended(code)

    def cancel(self, handle: Handle, *, force: bool) -> None:
        if is_alive(handle):
            _signal_group(handle, signal.SIGKILL if force else signal.SIGTERM)

    def reaches(self, handle: Handle) -> bool:
        return bool(handle.get("host") == socket.gethostname())


def is_alive(handle: Handle) -> bool:
    """Whether the very process of the handle runs on this host (a zombie does not)."""
    return handle.get("host") == socket.gethostname() and started(handle["pid"]) == handle["started"]


def started(pid: int) -> str | None:
    """When the process began, as text that no other process with the same number has; None when there is none."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _started_by_ps(pid)
    return None if after_name[0] in "ZX" else after_name[19]


def _started_by_ps(pid: int) -> str | None:
    """As `started`, where there is no /proc."""
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    state, _, began = asked.stdout.strip().partition(" ")
    return None if not began or state.startswith("Z") else " ".join(began.split())


def _poll_stranger(handle: Handle, wait: float) -> Ended | None:
    """The job of a worker that is no more: nobody can ask for its exit code."""
    deadline = time.monotonic() + wait
    while is_alive(handle):
        if time.monotonic() >= deadline:
            return None
        time.sleep(GLANCE_SECONDS)
    # A number stays taken while its group has members, so whatever is left of this group belongs to the job.
    if handle.get("host") == socket.gethostname() and started(handle["pid"]) is None:
        _signal_group(handle, signal.SIGKILL)
    return Ended(None)


def _signal_group(handle: Handle, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(handle["pid"], number)
