"""`python -m training.runner FOLDER`: run one job and always leave a result."""

import importlib
import os
import sys
import traceback
from pathlib import Path

from training.runner.failures import Cancelled, JobUnreadable, classify
from training.runner.job import Job

# The libraries read these at import: no hub, no telemetry, no busy-waiting threads on a shared machine.
CHILD_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRL_EXPERIMENTAL_SILENCE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_WAIT_POLICY": "PASSIVE",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}


def main(arguments: list[str]) -> int:
    """Run the job in the one folder named; returns the process's exit code."""
    if len(arguments) != 1:
        _say("usage: python -m training.runner FOLDER")
        return 2
    try:
        job = Job(Path(arguments[0]))
    except JobUnreadable as error:
        _say(str(error))
        return 2
    os.environ.update(CHILD_ENVIRONMENT)
    return _run(job)


def _run(job: Job) -> int:
    try:
        return _attempt(job)
    except OSError as error:
        _say(f"The result could not be written: {error}")
        return 3


def _attempt(job: Job) -> int:
    try:
        job.start()
        summary = importlib.import_module(job.module).run(job)
    except Cancelled as stop:
        job.finish("cancelled", reason=stop.reason, summary=stop.summary)
        return 0
    except Exception as error:  # noqa: BLE001 -- whatever it is, the run must end with its reason
        traceback.print_exc()
        failure_class, reason = classify(error)
        job.finish("failed", reason=reason, failure_class=failure_class)
        return 1
    job.finish("succeeded", summary=summary)
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
