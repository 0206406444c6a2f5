"""What every launcher can do. A handle is a JSON object that finds the job again after the worker died."""

from pathlib import Path
from typing import Any, NamedTuple, Protocol

Handle = dict[str, Any]


class Ended(NamedTuple):
    """The job process is over. `code` is its exit code (negative: a signal), None when nobody could ask for it."""

    code: int | None


class NoFreeDevice(Exception):
    """Every accelerator is taken at the moment; try again later."""


class Launcher(Protocol):
    def start(self, folder: Path, environment: dict[str, str], *, device: bool) -> Handle:
        """Make the job's process, which waits at a gate: should we die before its handle is stored, it ends by itself.

        With `device` it holds one of the host's accelerators, where there is any; without, it sees none and waits for none.
        Raises OSError, NoFreeDevice.
        """

    def release(self, handle: Handle) -> None:
        """Open the gate: the job begins."""

    def poll(self, handle: Handle, wait: float) -> Ended | None:
        """Whether the job is over, waiting at most `wait` seconds for its end."""

    def cancel(self, handle: Handle, *, force: bool) -> None:
        """Ask the whole job to stop, or with `force` end it now. Does nothing when it is over."""

    def reaches(self, handle: Handle) -> bool:
        """Whether a job with this handle could be polled and cancelled from here."""
