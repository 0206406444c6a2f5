"""A job module that does what its parameter `act` says."""

import errno
import os
import signal
from typing import Any

from training.runner.failures import BadInput
from training.runner.job import Job


def run(job: Job) -> dict[str, Any]:
    return globals()[job.params["act"]](job)


def succeed(job: Job) -> dict[str, Any]:
    (job.output_dir / "deep").mkdir()
    (job.output_dir / "deep" / "b.txt").write_text("b")
    (job.output_dir / "a.txt").write_text("a")
    job.phase("work", share=0.25)
    job.metrics(1, {"loss": 1e-7, "count": 3, "odd": float("nan"), "big": float("inf")})
    for done in range(1, 101):
        job.progress(done, 100, "item")
    return {"score": 0.1 + 0.2, "nothing": None}


def refuse(job: Job) -> dict[str, Any]:
    job.the_input("init_from")
    return {}


def chained(job: Job) -> dict[str, Any]:
    try:
        raise KeyError("x")
    except KeyError as error:
        raise BadInput("model:a@1 cannot be loaded.") from error


def fill_disk(job: Job) -> dict[str, Any]:
    raise OSError(errno.ENOSPC, "No space left on device")


def fill_memory(job: Job) -> dict[str, Any]:
    raise RuntimeError(
        "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
    )


def break_down(job: Job) -> dict[str, Any]:
    return {}["absent"]


def stop(job: Job) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGTERM)
    job.phase("never")
    return {}
