"""Why a job ended without a product: the exceptions it may raise, and what to tell a person about the others."""

import errno
from collections.abc import Iterator, Mapping
from typing import Any, Literal

DIVERGED = "the training diverged. Lower params.learning_rate and start again."

FailureClass = Literal["out_of_memory", "bad_input", "disk_full", "endpoint", "bug"]

MEMORY_SIGNS = ("out of memory", "can't allocate memory", "cannot allocate memory", "failed to allocate")
DISK_SIGNS = ("no space left on device", "disk quota exceeded")


class JobUnreadable(Exception):
    """The folder given to the runner is not a job."""


class BadInput(Exception):
    """An input or a parameter cannot be used; the text says which, why, and what to do."""


class EndpointFailed(Exception):
    """A served model gave no usable answer; the text says what it did, and holds no key."""


class Cancelled(Exception):
    """The job was asked to stop and has stopped. `summary` is what it knows about itself by then."""

    def __init__(self, reason: str, summary: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.summary = dict(summary or {})


def classify(error: BaseException) -> tuple[FailureClass, str]:
    """The failure class of an exception and a sentence for the person who launched the run."""
    chain = list(_chain(error))
    if any(map(_is_disk_full, chain)):
        return (
            "disk_full",
            f"The disk is full: {error}. Free space under the runs folder and start the run again.",
        )
    if any(map(_is_out_of_memory, chain)):
        return "out_of_memory", (
            f"Memory ran out: {_first_line(error)}. Lower per_device_batch_size or max_length, "
            "raise gradient_accumulation to keep the effective batch, and start again."
        )
    for link in chain:
        if isinstance(link, BadInput):
            return "bad_input", str(link)
        if isinstance(link, EndpointFailed):
            return "endpoint", str(link)
    return "bug", (
        f"{type(error).__name__}: {_first_line(error)}. This is not an error of your inputs that Charter "
        "recognises; the job's log holds the full trace."
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _is_disk_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return any(sign in str(error).lower() for sign in DISK_SIGNS)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in MEMORY_SIGNS)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0].rstrip(".")
