"""A job that behaves as its parameter `mode` says, on the real runner: what goes wrong in training, without training."""

import atexit
import os
import shutil
import signal
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from training.runner.job import Job


def run(job: Job) -> dict[str, Any]:
    mode, steps, pause = job.params["mode"], int(job.params["steps"]), float(job.params["pause"])
    job.write_json("config.json", {"steps": steps})
    job.phase("work")
    first = _resume(job)
    for step in range(first, steps + 1):
        time.sleep(pause)
        job.metrics(step, {"loss": Decimal(1) / (step + 1)})
        job.progress(step, steps, "step")
        (job.folder / "snapshot").write_text(str(step))
        if mode != "stubborn":
            job.stop_if_cancelled()
        if mode == "die" and step == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    if mode == "fail":
        raise ValueError("the loss is no number")
    _copy(job.the_input("init_from").files_at(), job.output_dir)
    if mode == "lie":
        atexit.register((job.output_dir / "config.json").write_text, "{}")
    if mode == "extra":
        atexit.register((job.output_dir / "late.txt").write_text, "nobody hashed me")
    return {"steps": steps, "first": first}


def _resume(job: Job) -> int:
    path = job.folder / "snapshot"
    if not path.exists():
        return 1
    job.event("resumed", step=int(path.read_text()), path="snapshot")
    return int(path.read_text()) + 1


def _copy(model: Path, outputs: Path) -> None:
    for path in model.iterdir():
        shutil.copy(path, outputs / path.name)
