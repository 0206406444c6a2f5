"""`python -m training.runner FOLDER`: run one job and always leave a result."""

import importlib
import sys
import traceback
from pathlib import Path

from training.runner.failures import Cancelled, JobUnreadable, classify
from training.runner.job import Job


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
        # Imported only now, under the heartbeat and with a place to report to: torch alone takes seconds.
        job.write_json("environment.json", importlib.import_module("training.runner.environment").describe())
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
